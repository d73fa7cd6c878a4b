"""Layers in a container: each sees all before it (``DenseBlock``), or the last (``KeepAll``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archdsl.backend.general import in_turn
from archdsl.backend.own_modules import Helper
from archdsl.backend.pieces import LayerPiece, Piece, PlanPiece, Skeleton
from archdsl.backend.python import (
    Call,
    Code,
    Comprehension,
    Const,
    Item,
    Text,
    call,
    listed,
    operand,
)
from archdsl.backend.symbols import ABSENT, Symbols
from archdsl.diagnostics.source import Span

if TYPE_CHECKING:
    from archdsl.backend.plan import Plan

COUNTER = "i"
LASTS = "KeepAll"  # whose layers see what the one before gave


@dataclass(slots=True)
class DensePiece(Piece):
    """The layers of a dense block. How many there are is no matter of its form where all of them
    are of one class."""

    units: list[Piece]
    span: Span
    container: str = "DenseBlock"

    @property
    def sees_last(self) -> bool:
        """Whether a layer sees what the one before gave, and not all before it."""
        return self.container == LASTS

    @property
    def skeleton(self) -> Skeleton:
        own = tuple(p.skeleton for p in self.units)
        alike = len({*own}) == 1 and isinstance(self.units[0], PlanPiece)
        return (self.container, own[:1] if alike else own)

    def helpers(self) -> set[str | Helper]:
        return set[str | Helper]({self.container}).union(*(p.helpers() for p in self.units))

    def plans(self) -> Iterator[Plan]:
        for piece in self.units:
            yield from piece.plans()

    def layers(self) -> Iterator[tuple[str, LayerPiece]]:
        for i, piece in enumerate(self.units, 1):
            for inner, layer in piece.layers():
                yield f".layer{i}{inner}", layer

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        counts = tuple(ABSENT if p is None else len(p.units) for p in pieces)
        if len({*counts} - {ABSENT}) > 1:
            return self.counted(pieces, counts, symbols, hint)
        codes = []
        for i, piece in enumerate(self.units):
            vector = [None if p is None else p.units[i] for p in pieces]
            codes.append(piece.emit(vector, symbols, f"{hint}_layer{i + 1}"))
        if found := in_turn(codes):
            common, counter = found
            return self.looped(common, counter, str(len(codes)))
        return call(self.container, [Item(listed(codes))])

    def growth(self, grown: tuple[Any, ...], symbols: Symbols, hint: str) -> Code:
        """The channels that each layer adds."""
        term = symbols.flow.growths.get(id(self))
        return symbols.express(grown, "c", f"{hint}_c", term=term)

    def looped(self, one: Code, counter: str, count: str) -> Code:
        loop = f"for {counter} in range({count})"
        return Call(f"{self.container}(", (Item(Comprehension("", "", one, loop, "")),))

    def counted(
        self, pieces: Sequence[Any], counts: tuple[Any, ...], symbols: Symbols, hint: str
    ) -> Code:
        """As many layers as an argument says: what their arguments are is the same in all, grows
        with the channels that each layer adds, or is listed."""
        first = self.units[0]
        assert isinstance(first, PlanPiece), "of others the count is a matter of the form"
        units: list[list[PlanPiece]] = [[] if p is None else p.units for p in pieces]
        count = symbols.express(counts, "n", f"{hint}_n", term=symbols.flow.counts.get(id(self)))
        longest = max(units, key=len)
        grown = tuple(u[0].part.shape[0] if u else ABSENT for u in units)
        items: list[Item] = []
        moves = False
        for parameter in first.plan.signature():
            name, default = parameter.name, parameter.default
            rows = [[parameter.values[p.plan.place(p.part)] for p in u] for u in units]
            if default is not ABSENT and all(v == default for row in rows for v in row):
                continue
            starts = tuple(row[0] if row else ABSENT for row in rows)
            names = (name, f"{hint}_{name}")
            term, later = (symbols.flow.walked.given(u, parameter) for u in (first, longest[-1]))
            follows = self.sees_last and all(map(_follows, rows, grown))
            code: Code
            if follows and getattr(term, "text", term) != getattr(later, "text", later):
                start = symbols.express(starts, *names, term=term)
                growth = self.growth(grown, symbols, hint)
                code = Text(f"{growth.flat()} if {COUNTER} else {start.flat()}", loose=True)
                moves = True
            elif all(v == row[0] for row in rows for v in row):
                code = symbols.express(starts, *names, term=term)
            elif not self.sees_last and all(map(_grows, rows, grown)):
                start = symbols.express(starts, *names, term=term)
                growth = self.growth(grown, symbols, hint)
                more = f"{operand(growth)} * {COUNTER}"
                zero = isinstance(start, Const) and start.value == 0
                code, moves = Text(more if zero else f"{start.flat()} + {more}", loose=True), True
            else:
                listed_values = tuple(tuple(row) if row else ABSENT for row in rows)
                several = name if name.endswith("s") else f"{name}s"
                each = symbols.express(listed_values, several, f"{hint}_{several}")
                code, moves = Text(f"{operand(each)}[{COUNTER}]"), True
            items.append(Item(code, "" if default is ABSENT else name))
        return self.looped(call(first.plan.name, items), COUNTER if moves else "_", count.flat())


def _grows(row: Sequence[Any], by: Any) -> bool:
    """Whether numbers grow by so many from one to the next."""
    return all(type(v) is int and v == row[0] + by * i for i, v in enumerate(row))


def _follows(row: Sequence[Any], by: Any) -> bool:
    """Whether all numbers but the first are what the layer before adds."""
    return all(type(v) is int for v in row) and all(v == by for v in row[1:])
