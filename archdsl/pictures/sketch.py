"""What is drawn of a part when it is open: stacks of layers, blocks, and joins.

Arms of a branch and shortcuts are no boxes of their own: their pieces belong to the part around
them. Layers in a row that go together (a convolution, its normalisation and its activation) are
one stack, and a block that is no more than such a row is drawn as one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.analysis.figures import COUNTED
from archdsl.costs.sums import NONE, Lent, Row
from archdsl.diagnostics.source import Span
from archdsl.graph.written import call
from archdsl.ir.network import Op, Part, Pick, Step, used_by
from archdsl.layers.base import Layer, Shape
from archdsl.layers.join import Join as JoinLayer
from archdsl.pictures.words import layer_words, step_name

UNNAMED = ("branch", "shortcut")  # what arms are called that the user gave no name
LIGHT = ("norm", "activation", "drop")  # kinds that go with another layer


@dataclass(frozen=True, slots=True)
class Strip:
    """One layer of a stack: its path within the part, and what is known of it. ``shares`` is the
    shared module whose weights it has: these count in ``params`` where it is applied first, as in
    ``Sums.of_steps``. ``marked``: no box around it says so."""

    name: str
    layer: Layer
    input: Shape
    shape: Shape
    params: int
    macs: int
    span: Span
    shares: str = ""
    marked: bool = False

    @property
    def words(self) -> str:
        return layer_words(self.layer, self.input) + ", shared" * self.marked

    @property
    def call(self) -> str:
        return call(self.layer)

    @property
    def light(self) -> bool:
        return self.layer.kind in LIGHT


@dataclass(frozen=True, slots=True)
class Glyph:
    """Something drawn. ``inputs`` are values as in a ``Part``: 0 is the part's input, ``i + 1``
    the result of piece ``i``, ``-(j + 1)`` the ``j``-th import."""

    name: str
    inputs: tuple[int, ...]
    shape: Shape
    span: Span
    repeat: int = 1
    side: float | None = None  # of a side output: its weight in the loss
    shortcut: bool = False
    shares: str = ""  # the shared module whose weights it has


@dataclass(frozen=True, slots=True)
class Stack(Glyph):
    """Layers in a row, as one box of strips."""

    strips: tuple[Strip, ...] = ()
    whole: bool = False  # a block of its own: nothing else joins it


@dataclass(frozen=True, slots=True)
class DrawnBlock(Glyph):
    """A part: a box that can be opened. A ``turn`` (the body of a loop) always is. ``doors`` are
    which of the part's operands its lines are: 0 the input, ``k`` the ``k``-th import. ``params``
    are of all repetitions, and ``marked`` is one that is a shared module; ``lent`` are the shared
    modules that are first applied in it, as in ``Sums.of_steps``."""

    part: Part = field(kw_only=True)
    params: int = field(kw_only=True)
    marked: bool = False
    lent: Lent | None = field(default=None, compare=False)
    labelled: bool = False
    doors: tuple[int, ...] = (0,)

    @property
    def use(self) -> Applied:
        return Applied(self.lent, self.shares)


class Results(Layer):
    """Where several results leave a network: nothing is computed."""

    name = "outputs"


@dataclass(frozen=True, slots=True)
class DrawnJoin(Glyph):
    """Where several tensors meet."""

    layer: Layer = field(kw_only=True)
    params: int = 0
    macs: int = 0

    @property
    def words(self) -> str:
        """What stands in a bar."""
        own = isinstance(self.layer, Results)
        return self.name if own else self.layer.name.replace("_", " ")

    @property
    def sign(self) -> str:
        return self.layer.sign if isinstance(self.layer, JoinLayer) else ""


@dataclass(frozen=True, slots=True)
class Sketch:
    """The pieces of an open part. ``result`` is the value that leaves it."""

    kind: str
    input: Shape
    imports: tuple[Shape, ...]
    pieces: tuple[Glyph, ...]
    result: int

    def shape(self, value: int) -> Shape:
        if value > 0:
            return self.pieces[value - 1].shape
        return self.input if value == 0 else self.imports[-value - 1]

    def uses(self) -> Counter[int]:
        """How often each value is taken."""
        return Counter([n for p in self.pieces for n in p.inputs] + [self.result])


@dataclass(frozen=True, slots=True)
class Applied:
    """How a part is applied: the shared modules that are first applied in it, as in
    ``Sums.of_steps``, and the shared one that it is, or is in."""

    lent: Lent | None = field(default_factory=lambda: NONE)
    shares: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for uses of one part that are drawn and said alike."""
        return None if self.lent is None else tuple(sorted(self.lent)), self.shares


