"""How a class that is made of its instances calls one that is translated from its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.backend.direct.state import CannotBeWhole
from archdsl.backend.pieces import PlanPiece
from archdsl.backend.python import Call, Code, Item, listed


def tensors_of(piece: PlanPiece, arguments: Sequence[Code]) -> list[Code]:
    """The tensors and lists of them that the class takes: what comes in, and those from outside.
    ``arguments`` are the tensors that its part uses, in their order. Raises
    ``CannotBeWhole`` where one of them has no name here."""
    current = arguments[: piece.part.takes]
    first = listed(current) if piece.part.is_list else current[0]
    return [first, *_outside(piece, arguments[1:])]


def _outside(piece: PlanPiece, arguments: Sequence[Code]) -> Iterator[Code]:
    known = dict(piece.part.arguments)
    places = {id(t): place for place, t in enumerate(piece.part.imported)}

    def one(tensor: object) -> Code:
        if id(tensor) not in places:
            raise CannotBeWhole(id(piece.plan.definition))
        return arguments[places[id(tensor)]]

    for word in piece.plan.tensors:
        value = known[word]
        if isinstance(value, tuple):
            yield Call("[", tuple(Item(one(t)) for t in value), "]")
        else:
            yield one(value)
