"""How the pieces of a part hang together: in series, in parallel, or neither.

A sketch is a graph from its input to its result. Pieces in a row become a ``Run``, arms between
the same two points a ``Fork``, again and again, until one is left: most networks are made so
(Valdes, Tarjan and Lawler 1979). What cannot be taken apart is a ``Web``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from archdsl.pictures.glyphs import DrawnBlock, DrawnJoin, Glyph, Sketch

START = -(10**9)  # where the input and the imports of a part come from
END = 10**9  # where the result meets what nothing else takes


@dataclass(frozen=True, slots=True)
class Leaf:
    """One piece."""

    piece: Glyph


@dataclass(frozen=True, slots=True)
class Thread:
    """A bare line; ``tag`` is the place of the operand that it is, and ``side`` the side output
    that ends on it."""

    tag: int = 0
    side: Glyph | None = None


@dataclass(frozen=True, slots=True)
class Knot:
    """A value between two pieces of a run: what joins there, and what hangs from it without
    coming back."""

    value: int
    hub: DrawnJoin | DrawnBlock | None = None
    loose: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Pieces in a row, with knots between them."""

    items: tuple[Node | Knot, ...]


@dataclass(frozen=True, slots=True)
class Fork:
    """Arms from one knot to another; ``into`` is what they meet in."""

    arms: tuple[Node, ...]
    into: DrawnJoin | DrawnBlock | None


@dataclass(frozen=True, slots=True)
class Strand:
    """A line of a web, with what is on it."""

    start: int
    end: int
    node: Node


@dataclass(frozen=True, slots=True)
class Web:
    """Knots and strands that are no series and no parallel arms."""

    strands: tuple[Strand, ...]
    knots: dict[int, Knot] = field(hash=False)
    start: int
    end: int


Node = Leaf | Thread | Run | Fork | Web


def weave(sketch: Sketch) -> Run:
    """The whole part: a run from a knot of its sources to a knot of its result."""
    return Weaver(sketch).whole()