def sketch(part: Part, use: Applied | None = None) -> Sketch:
    """The pieces of a part."""
    loose: list[Glyph] = []
    sources = [0, *(-i - 1 for i in range(len(part.imports)))]
    values = _poured(part, "", sources, loose, False, use or Applied())

    def value(n: int) -> int:
        return values[n][0] if n >= 0 else sources[-n]

    given = tuple(map(value, part.given or [r.value for r in part.results]))
    result = given[0] if given else value(part.result)
    if len(given) > 1:
        names = ", ".join([r.name for r in part.results]) or f"{len(given)} tensors"
        place = part.shape, part.steps[-1].span
        loose.append(DrawnJoin(names, given, *place, layer=Results()))
        result = len(loose)
    whole = Sketch(part.kind, part.input, part.imports, tuple(loose), result)
    return _put_together(whole)


def _pour(
    part: Part, prefix: str, sources: list[int], found: list[Glyph], shortcut: bool, use: Applied
) -> list[int]:
    """Adds the pieces of a part; ``sources`` are its input and its imports. Its results."""
    values = _poured(part, prefix, sources, found, shortcut, use)
    given = part.given or (part.result,)
    return [values[n][0] if n >= 0 else sources[-n] for n in given]


def _poured(
    part: Part, prefix: str, sources: list[int], found: list[Glyph], shortcut: bool, use: Applied
) -> list[list[int]]:
    """Adds the pieces of a part: the values of its input and of its steps. Where a box gives
    several tensors, its value stands for each of them."""
    values = [sources[:1]]
    rows = COUNTED.of_steps(part, use.lent)

    def value(n: int) -> int:
        return values[n][0] if n >= 0 else sources[-n]

    for step in part.steps:
        if isinstance(step.op, Pick):
            source = values[step.inputs[0]]
            values.append([source[min(step.op.number, len(source) - 1)]])
            continue
        inputs = tuple(value(n) for n in step.inputs)
        op = step.op
        _, row, lent = next(rows)
        within = Applied(lent, _module(part, step) or use.shares)
        cut = shortcut or step.name == "shortcut"
        if isinstance(op, Part) and is_arm(step, op):
            values.append(_pour(op, f"{prefix}{step.label}.", list(inputs), found, cut, within))
            continue
        found.append(_piece(part, step, prefix + step_name(step), inputs, cut, row, within))
        values.append([len(found)])
    return values


def is_arm(step: Step, part: Part) -> bool:
    """Whether a part is no box: its pieces are drawn among the others."""
    alone = step.repeat == 1 and step.weight is None
    return part.kind == "group" and step.name in UNNAMED and alone


def _module(part: Part, step: Step) -> str:
    """The name of the shared module that a step applies; nothing for weights of its own."""
    n = step.module
    return "" if n is None else part.shared[n].name if n >= 0 else part.lent[-n - 1]


def _piece(
    part: Part,
    step: Step,
    name: str,
    inputs: tuple[int, ...],
    cut: bool,
    row: Row,
    use: Applied,
) -> Glyph:
    op, marked = step.op, step.module is not None
    place = step.shape, step.span, step.repeat, step.weight, cut, use.shares
    if isinstance(op, Op):
        if len(inputs) > 1:
            params, _, macs, *_ = row
            return DrawnJoin(name, inputs, *place, layer=op.layer, params=params, macs=macs)
        params = row[0] if marked else row[0] // step.repeat
        return Stack(name, inputs, *place, strips=(_strip(part, step, name, params, use, marked),))
    own = step.name in ("layer", *UNNAMED) or step.name.startswith("column")
    labelled = op.kind != "turn" and not own and step.name != op.name
    if not labelled and step.weight is None and (strips := row_of(op, name + ".", use, marked)):
        return Stack(name, inputs, *place, strips=tuple(strips), whole=True)
    doors = _taken(op) or (0,)
    lines = tuple(inputs[n] for n in doors)
    more: dict[str, Any] = {"params": row[0], "marked": marked, "lent": use.lent}
    return DrawnBlock(name, lines, *place, part=op, labelled=labelled, doors=doors, **more)


def _taken(part: Part) -> tuple[int, ...]:
    """The operands that a part makes use of: one that has imports may not look at its input."""
    used = {part.result, *part.given, *(n for s in part.steps for n in used_by(s))}
    return tuple(k for k in range(len(part.imports) + 1) if -k in used)


def _strip(part: Part, step: Step, name: str, params: int, use: Applied, marked: bool) -> Strip:
    assert isinstance(step.op, Op)
    each, _, macs, *_ = COUNTED.of_step(part, step)
    layer, before = step.op.layer, part.shape_of(step.inputs[0])
    shares = use.shares if each or layer.is_tied else ""
    marked = marked and bool(shares)
    return Strip(name, layer, before, step.shape, params, macs, step.span, shares, marked)


def row_of(
    part: Part, prefix: str, use: Applied | None = None, marked: bool = False
) -> list[Strip]:
    """The layers of a part that is one row with at most one that is not light; else nothing."""
    use = use or Applied()
    found: list[Strip] = []
    if (
        part.imports
        or part.given
        or part.result != len(part.steps)
        or part.kind not in ("block", "group")
    ):
        return []
    for i, step in enumerate(part.steps):
        if step.inputs != (i,) or step.repeat > 1 or step.weight is not None:
            return []
    for step, row, lent in COUNTED.of_steps(part, use.lent):
        within = Applied(lent, _module(part, step) or use.shares)
        mark = marked or step.module is not None
        if isinstance(step.op, Op):
            found.append(_strip(part, step, prefix + step.label, row[0], within, mark))
        elif inner := row_of(step.op, f"{prefix}{step.label}.", within, mark):
            found.extend(inner)
        else:
            return []
    return found if sum(not s.light for s in found) <= 1 else []


