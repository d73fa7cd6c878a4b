"""Side outputs: ``output aux(weight = 0.3) { ... }``."""

from __future__ import annotations

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.elaborate.builder import Builder
from archdsl.elaborate.calls import bind
from archdsl.elaborate.code import Action
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.making import construct
from archdsl.elaborate.scope import Scope
from archdsl.elaborate.statements import compile_body
from archdsl.ir.network import numbered
from archdsl.layers.arguments import NotNegative
from archdsl.layers.base import Layer, signature
from archdsl.syntax import tree


def output(node: tree.Output, scope: Scope) -> Action:
    """A side output: a part beside the main path, with a weight in the training loss."""
    if not scope.flow:
        scope.context.report(codes.OUTPUT_INSIDE, node.name.span, name=node.name.text)
    if node.name.text == "main":
        scope.context.report(codes.OUTPUT_MAIN, node.name.span)
    parameters = signature(SideOutput)
    chosen = bind(node.arguments, [p.name for p in parameters], set(), "output", node, scope)
    arguments = tuple(
        (p, scope.value(chosen[p.name][0].value), chosen[p.name][0].span)
        for p in parameters
        if p.name in chosen
    )
    body = compile_body(node.body, scope.inner(looped=False, flow=False))
    name, span, plain = node.name.text, node.span, not scope.looped

    def run(frame: Frame) -> None:
        machine, x = frame.m, frame.x
        values = tuple([getter(frame) for _, getter, _ in arguments])
        side = construct(SideOutput, arguments, values, span)
        if x is None:
            return
        machine.effects += 1
        outer = frame.b
        number = outer.number(name)
        label = numbered(name, number, plain)
        frame.b = Builder(outer, label, x.shape)
        frame.x = frame.b.start()
        try:
            with machine.entered(label, span, []):
                machine.run(body, frame)
            result, inner = frame.x, frame.b
        finally:
            frame.b, frame.x = outer, x
        if result is not None:
            part = inner.close("output", label, result)
            if not part.steps:
                raise fault(codes.NO_LAYERS, node.name.span, name=name)
            machine.enter(frame, part, inner.imports, name, number, span, side.weight, plain)
            frame.x = x

    return run


class SideOutput(Layer):
    """The arguments of ``output name(...)``."""

    weight: NotNegative = 1.0

    name = "output"
