"""How the numbers of a class follow from its parameters: its block is gone through once more,
with parameters and channels that carry their expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archdsl.backend.pieces import (
    DensePiece,
    ExpressionPiece,
    FractalPiece,
    LayerPiece,
    Piece,
    PlanPiece,
    SequencePiece,
)
from archdsl.backend.terms import Named, Ratio, Whole, named
from archdsl.backend.translate import Translator, Untranslatable
from archdsl.backend.written import Written
from archdsl.diagnostics.source import Span
from archdsl.layers.base import Expression, Layer, Module, signature
from archdsl.syntax import tree

if TYPE_CHECKING:
    from archdsl.backend.plan import Instance, Plan


class Flow:
    """The terms of one class: of its layers' code by piece, and of its calls of other classes."""

    def __init__(self, written: Written, knobs: Mapping[str, Any]) -> None:
        self.written, self.knobs = written, knobs
        self.codes: dict[int, Module | Expression] = {}
        self.calls: dict[int, dict[str, Any]] = {}
        self.layers: dict[int, Layer] = {}
        self.results: dict[Any, int] = {}  # channels of parts, by what they are given

    def trace(
        self, plan: Plan, names: Mapping[str, str], keep: Callable[[str, Whole], str]
    ) -> None:
        """Goes through a class; ``names`` are its constructor's parameters by those of the
        spec; the others are what they are in all instances. ``keep`` makes a variable of a
        `let`."""
        instance = plan.full
        part = instance.part
        values = {k: named(v, names[k]) if k in names else v for k, v in part.arguments}
        channels = part.input[0]
        if "in_channels" in names:
            channels = Whole.of(channels, names["in_channels"])
        self.walk(instance, self.translator(plan, values, channels, keep), channels, True)

    def translator(
        self,
        plan: Plan,
        values: Mapping[str, Any],
        channels: int,
        keep: Callable[[str, Whole], str] | None = None,
    ) -> Translator:
        return Translator(self.written, plan.definition, values, self.knobs, channels, keep)

    def walk(self, instance: Instance, translator: Translator, channels: int, record: bool) -> int:
        """The channels of the result."""
        scope, part = instance.scope, instance.part
        found: dict[int, int] = {0: channels}
        found |= {-i - 1: shape[0] for i, shape in enumerate(part.imports)}
        for place, entry in enumerate(scope.entries, 1):
            inputs = [found[n] for n in entry.inputs]
            piece = instance.pieces[entry.label]
            found[place] = self.piece(piece, translator, inputs, entry.shape[0], record)
        return found[scope.result]

    def piece(
        self,
        piece: Piece,
        translator: Translator,
        inputs: Sequence[int],
        channels: int,
        record: bool,
    ) -> int:
        """The channels that a piece gives; ``channels`` is their number."""
        if isinstance(piece, (LayerPiece, ExpressionPiece)):
            found = self.layer(piece, translator, inputs, record)
        elif isinstance(piece, SequencePiece):
            found = inputs[0]
            for child in piece.children:
                found = self.piece(child.piece, translator, [found], int(found), record)
        elif isinstance(piece, PlanPiece):
            found = self.call(piece, translator, inputs, record)
        elif isinstance(piece, DensePiece):
            found = inputs[0]
            for unit in piece.units:
                found = found + self.piece(unit, translator, [found], 0, record)
        elif isinstance(piece, FractalPiece):
            found = self.piece(piece.first, translator, inputs, channels, record)
            if piece.unit is not None:
                self.piece(piece.unit, translator, [found], channels, record)
        else:
            found = channels
        return found

    def layer(
        self,
        piece: LayerPiece | ExpressionPiece,
        translator: Translator,
        inputs: Sequence[int],
        record: bool,
    ) -> int:
        made = piece.made
        if made is None:
            return inputs[0]
        layer, shapes, span = made
        layer = copy(layer)
        for name, value in self.arguments(span, type(layer), translator, inputs[0]):
            known = getattr(layer, name)
            if isinstance(value, (int, float)) and type(known) in (int, float) and known == value:
                object.__setattr__(layer, name, value)
        traced = tuple(
            (n, *shape[1:]) if int(n) == shape[0] else shape
            for n, shape in zip(inputs, shapes, strict=True)
        )
        if record:
            self.codes[id(piece)] = layer.torch(*traced)
            self.layers[id(piece)] = layer
        return layer.shape(*traced)[0]

    def arguments(
        self, span: Span, layer: type[Layer], translator: Translator, here: int
    ) -> Iterator[tuple[str, Any]]:
        """The arguments of a call that can be said."""
        names = [p.name for p in signature(layer)]
        yield from self.bound(span, names, translator, here)

    def bound(
        self, span: Span, names: Sequence[str], translator: Translator, here: int
    ) -> Iterator[tuple[str, Any]]:
        node = self.written.call(span)
        if node is None or not self.inside(span, translator.block):
            return
        for place, argument in enumerate(node.arguments):
            name = argument.name.text if argument.name is not None else names[place]
            try:
                value = translator.value(argument.value, here)
            except Untranslatable:
                continue
            yield name, value.whole() if isinstance(value, Ratio) else value

    def inside(self, span: Span, block: tree.Block | None) -> bool:
        """Whether a place is in the text of a block: what is handed in speaks of other names."""
        if block is None:
            return False
        own = block.span
        return own.source is span.source and own.start <= span.start and span.end <= own.end

    def call(
        self, piece: PlanPiece, translator: Translator, inputs: Sequence[int], record: bool
    ) -> int:
        """The channels that a class of the file gives."""
        plan, part = piece.plan, piece.part
        values: dict[str, Any] = {}
        if plan.definition is not None and piece.span is not None:
            names = [p.name.text for p in plan.definition.parameters]
            values = dict(self.bound(piece.span, names, translator, inputs[0]))
            known = dict(part.arguments)
            for parameter in plan.definition.parameters:
                name = parameter.name.text
                if name not in values and parameter.default is not None:
                    inner = self.translator(plan, values, inputs[0])
                    try:
                        values[name] = inner.value(parameter.default, inputs[0])
                    except Untranslatable:
                        continue
            values = {k: v for k, v in values.items() if _agrees(v, known.get(k))}
        if record:
            self.calls[id(piece)] = {**values, "in_channels": inputs[0]}
        said = (*values.items(), ("", inputs[0]))
        key = (id(part), *((k, v, getattr(v, "text", "")) for k, v in said if _is_plain(v)))
        if key not in self.results:
            instance = plan.instances[plan.place(part)]
            inner = self.translator(plan, values, inputs[0])
            self.results[key] = self.walk(instance, inner, inputs[0], False)
        return self.results[key]


def _is_plain(value: Any) -> bool:
    return isinstance(value, (int, float, str, Fraction, Named))


def _agrees(term: Any, value: Any) -> bool:
    return bool(getattr(term, "value", term) == value)