class Weaver:
    """Takes the graph of a sketch apart."""

    def __init__(self, sketch: Sketch) -> None:
        self.sketch = sketch
        self.hubs = {i + 1: p for i, p in enumerate(sketch.pieces) if len(p.inputs) > 1}
        self.places = {id(p): i for i, p in enumerate(sketch.pieces)}
        self.loose: dict[int, list[Node]] = defaultdict(list)
        self.backward = sketch.kind == "fractal"  # the shallow columns of a fractal come last

    def whole(self) -> Run:
        sketch = self.sketch
        alive = self._needed(sketch.result)
        hanging = self._hang(alive)
        alive = {*alive, *range(1, len(sketch.pieces) + 1)} - hanging
        end = sketch.result
        taken = {n for v in alive if v > 0 for n in sketch.pieces[v - 1].inputs}
        ends = [v for v in sorted(alive | set(self.loose)) if v not in taken and v != end]
        strands: list[Strand] = []
        if ends:
            end = END
            strands.append(Strand(sketch.result, END, Thread()))
            strands += [Strand(v, END, Thread(i, self._side(v))) for i, v in enumerate(ends, 1)]
        for v in sorted(v for v in alive if v > 0):
            piece = sketch.pieces[v - 1]
            if len(piece.inputs) > 1:
                strands += [Strand(u, v, Thread(i)) for i, u in enumerate(piece.inputs)]
            else:
                strands.append(Strand(piece.inputs[0], v, Leaf(piece)))
        start = 0
        if sketch.imports:
            start = START
            used = {s.start for s in strands} | {end}
            strands += [
                Strand(START, -k, Thread(k)) for k in range(len(sketch.imports) + 1) if -k in used
            ]
        return self._run(start, self._reduced(strands, start, end), end)

    def _run(self, start: int, strands: list[Strand], end: int) -> Run:
        first, last = self.knot(start), self.knot(end)
        if not strands:
            return Run((first,))
        if len(strands) == 1:
            return Run((first, *_items(strands[0].node), last))
        knots = {v: self.knot(v) for s in strands for v in (s.start, s.end)}
        return Run((first, Web(tuple(strands), knots, start, end), last))

    def knot(self, value: int) -> Knot:
        hub: Any = self.hubs.get(value)
        return Knot(value, hub, tuple(self.loose.get(value, ())))

    def _needed(self, result: int) -> set[int]:
        found = {result}
        for v in range(len(self.sketch.pieces), 0, -1):
            if v in found:
                found.update(self.sketch.pieces[v - 1].inputs)
        return found

    def _side(self, value: int) -> Glyph | None:
        """The side output that a value is."""
        piece = self.sketch.pieces[value - 1] if value > 0 else None
        return piece if piece is not None and piece.side is not None else None

    def _hang(self, alive: set[int]) -> set[int]:
        """Hangs chains that end in nothing from where they leave. The values on them."""
        pieces = self.sketch.pieces
        uses = self.sketch.uses()
        hanging: set[int] = set()
        for end in range(1, len(pieces) + 1):
            chain: list[int] = []
            v = end
            while v > 0 and v not in alive and len(pieces[v - 1].inputs) == 1:
                if uses[v] != len(chain[:1]):
                    break
                chain.insert(0, v)
                v = pieces[v - 1].inputs[0]
            if chain:
                first, *others = (Leaf(pieces[n - 1]) for n in chain)
                more = [x for n, leaf in zip(chain, others, strict=False) for x in (Knot(n), leaf)]
                self.loose[v].append(Run((first, *more)) if more else first)
                hanging.update(chain)
        return hanging

    # ------------------------------------------------------------------------- reductions

    def _reduced(self, strands: list[Strand], start: int, end: int) -> list[Strand]:
        while True:
            merged = self._parallel(strands)
            shorter = self._series(merged, start, end)
            if len(shorter) == len(strands):
                return shorter
            strands = shorter

    def _parallel(self, strands: list[Strand]) -> list[Strand]:
        between: dict[tuple[int, int], list[Strand]] = defaultdict(list)
        for s in strands:
            between[s.start, s.end].append(s)
        found = []
        for (u, v), group in between.items():
            if len(group) == 1:
                found += group
                continue
            arms: list[Node] = []
            for s in group:
                arms += s.node.arms if isinstance(s.node, Fork) else (s.node,)
            arms.sort(key=self._order)
            hub: Any = self.hubs.get(v)
            found.append(Strand(u, v, Fork(tuple(arms), hub)))
        return found

    def _order(self, node: Node) -> tuple[int, float]:
        """Arms stand as their first pieces are written, shortcuts and bare lines last."""
        first = _first(node)
        if first is None:
            return 2, 0
        place = self.places[id(first)]
        return int(first.shortcut), -place if self.backward else place

    def _series(self, strands: list[Strand], start: int, end: int) -> list[Strand]:
        coming: dict[int, list[Strand]] = defaultdict(list)
        going: dict[int, list[Strand]] = defaultdict(list)
        for s in strands:
            coming[s.end].append(s)
            going[s.start].append(s)
        alive = dict.fromkeys(map(id, strands))
        kept = {id(s): s for s in strands}
        for v in list(coming):
            if v in (start, end) or len(coming[v]) != 1 or len(going[v]) != 1:
                continue
            a, b = coming[v][0], going[v][0]
            joined = Strand(a.start, b.end, Run((*_items(a.node), self.knot(v), *_items(b.node))))
            for old in (a, b):
                del alive[id(old)]
            alive[id(joined)] = None
            kept[id(joined)] = joined
            going[a.start][going[a.start].index(a)] = joined
            coming[b.end][coming[b.end].index(b)] = joined
        return [kept[i] for i in alive]


def _items(node: Node) -> tuple[Node | Knot, ...]:
    return node.items if isinstance(node, Run) else (node,)


def _first(node: Node | Knot) -> Glyph | None:
    """The first piece of a node, if it has any."""
    if isinstance(node, Leaf):
        return node.piece
    inside: tuple[Any, ...] = ()
    if isinstance(node, Run):
        inside = node.items
    elif isinstance(node, Fork):
        inside = node.arms
    elif isinstance(node, Web):
        inside = tuple(s.node for s in node.strands)
    return next((p for n in inside if (p := _first(n)) is not None), None)