# ------------------------------------------------------------------------- put together


def _put_together(whole: Sketch) -> Sketch:
    """The same with rows of layers as stacks, and rows of blocks that are alike as one."""
    groups = list(_groups(whole))
    numbers = {0: 0, **{-i - 1: -i - 1 for i in range(len(whole.imports))}}
    for place, group in enumerate(groups):
        numbers[group[-1] + 1] = place + 1
    pieces = [
        replace(piece, inputs=tuple(numbers[n] for n in piece.inputs))
        for group in groups
        for piece in [_one([whole.pieces[n] for n in group])]
    ]
    return replace(whole, pieces=tuple(pieces), result=numbers[whole.result])


def _one(group: list[Glyph]) -> Glyph:
    first, last = group[0], group[-1]
    if isinstance(first, Stack):
        strips = tuple(s for p in group if isinstance(p, Stack) for s in p.strips)
        return replace(first, shape=last.shape, strips=strips)
    if len(group) == 1:
        return first
    name = first.name.partition("-")[0] + "-" + re.sub(r".*\D", "", last.name)
    whole = replace(first, name=name, repeat=sum(p.repeat for p in group))
    assert isinstance(whole, DrawnBlock)
    return replace(whole, params=sum(p.params for p in group if isinstance(p, DrawnBlock)))


def _groups(whole: Sketch) -> Iterator[list[int]]:
    """The places of pieces that make one box, in their order."""
    uses = whole.uses()
    row: list[int] = []
    for place, piece in enumerate(whole.pieces):
        goes_on = bool(row) and piece.inputs == (row[-1] + 1,) and uses[row[-1] + 1] == 1
        if row and not (goes_on and _belongs(whole.pieces[row[-1]], piece)):
            yield from _divided(whole, row)
            row = []
        row.append(place)
    yield from _divided(whole, row)


def _belongs(before: Glyph, piece: Glyph) -> bool:
    """Whether a piece may share a box with the one before it."""
    if isinstance(before, DrawnBlock) and isinstance(piece, DrawnBlock):
        plain = before.side is None and piece.side is None and before.shares == piece.shares
        named = before.labelled or piece.labelled or "turn" in (before.part.kind, piece.part.kind)
        return plain and not named and alike(before.part, piece.part)
    return _is_loose(before) and _is_loose(piece)


def alike(a: Part, b: Part, but_for: tuple[str, ...] = ("drop", "join")) -> bool:
    """Whether two parts differ in nothing but the arguments of such kinds of layers: in rates
    of dropping, unless told otherwise."""
    if a is b:
        return True
    if (a.kind, a.name, a.input, a.imports, len(a.steps)) != (
        *(b.kind, b.name, b.input, b.imports),
        len(b.steps),
    ):
        return False
    return all(
        (x.inputs, x.shape, x.repeat, x.weight) == (y.inputs, y.shape, y.repeat, y.weight)
        and _same(x.op, y.op, but_for)
        for x, y in zip(a.steps, b.steps, strict=True)
    )


def _same(a: Op | Part, b: Op | Part, but_for: tuple[str, ...]) -> bool:
    if isinstance(a, Part) or isinstance(b, Part):
        return isinstance(a, Part) and isinstance(b, Part) and alike(a, b, but_for)
    if isinstance(a, Pick) or isinstance(b, Pick):
        return a is b
    near = a.layer.kind in but_for and type(a.layer) is type(b.layer)
    return near or a.layer == b.layer


def _is_loose(piece: Glyph) -> bool:
    return isinstance(piece, Stack) and piece.repeat == 1 and piece.side is None


def _divided(whole: Sketch, row: list[int]) -> Iterator[list[int]]:
    """A row of layers as boxes: each with one layer that is not light. As the row begins, with a
    normalisation or without, the light ones stand before it or after it."""
    if not row or not _is_loose(whole.pieces[row[0]]):
        yield from [row] if row else []
        return
    stacks = [p for n in row if isinstance(p := whole.pieces[n], Stack)]
    light = [not p.whole and all(s.light for s in p.strips) for p in stacks]
    leads = light[0] and stacks[0].strips[0].layer.kind == "norm" and not all(light)
    last = max((i for i, is_light in enumerate(light) if not is_light), default=-1)
    group: list[int] = []
    heavy = False  # whether the group has a layer that is not light
    for i, (place, is_light) in enumerate(zip(row, light, strict=True)):
        starts = heavy and i <= last if leads else not is_light
        if group and starts:
            yield group
            group, heavy = [], False
        group.append(place)
        heavy = heavy or not is_light
    yield group
