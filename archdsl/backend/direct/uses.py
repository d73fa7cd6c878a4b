"""What stands at a place of a block's text, in all its instances: layers and blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from archdsl.backend.direct.terms import Said, channels_of
from archdsl.backend.plan import Plan
from archdsl.backend.terms import Num
from archdsl.backend.translate import Untranslatable
from archdsl.diagnostics.source import Span
from archdsl.ir.network import Op, Part, Pick, Step
from archdsl.layers.base import Expression, Layer, Misfit, Module, Shape, signature
from archdsl.syntax import tree

PROBES = ((1, 1), (2, 0), (3, 2))  # other values of what is said: so many times, and more


@dataclass(frozen=True, slots=True)
class StepUse:
    """A step of an instance, with the shapes that come into it."""

    step: Step
    inputs: tuple[Shape, ...]

    @property
    def layer(self) -> Layer:
        assert isinstance(self.step.op, Op)
        return self.step.op.layer


class Uses:
    """The steps of the instances of a block, by their places in its text."""

    def __init__(self, parts: Iterable[Part]) -> None:
        self.at: dict[tuple[str, int, int], list[StepUse]] = {}
        self.parts: dict[tuple[str, int, int], set[str]] = {}  # what parts without a class are
        self.input: Shape = ()
        self.blocks = list(parts)
        for part in self.blocks:
            self.input = part.input
            self._walk(part)

    def _walk(self, part: Part) -> None:
        if part.shared or part.lent:
            raise Untranslatable
        for step in part.steps:
            if step.weight is not None or step.module is not None:
                raise Untranslatable
            op = step.op
            if isinstance(op, Pick):
                continue
            key = (step.span.source.name, step.span.start, step.span.end)
            if isinstance(op, Part) and op.kind in ("group", "turn", "dense"):
                self.parts.setdefault(key, set()).add(step.name)
                self._walk(op)
                continue
            if isinstance(op, Part) and op.kind != "block":
                raise Untranslatable
            shapes = tuple(part.shape_of(n) for n in step.inputs)
            self.at.setdefault(key, []).append(StepUse(step, shapes))

    def parts_at(self, span: Span) -> set[str]:
        """What the parts without a class of their own are called that stand at this place."""
        return self.parts.get((span.source.name, span.start, span.end), set())

    def unseen(
        self, layer: type[Layer], given: Mapping[str, tree.Node], span: Span
    ) -> list[StepUse]:
        """What stands for a layer without a module where no instance comes to apply it."""
        values = {k: n.value if isinstance(n, tree.Literal) else 1 for k, n in given.items()}
        try:
            made = layer(**values)
            shape, code = made.shape(self.input), made.torch(self.input)
        except (Misfit, ArithmeticError, ValueError, TypeError):
            raise Untranslatable from None
        if not isinstance(code, Expression):
            raise Untranslatable
        return [StepUse(Step(Op(made), (0,), shape, layer.name, 1, span), (self.input,))]

    def of(self, span: Span) -> list[StepUse]:
        return self.at.get((span.source.name, span.start, span.end), [])


@dataclass(frozen=True, slots=True)
class LayerCode:
    """The code of a layer, and the channels of what it gives."""

    code: Module | Expression
    channels: Said
    layer: Layer


def layer_code(
    uses: Sequence[StepUse], given: Mapping[str, Said], incoming: Said
) -> LayerCode | None:
    """The code of a layer over what it is given and what comes in; nothing where it does
    nothing. It has one form whatever the numbers are, or is ``Untranslatable``."""
    first = uses[0]
    idle = {u.layer.does_nothing(*u.inputs) for u in uses}
    if len(idle) > 1 or len({type(u.layer) for u in uses}) > 1:
        raise Untranslatable
    if idle == {True}:
        return None
    for parameter in signature(type(first.layer)):
        values = [getattr(u.layer, parameter.name) for u in uses]
        if parameter.name not in given and any(v != values[0] for v in values):
            raise Untranslatable
    made = _traced(first, given, incoming)
    for times, more in PROBES:
        other = _traced(first, given, incoming, times, more)
        if other is None:
            continue
        if made is None or _form(other[0]) != _form(made[0]):
            made = _as_usual(made, other)
    if made is None:
        raise Untranslatable
    code, channels = made
    if not isinstance(channels, Num) and len({u.step.shape[0] for u in uses}) > 1:
        raise Untranslatable
    return LayerCode(code, channels_of(channels), first.layer)


def _traced(
    use: StepUse, given: Mapping[str, Said], incoming: Said, times: int = 1, more: int = 0
) -> tuple[Module | Expression, int] | None:
    layer = copy(use.layer)

    def moved(value: int) -> int:
        return value * times + more

    try:
        for name, said in given.items():
            value = getattr(layer, name)
            if type(value) is not int:
                raise Untranslatable
            object.__setattr__(layer, name, said.whole(moved(value)))
        shapes = []
        for shape in use.inputs:
            known = incoming.text.isdigit()
            number = shape[0] if known else incoming.whole(moved(shape[0]))
            shapes.append((number, *shape[1:]))
        return layer.torch(*shapes), layer.shape(*shapes)[0]
    except Untranslatable:
        raise
    except (Misfit, ArithmeticError, ValueError, TypeError):
        return None  # a layer cannot have these numbers


def _as_usual(
    a: tuple[Module | Expression, int] | None, b: tuple[Module | Expression, int]
) -> tuple[Module | Expression, int]:
    """That of two codes which says what the other leaves out, as it is usual there."""
    if a is None or not (isinstance(a[0], Module) and isinstance(b[0], Module)):
        raise Untranslatable
    long, short = sorted((a, b), key=lambda made: -len(_keywords(made[0])))
    (target, arguments, keys), (other, others, fewer) = _form(long[0]), _form(short[0])
    said, usual = dict(keys), _usual(long[0])
    filled = {k: v for k, v in dict(fewer).items() if k in said}
    for name, value in said.items():
        left_out = name not in filled and isinstance(value, str) and name in usual
        if not left_out and filled.get(name) != value:
            raise Untranslatable
    if (target, arguments) != (other, others) or len(filled) != len(fewer):
        raise Untranslatable
    return long


def _keywords(code: Module | Expression) -> Mapping[str, object]:
    return code.keywords if isinstance(code, Module) else {}


def _usual(code: Module | Expression) -> Mapping[str, object]:
    return code.usual if isinstance(code, Module) else {}


def _form(code: Module | Expression) -> tuple[Any, ...]:
    if isinstance(code, Expression):
        return (code.text, tuple((k, _shown(v)) for k, v in code.values.items()))
    keys = {k: _shown(v) for k, v in code.keywords.items() if k != "inplace"}
    return (code.target + code.through, tuple(map(_shown, code.arguments)), tuple(keys.items()))


def _shown(value: object) -> object:
    return value.text if isinstance(value, Num) else value


def plans_of(uses: Sequence[StepUse], plans: Mapping[int, Plan]) -> list[Plan]:
    """The classes of the blocks that stand at a place, each once."""
    found = {id(p): p for u in uses if (p := plans.get(id(u.step.op))) is not None}
    return list(found.values())
