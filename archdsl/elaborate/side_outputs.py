"""Outputs beside what comes out at the end: ``output aux(weight = 0.3) { ... }``, which is there in
training alone, and ``output p3(when = always) { ... }``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.elaborate.builder import PartBuilder
from archdsl.elaborate.code import Action
from archdsl.elaborate.groups import run_named
from archdsl.elaborate.inputs import Incoming
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.making import bind_layer, construct
from archdsl.elaborate.scope import Scope
from archdsl.elaborate.statements import compile_body, note_label
from archdsl.elaborate.values import Tensor, one
from archdsl.ir.network import NamedResult, Part, Step, numbered
from archdsl.layers.arguments import NotNegative, OneOf
from archdsl.layers.base import Layer
from archdsl.syntax import tree

MAIN = "main"  # what comes out at the end, where there are other results


class SideOutput(Layer):
    """The arguments of ``output name(...)``."""

    weight: NotNegative = 1.0
    when: Annotated[str, OneOf(("training", "always"))] = "training"

    name = "output"


# Statements that have arguments, as layers have.
STATEMENTS: dict[str, type[Layer]] = {"input": Incoming, "output": SideOutput}


def output(node: tree.Output, scope: Scope) -> Action:
    """A part beside the main path: a side output, or a result of its own."""
    if not scope.flow:
        scope.context.report(codes.OUTPUT_INSIDE, node.name.span, name=node.name.text)
    if node.name.text == MAIN:
        scope.context.report(codes.OUTPUT_MAIN, node.name.span)
    arguments = bind_layer(SideOutput, node, scope)
    if not arguments:
        scope.context.report(codes.OUTPUT_IN_TRAINING, node.name.span, name=node.name.text)
    body = compile_body(node.body, scope.inner(looped=False, flow=False))
    name, span, plain = node.name.text, node.span, not scope.looped
    if plain:
        note_label(node.name, scope)

    def run(frame: Frame) -> None:
        machine, x = frame.m, frame.x
        values = tuple([getter(frame) for _, getter, _ in arguments])
        side = construct(SideOutput, arguments, values, span)
        if x is None:
            return
        machine.effects += 1
        outer = frame.b
        label = numbered(name, outer.counts.get(name, 0) + 1, plain)
        if side.when == "always":
            run_named(lambda f: f.m.run(body, f), frame, name, span, plain=plain, noted=True)
            if frame.x is not None:
                machine.results[label] = one(frame.x, node.name.span), side.weight
                frame.x = x
            return
        number = outer.number(name)
        frame.b = PartBuilder(outer, label, x.shape)
        frame.x = frame.b.start()
        try:
            with machine.entered(label, span, []):
                machine.run(body, frame)
            result, inner = frame.x, frame.b
        finally:
            frame.b, frame.x = outer, x
        if result is not None:
            one(result, node.name.span)
            part = inner.close("output", label, result, first=machine.shared_first)
            if not part.steps:
                help = ["`when = always` gives it in evaluation too, as it is"]
                raise fault(codes.NO_LAYERS, node.name.span, name=name, help=help)
            machine.enter(
                *(frame, part, inner.outside, name, number, span, side.weight, plain),
                borrows=inner.borrows,
                taken=inner.taken,
            )
            frame.x = x

    return run


def results_of(
    builder: PartBuilder, last: Tensor, named: dict[str, tuple[Tensor, float]]
) -> tuple[Tensor, tuple[NamedResult, ...]]:
    """What a network gives in evaluation, where it has results with names: the one that counts as
    its result, and all. What comes out at the end is ``main``, unless something has used it."""
    results = tuple([NamedResult(n, builder.node(t), weight) for n, (t, weight) in named.items()])
    if not results:
        return last, ()
    node = builder.node(last)
    if node not in {r.value for r in results} and not _used(builder.steps, node):
        return last, (NamedResult(MAIN, node), *results)
    return [tensor for tensor, _ in named.values()][-1], results


def _used(steps: Sequence[Step], value: int) -> bool:
    """Whether something is computed of a value. A part whose body starts from a kept tensor takes
    the current one, and leaves it."""
    return any(
        number == value and (not isinstance(step.op, Part) or _takes(step.op, -place))
        for step in steps
        for place, number in enumerate(step.inputs)
    )


def _takes(part: Part, value: int) -> bool:
    return value in (part.given or (part.result,)) or _used(part.steps, value)
