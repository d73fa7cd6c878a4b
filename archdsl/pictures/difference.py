"""What differs between two networks: their parts side by side, as far down as they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archdsl.analysis.figures import COUNTED
from archdsl.costs.sums import Lent
from archdsl.graph.written import call
from archdsl.ir.network import Network, Part
from archdsl.layers.base import Layer, Shape
from archdsl.pictures.boxes import times
from archdsl.pictures.drawing import short_name, summary
from archdsl.pictures.glyphs import DrawnBlock, DrawnJoin, Stack
from archdsl.pictures.sketch import alike, is_arm, row_of, sketch
from archdsl.pictures.words import step_name

EQUAL = 4.0  # the likeness of two items that are the same
LONGEST = 400  # pieces of a part that are brought together with another's


@dataclass(frozen=True, slots=True)
class DifferenceItem:
    """A layer, a join or a block of one of the networks, by its path in a drawing. The costs are
    those of all its repetitions, for one image; the weights of a shared module count where it is
    applied first."""

    path: str
    name: str
    what: str
    shape: Shape
    params: int = 0
    macs: int = 0
    repeat: int = 1
    layer: Layer | None = None
    part: Part | None = None
    lent: Lent | None = field(default=None, compare=False)  # shared modules, first applied in it


@dataclass(frozen=True, slots=True)
class Change:
    """An item of the first network, the one of the second that it goes with, or only one of the
    two; ``inside`` is what differs in it."""

    a: DifferenceItem | None
    b: DifferenceItem | None
    inside: tuple[Change, ...] = field(default=())

    @property
    def mark(self) -> str:
        """``same``, ``changed``, ``removed`` (only in the first) or ``added``."""
        if self.a is None or self.b is None:
            return "added" if self.a is None else "removed"
        plain = _content(self.a) == _content(self.b) and _equal(self.a, self.b)
        return "same" if plain else "changed"


def _content(item: DifferenceItem) -> tuple[object, ...]:
    return item.what, item.shape, item.params, item.macs, item.repeat, item.layer


def _equal(a: DifferenceItem, b: DifferenceItem) -> bool:
    if a.part is None or b.part is None:
        return a.part is b.part
    return alike(a.part, b.part, ())


def difference(a: Network, b: Network) -> tuple[Change, ...]:
    """The parts of two networks, brought together."""
    return tuple(_compared((a.root, "", {}), (b.root, "", {})))


Place = tuple[Part, str, Lent | None]  # a part, what its paths begin with, and as in ``of_steps``


def _compared(a: Place, b: Place) -> Iterator[Change]:
    for x, y in _aligned(list(_items(*a)), list(_items(*b))):
        inside: tuple[Change, ...] = ()
        if x is not None and y is not None and x.part is not None and y.part is not None:
            change = Change(x, y)
            if change.mark == "changed" and not alike(x.part, y.part, ()):
                inner = (x.part, x.path + ".", x.lent), (y.part, y.path + ".", y.lent)
                inside = tuple(_compared(*inner))
        yield Change(x, y, inside)


def _items(part: Part, prefix: str, lent: Lent | None) -> Iterator[DifferenceItem]:
    owned = list(_owned(part, "", lent))
    params = {name: count for name, count, _, _ in owned}
    places = {name.partition("-")[0]: place for place, (name, *_) in enumerate(owned)}
    for piece in sketch(part).pieces:
        if isinstance(piece, Stack):
            n = piece.repeat
            for s in piece.strips:
                name, path = f"{s.name} {times(n)}".strip(), prefix + s.name
                count = params[s.name]
                yield DifferenceItem(path, name, s.call, s.shape, count, n * s.macs, n, s.layer)
        elif isinstance(piece, DrawnJoin):
            shown = call(piece.layer)
            yield DifferenceItem(
                prefix + piece.name, piece.name, shown, piece.shape, layer=piece.layer
            )
        elif isinstance(piece, DrawnBlock):
            macs, n = COUNTED.of_part(piece.part)[2], piece.repeat
            place = places[piece.name.partition("-")[0]]
            within, count, left = owned[place][3], 0, n
            while left > 0:  # several steps may be drawn as one
                _, more, repeat, _ = owned[place]
                count, left, place = count + more, left - repeat, place + 1
            yield DifferenceItem(
                prefix + piece.name,
                f"{short_name(piece)} {times(n)}".strip(),
                summary(piece),
                piece.shape,
                count,
                0 if piece.side is not None else n * macs,
                n,
                part=piece.part,
                lent=within,
            )


Owned = tuple[str, int, int, Lent | None]  # a name in the drawing, parameters, repetitions


def _owned(part: Part, prefix: str, lent: Lent | None) -> Iterator[Owned]:
    """The parameters of what is drawn of a part, of all repetitions."""
    for step, row, within in COUNTED.of_steps(part, lent):
        op = step.op
        if isinstance(op, Part) and is_arm(step, op):
            yield from _owned(op, f"{prefix}{step.label}.", within)
            continue
        name = prefix + step_name(step)
        yield name, row[0], step.repeat, within
        if isinstance(op, Part) and row_of(op, name + "."):
            again = step.repeat - 1 if step.module is None else 0
            yield from _owned_of_row(op, name + ".", within, again)


def _owned_of_row(part: Part, prefix: str, lent: Lent | None, again: int) -> Iterator[Owned]:
    """``_owned`` of a part whose layers are drawn in one box; ``again``: repetitions more, with
    weights of their own."""
    rows = zip(COUNTED.of_steps(part, lent), COUNTED.of_steps(part), strict=True)
    for (step, row, within), (_, alone, _) in rows:
        name = prefix + step.label
        yield name, row[0] + again * alone[0], 1, within
        if isinstance(step.op, Part):
            more = again if step.module is None else 0
            yield from _owned_of_row(step.op, name + ".", within, more)


def _likeness(a: DifferenceItem, b: DifferenceItem) -> float:
    """How well two items go together; 0 not at all."""
    if (a.part is None) != (b.part is None) or type(a.layer) is not type(b.layer):
        return 0
    if _content(a) == _content(b) and _equal(a, b):
        return EQUAL
    same_name = a.path.rpartition(".")[2] == b.path.rpartition(".")[2]
    same_kind = a.part is None or b.part is None or a.part.name == b.part.name
    return 1 + 1.5 * same_name + same_kind + 0.5 * (a.shape == b.shape)


def _aligned(
    left: Sequence[DifferenceItem], right: Sequence[DifferenceItem]
) -> Iterator[tuple[DifferenceItem | None, DifferenceItem | None]]:
    """Pairs in the order of both, so that as much as possible goes together (Needleman and
    Wunsch 1970, with no price for what goes with nothing)."""
    if max(len(left), len(right)) > LONGEST:
        yield from _aligned_long(left, right)
        return
    n, m = len(left), len(right)
    best = [[0.0] * (m + 1) for _ in range(n + 1)]
    likeness = [[_likeness(x, y) for y in right] for x in left]
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            both = best[i + 1][j + 1] + likeness[i][j] if likeness[i][j] else -1
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < n or j < m:
        pair = likeness[i][j] if i < n and j < m else 0
        if pair and best[i][j] == best[i + 1][j + 1] + pair:
            yield left[i], right[j]
            i, j = i + 1, j + 1
        elif i < n and (j == m or best[i][j] == best[i + 1][j]):
            yield left[i], None
            i += 1
        else:
            yield None, right[j]
            j += 1


def _aligned_long(
    left: Sequence[DifferenceItem], right: Sequence[DifferenceItem]
) -> Iterator[tuple[DifferenceItem | None, DifferenceItem | None]]:
    """The same of many: what is equal at either end goes together. What is left between is
    aligned if it is short, or goes together place by place if there are as many of either."""
    n, m = len(left), len(right)
    start = next((i for i in range(min(n, m)) if _likeness(left[i], right[i]) < EQUAL), min(n, m))
    most = min(n, m) - start
    end = next((i for i in range(most) if _likeness(left[-1 - i], right[-1 - i]) < EQUAL), most)
    yield from zip(left[:start], right[:start], strict=True)
    a, b = left[start : n - end], right[start : m - end]
    if max(len(a), len(b)) <= LONGEST:
        yield from _aligned(a, b)
    elif len(a) == len(b) and all(_likeness(x, y) for x, y in zip(a, b, strict=True)):
        yield from zip(a, b, strict=True)
    else:
        yield from ((x, None) for x in a)
        yield from ((None, y) for y in b)
    yield from zip(left[n - end :], right[m - end :], strict=True)


def opened(changes: Sequence[Change]) -> tuple[set[str], set[str]]:
    """The blocks of either network in which something differs, by path: in both of two that go
    together, though it be only in one."""
    left: set[str] = set()
    right: set[str] = set()
    for change in changes:
        if change.a and change.b and any(c.mark != "same" for c in change.inside):
            left.add(change.a.path)
            right.add(change.b.path)
            for found, inner in zip((left, right), opened(change.inside), strict=True):
                found.update(inner)
    return left, right


def marks(changes: Sequence[Change]) -> tuple[dict[str, str], dict[str, str]]:
    """What is to be marked in the drawing of either network, by path."""
    left: dict[str, str] = {}
    right: dict[str, str] = {}
    for change in changes:
        if change.mark == "same":
            continue
        if change.a is not None:
            left[change.a.path] = change.mark
        if change.b is not None:
            right[change.b.path] = change.mark
        for found, inner in zip((left, right), marks(change.inside), strict=True):
            found.update(inner)
    return left, right
