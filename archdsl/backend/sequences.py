"""Sequences of modules, of which instances may lack some, or repeat some more often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archdsl.backend.general import NamedPart, named_items
from archdsl.backend.names import attribute, unnumbered
from archdsl.backend.own_modules import Helper
from archdsl.backend.pieces import LayerPiece, Piece, Skeleton
from archdsl.backend.python import Call, Code, Conditional, Const, Text
from archdsl.backend.runs import is_run
from archdsl.backend.symbols import ABSENT, Symbols

if TYPE_CHECKING:
    from archdsl.backend.plan import Plan
    from archdsl.backend.scope import Entry


def last_of(piece: Piece, lasts: Sequence[int | None], base: str, symbols: Symbols) -> Code | None:
    """The number of the last of several that are alike, where instances have more or fewer."""
    if len({n for n in lasts if n is not None}) < 2:
        return None
    vector = tuple(ABSENT if n is None else n for n in lasts)
    return symbols.express(vector, f"{base}s", term=symbols.flow.lasts.get(id(piece)))


@dataclass(slots=True)
class Child:
    """A named part of a sequence or a container, ``repeat`` times in a row."""

    label: str
    number: int
    piece: Piece
    repeat: int = 1
    entry: Entry | None = field(default=None, compare=False)

    @property
    def is_optional(self) -> bool:
        """Whether a sequence may do without it: a layer that has no weights."""
        return isinstance(self.piece, LayerPiece) and not self.piece.weights and self.repeat == 1

    @property
    def may_run(self) -> bool:
        """Whether a sequence may have more of its kind in a row, or fewer."""
        return self.entry is not None and is_run(self.entry)

    def covers(self, other: Child) -> bool:
        """Whether it stands for another with other numbers, or is there more often."""
        runs = self.repeat == other.repeat or (self.may_run and other.may_run)
        return runs and self.piece.covers(other.piece)


@dataclass(slots=True)
class SequencePiece(Piece):
    children: list[Child]

    @property
    def skeleton(self) -> Skeleton:
        return ("seq", tuple((c.label, c.repeat, c.piece.skeleton) for c in self.children))

    @property
    def size(self) -> int:
        return sum(c.piece.size for c in self.children)

    def covers(self, other: Piece) -> bool:
        if not isinstance(other, SequencePiece):
            return False
        left = list(other.children)
        for child in self.children:
            if left and left[0].label == child.label:
                if not child.covers(left.pop(0)):
                    return False
            elif not child.is_optional:
                return False
        return not left

    def child(self, label: str) -> Child | None:
        return next((c for c in self.children if c.label == label), None)

    def helpers(self) -> set[str | Helper]:
        return set[str | Helper]({"seq"}).union(*(c.piece.helpers() for c in self.children))

    def plans(self) -> Iterator[Plan]:
        for child in self.children:
            yield from child.piece.plans()

    def layers(self) -> Iterator[tuple[str, LayerPiece]]:
        for child in self.children:
            part = NamedPart(child.label, child.number, Const(None), child.repeat)
            for copy in part.apart():
                for inner, layer in child.piece.layers():
                    yield f".{attribute(copy.label)}{inner}", layer

    def emit(self, pieces: Sequence[Any], symbols: Symbols, hint: str) -> Code:
        made: list[NamedPart] = []
        for child in self.children:
            alike = [None if p is None else p.child(child.label) for p in pieces]
            vector = [None if c is None else c.piece for c in alike]
            code = child.piece.emit(vector, symbols, f"{hint}_{child.label}")
            base = unnumbered(child.label, child.number)
            pairs = zip(alike, pieces, strict=True)
            there = tuple(ABSENT if p is None else c is not None for c, p in pairs)
            if False in there:
                flow, entry = symbols.flow, child.entry
                said = None if entry is None else flow.taken(entry.span, flow.block)
                condition = symbols.truth(there, base, f"{hint}_{child.label}", term=said)
                code = Conditional(code, condition, Text("nn.Identity()"))
            last = last_of(
                child.piece, [c and c.number - 1 + c.repeat for c in alike], base, symbols
            )
            made.append(NamedPart(child.label, child.number, code, child.repeat, last))
        return Call("seq(", tuple(named_items(made)))
