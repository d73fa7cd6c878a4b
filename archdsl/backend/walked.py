"""What was met when a class was gone through: the code of its layers, and what its calls of other
classes are given, in its own parameters; and the same within these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from archdsl.layers.base import Expression, Layer, Module

if TYPE_CHECKING:
    from archdsl.backend.pieces import PlanPiece
    from archdsl.backend.symbols import InitParameter, ValueSource


@dataclass(slots=True)
class Walked:
    """By piece. ``within`` are the calls of classes, each with what was met there."""

    codes: dict[int, Module | Expression] = field(default_factory=dict)
    layers: dict[int, Layer] = field(default_factory=dict)  # their numbers and truths as terms
    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    within: dict[int, Walked] = field(default_factory=dict)

    def given(self, piece: PlanPiece, parameter: InitParameter) -> Any:
        """The term of a parameter that a class is given: of an argument of the block, or of that
        for which it was made; nothing where it stands for values of several terms."""
        terms = self.calls.get(id(piece), {})
        unnamed = piece.plan.definition is None
        origin = parameter.origin or (parameter.name if unnamed else "")
        inner = self.within.get(id(piece))
        if origin in terms or parameter.origin or inner is None:
            return terms.get(origin)
        place = piece.plan.place(piece.part)
        found = [inner.of(source, place) for source in parameter.sources]
        texts = {getattr(term, "text", None) for term in found}
        return found[0] if len(texts) == 1 else None

    def of(self, source: ValueSource, place: int) -> Any:
        """The term of a value in the instance at a place."""
        piece = source.pieces[place] if source.pieces else None
        if piece is None:
            return None
        if source.kind == "parameters":
            return self.given(piece, source.key)
        if source.kind == "constants":
            inner = self.within.get(id(piece))
            return None if inner is None else inner.of(source.key, piece.plan.place(piece.part))
        code = self.codes.get(id(piece))
        values = getattr(code, source.kind, None)
        if isinstance(values, Mapping):  # what is left out there, as it is usual, its layer says
            layer = self.layers.get(id(piece))
            return values.get(source.key, getattr(layer, str(source.key), None))
        return None if values is None else values[source.key]
