"""How the numbers of a class follow from its parameters: its block is gone through once more,
with parameters and channels that carry their expressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, Any

from archdsl.backend.conditions import changes, implies, whichever
from archdsl.backend.decisions import BodiesTaken
from archdsl.backend.dense import DensePiece
from archdsl.backend.dense_terms import after_layers
from archdsl.backend.pieces import (
    ExpressionPiece,
    FractalPiece,
    LayerPiece,
    Piece,
    PlanPiece,
)
from archdsl.backend.runs import is_run, last_number
from archdsl.backend.scope import SHORTCUT, Entry, Unrolled
from archdsl.backend.sequences import SequencePiece
from archdsl.backend.skipped import PLAIN, added, counted, either, inside, repeated, skipped
from archdsl.backend.spec_text import Written, stands_in, word_of
from archdsl.backend.strides import Strides, as_written, projected, stride_between
from archdsl.backend.terms import Num, Word, agrees, both, is_plain, named, opposite
from archdsl.backend.translate import Translator, Untranslatable
from archdsl.backend.walked import Walked
from archdsl.diagnostics.source import Span
from archdsl.layers.base import Expression, Layer, Module, signature
from archdsl.layers.ids import Ids
from archdsl.layers.join import Elementwise
from archdsl.syntax import tree

if TYPE_CHECKING:
    from archdsl.backend.instance import Instance
    from archdsl.backend.plan import Plan
    from archdsl.backend.symbols import Symbols


USUAL = "auto"
INCOMING = "in.channels"  # what comes in, beside the block's own parameters: no name of one
ADDED = "after"  # the channels that a shortcut adds
INHERITED = "init", "border"  # what a projection has of a `default conv`
MOST = 3  # instances that are gone through beside the fullest


class ClassTerms:
    """The terms of one class: of its layers' code by piece, and of its calls of other classes."""

    def __init__(self, written: Written, knobs: Mapping[str, Any]) -> None:
        self.written, self.knobs = written, knobs
        self.walked = Walked()
        self.counts: dict[int, Any] = {}  # of the layers of dense blocks
        self.growths: dict[int, int] = {}  # the channels that each of them adds
        self.lasts: dict[int, Any] = {}  # of runs of blocks, the number of the last
        self.block: tree.Block | None = None
        self.strides = Strides()
        # The channels of parts, by what they are given, their strides, and what was met there.
        self.results: dict[Any, tuple[dict[int, int], int | None, Walked]] = {}
        self.conditions: dict[tuple[int, int], bool | Word | None] = {}  # of bodies
        self.projected: tuple[int, int | None] | None = None  # of the shortcut at hand
        self.full: Instance | None = None  # the use with the most steps
        self.shortcuts: dict[str, Word] = {}  # when they are there, by the label of the step
        self.forms: dict[str, Word] = {}  # what decides the steps of a use, by its text
        self.count = 0  # of the instances
        self.spans: dict[str, dict[Span, None]] = {}  # where steps stand, by their labels
        self.steps: list[tuple[Span, int]] = []  # those of a use, with the channels that they give
        self.widths: dict[str, list[tuple[int, int]]] = {}  # channels in and out of steps, in each

    @property
    def codes(self) -> dict[int, Module | Expression]:
        return self.walked.codes

    @property
    def layers(self) -> dict[int, Layer]:
        return self.walked.layers

    @property
    def calls(self) -> dict[int, dict[str, Any]]:
        return self.walked.calls

    def trace(self, plan: Plan, names: Mapping[str, str], symbols: Symbols) -> None:
        """Goes through a class; ``names`` are its constructor's parameters by those of the
        spec; the others are what they are in all instances. ``symbols`` make a variable of a
        `let`. What one instance leaves out as usual, such as the padding of a kernel of 1, is
        seen in another."""
        known: dict[tuple[str, str], str] = {}

        def keep_once(name: str, term: Num) -> str:
            key = (name, term.text)
            if key not in known:
                known[key] = symbols.keep(name, term)
            return known[key]

        self.count, self.full, self.block = len(plan.instances), plan.full, plan.definition
        for entry in (e for i in plan.instances for e in i.scope.entries):
            sizes = entry.inputs_shapes[0][0], entry.shape[0]
            self.widths.setdefault(entry.label, []).append(sizes)
            self.spans.setdefault(entry.label, {})[entry.span] = None
        others = [i for i in plan.instances if i is not plan.full]
        kinds = {frozenset(e.label for e in i.scope.entries): i for i in reversed(others)}
        whole: dict[int, int] = {}
        for instance in dict.fromkeys((plan.full, *others[:MOST], *kinds.values())):
            part = instance.part
            values = {k: named(v, names[k]) if k in names else v for k, v in part.arguments}
            channels = part.input[0]
            if INCOMING in names:
                channels = Num.of(channels, names[INCOMING])
            translator, self.steps = self.translator(plan, values, channels, keep_once), []
            found = self.walk(instance, translator, channels, True)
            whole = whole or found
            self.note_forms(*skipped(self, plan, instance, whole, found))
            self.note_forms(*BodiesTaken(self, translator, symbols.always).forms())

    def translator(
        self,
        plan: Plan,
        values: Mapping[str, Any],
        channels: int,
        keep: Callable[[str, Num], str] | None = None,
    ) -> Translator:
        return Translator(self.written, plan.definition, values, self.knobs, channels, keep)

    def walk(
        self,
        instance: Instance,
        translator: Translator,
        channels: int,
        record: bool,
        imports: Sequence[int] = (),
    ) -> dict[int, int]:
        """The channels of each value; ``imports`` are those of tensors from outside."""
        scope, part = instance.scope, instance.part
        found: dict[int, int] = {0: channels}
        outside = [shape[0] for shape in part.imports]
        found |= {-i - 1: n for i, n in enumerate(imports if outside == [*imports] else outside)}
        for place, entry in enumerate(scope.entries, 1):
            inputs = [found[n] for n in entry.inputs]
            piece = instance.made_by(entry)
            if record:
                self.note_conditions(entry.span, translator, inputs[0])
                self.note_forms(*counted(self, entry, translator, inputs[0]))
                self.projected = projected(self, instance, place, found)
                self.note_shortcut(scope, place, translator, inputs[0])
                self.note_forms(*as_written(self, piece, entry, inputs[0]))
                if len(inputs) == 2:
                    self.note_forms(*added(self, instance, place, translator, found))
                self.note_run(piece, entry, translator, inputs[0])
            found[place] = self.piece(piece, translator, inputs, entry.shape[0], record)
            if record:
                self.note_forms(*repeated(self, entry, translator, inputs[0], found[place]))
            self.steps.append((entry.span, found[place]))
        return found

    def note_run(self, piece: Piece, entry: Entry, translator: Translator, here: int) -> None:
        """The number of the last of a run of blocks, as the loop around it says."""
        loops = self.written.loops_around(entry.span, translator.block)
        if loops and is_run(entry):
            with suppress(Untranslatable):
                self.lasts[id(piece)] = last_number(entry, translator.turns(loops[-1], here))

    def is_said(self, instance: Instance, value: int, found: Mapping[int, int]) -> bool:
        """Whether the channels of a value are right for all instances: an expression, or a number
        that all of them have."""
        if value <= 0 or isinstance(found.get(value), Num):
            return value in found
        label = instance.scope.entries[value - 1].label
        return value in found and len({out for _, out in self.widths[label]}) == 1

    def note_forms(self, *conditions: Word) -> None:
        for condition in conditions:
            self.forms.setdefault(condition.text, condition)

    def note_shortcut(self, scope: Unrolled, place: int, translator: Translator, here: int) -> None:
        """When a shortcut is there: as ``shortcut = a if condition else b`` says, or where the
        shape changes."""
        entry = scope.entries[place - 1]
        if entry.name != SHORTCUT and len(entry.inputs) < 2:
            return
        joins = (e for e in scope.entries[place - 1 :] if len(e.inputs) > 1)
        join = entry if len(entry.inputs) > 1 else next(joins, None)
        node = None if join is None else self.written.call(join.span)
        if node is None or node.body is None:
            return
        said = next((a.value for a in node.arguments if a.name and a.name.text == SHORTCUT), None)
        found: bool | Word | None = None
        if isinstance(said, tree.Ternary):
            without = "none" if join is entry else PLAIN
            ends = [word_of(n) == without for n in (said.then, said.otherwise)]
            if sum(ends) == 1 and stands_in(said.span, translator.block):
                try:
                    found = translator.truth(said.condition, here)
                except Untranslatable:
                    return
                found = opposite(found) if ends[0] and isinstance(found, Word) else found
        elif self.projected is not None:
            wanted, stride = self.projected
            found = None if stride is None else changes(here, wanted, stride)
        if isinstance(found, Word):
            self.shortcuts[entry.label] = found
            outer = self.bodies(entry.span, translator.block)
            if said is None or isinstance(said, tree.Ternary) or word_of(said) == USUAL:
                self.note_forms(either(opposite(both(outer)), found) if outer else found)

    def note_conditions(self, span: Span, translator: Translator, here: int) -> None:
        """The conditions under which a step is there, where they are met first."""
        translator.stand(span, here)
        for node, number in self.written.bodies_around(span, translator.block):
            key = (id(node), number)
            if key not in self.conditions:
                try:
                    self.conditions[key] = found = translator.taken(node, number, here)
                except Untranslatable:
                    self.conditions[key] = found = None
                if isinstance(found, Word):
                    self.note_forms(found)

    def condition(self, label: str, span: Span, block: tree.Block | None) -> Word | None:
        """The condition under which a step is there, if it can be said."""
        if label in self.shortcuts:
            outer, own = self.bodies(span, block), self.shortcuts[label]
            if outer is None:
                return None
            left = [word for word in outer if not implies(own.text, word.text)]
            return both(left if left and implies(both(left).text, own.text) else [*left, own])
        cases = [self.bodies(place, block) for place in self.spans.get(label, ())]
        known = [case for case in cases if case is not None]
        found = whichever(known) if len(known) == len(cases) else None
        return self.taken(span, block) if found is None else found

    def taken(self, span: Span, block: tree.Block | None) -> Word | None:
        """The condition of the bodies that a place stands in, if it can be said."""
        found = self.bodies(span, block)
        return both(found) if found else None

    def bodies(self, span: Span, block: tree.Block | None) -> list[Word] | None:
        """The conditions of the bodies that a place stands in, if they can be said."""
        keys = ((id(node), number) for node, number in self.written.bodies_around(span, block))
        found = [self.conditions.get(key) for key in keys]
        return None if None in found else [one for one in found if isinstance(one, Word)]

    def piece(
        self,
        piece: Piece,
        translator: Translator,
        inputs: Sequence[int],
        channels: int,
        record: bool,
    ) -> int:
        """The channels that a piece gives; ``channels`` is their number."""
        found = channels
        if isinstance(piece, (LayerPiece, ExpressionPiece)):
            found = self.layer(piece, translator, inputs, record)
        elif isinstance(piece, SequencePiece):
            found = inputs[0]
            for child in piece.children:
                if record and child.entry is not None:
                    self.note_conditions(child.entry.span, translator, found)
                    self.note_run(child.piece, child.entry, translator, found)
                before = found
                found = self.piece(child.piece, translator, [found], int(found), record)
                if child.entry is not None:
                    self.steps.append((child.entry.span, found))
                    if record:
                        self.note_forms(*repeated(self, child.entry, translator, before, found))
        elif isinstance(piece, PlanPiece):
            found = self.call(piece, translator, inputs, record)
        elif isinstance(piece, DensePiece):
            found = after_layers(self, piece, translator, inputs[0], record)
        elif isinstance(piece, FractalPiece):
            found = self.piece(piece.first, translator, inputs, channels, record)
            if piece.unit is not None:
                self.piece(piece.unit, translator, [found], channels, record)
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
        layer, truths = copy(layer), dict[str, Word]()
        names = [p.name for p in signature(type(layer))]
        node = self.written.call(span)
        projects = self.projected is not None and node is not None and node.body is not None
        for name, value in self.bound(span, names, translator, inputs[0], layer.name):
            known = getattr(layer, name, None)
            if projects and layer.kind == "conv" and name not in INHERITED:
                continue
            if isinstance(value, (int, float)) and type(known) in (int, float) and known == value:
                object.__setattr__(layer, name, value)
            elif isinstance(value, tuple) and isinstance(piece, ExpressionPiece):
                if value == known:
                    object.__setattr__(layer, name, value)
            elif isinstance(value, Word) and type(known) is bool and known == value.value:
                truths[name] = value
        if self.projected is not None and projects:
            for name, value in zip(("channels", "stride"), self.projected, strict=True):
                if value is not None and getattr(layer, name, None) == value:
                    object.__setattr__(layer, name, value)
        traced = tuple(
            (n, *shape[1:]) if int(n) == shape[0] and not isinstance(shape, Ids) else shape
            for n, shape in zip(inputs, shapes, strict=True)
        )
        self.strides.layers[id(piece)] = self.walked.layers[id(piece)] = layer
        self.codes[id(piece)] = layer.torch(*traced)
        found = layer.shape(*traced)[0]
        for name, truth in truths.items():
            object.__setattr__(layer, name, truth)
        summed = inputs[::-1] if isinstance(layer, Elementwise) else ()  # a body before a shortcut
        return next((n for n in summed if isinstance(n, Num) and int(n) == int(found)), found)

    def bound(
        self,
        span: Span,
        names: Sequence[str],
        translator: Translator,
        here: int,
        called: str = "",
    ) -> Iterator[tuple[str, Any]]:
        """The terms of what a call is given, there or by a `default` of the block."""
        if not stands_in(span, translator.block):
            return
        given = self.written.given(span, names, translator.block, called)
        for name, value in given.items():
            with suppress(Untranslatable):
                yield name, translator.argument(value, here)

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
            kept = {k: v for k, v in values.items() if not isinstance(v, tuple)}
            values = {k: v for k, v in kept.items() if agrees(v, known.get(k))}
        elif self.projected is not None:
            values[ADDED] = self.projected[0] - inputs[0]
        self.calls[id(piece)] = {**values, INCOMING: inputs[0]}
        unnamed = plan.definition is None  # its text is that of the block around it
        told = (*values.items(), *(("", n) for n in inputs))
        context = id(translator) if unnamed else 0
        texts = ((k, v, getattr(v, "text", "")) for k, v in told if is_plain(v))
        key = (id(part), context, *texts)
        instance = plan.instances[plan.place(part)]
        if key not in self.results:
            outer, self.walked = self.walked, Walked()
            inner = translator if unnamed else self.translator(plan, values, inputs[0])
            channels = self.walk(instance, inner, inputs[0], False, inputs[1:])
            stride = stride_between(instance, 0, instance.scope.result, self.strides)
            self.results[key] = channels, stride, self.walked
            self.walked = outer
        found, self.strides.calls[id(piece)], self.walked.within[id(piece)] = self.results[key]
        if record:
            self.note_forms(*inside(self, piece, translator, self.calls[id(piece)], found))
        return found[instance.scope.result]
