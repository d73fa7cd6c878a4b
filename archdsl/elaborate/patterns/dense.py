"""Dense connections."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import BodyCode
from archdsl.elaborate.groups import run_named
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.network import Op
from archdsl.elaborate.patterns.base import Pattern, Use, last_span
from archdsl.elaborate.scope import Scope
from archdsl.elaborate.statements import compile_body
from archdsl.elaborate.values import Tensor
from archdsl.layers.arguments import Count
from archdsl.layers.base import show_shape
from archdsl.layers.join import Concat
from archdsl.syntax import tree


@dataclass(frozen=True)
class Dense(Pattern):
    """Each step sees the concatenation of all before it (Huang et al. 2017, arXiv:1608.06993).

    The result is the concatenation of the input and all steps, old channels first.
    """

    steps: Count

    name = "dense"

    @classmethod
    def compile_body(cls, body: tree.Body, scope: Scope) -> BodyCode:
        return compile_body(body, scope.inner(looped=False, flow=False))

    def run(self, use: Use, frame: Frame) -> None:
        run_named(lambda f: self.grow(use, f), frame, "dense", use.span)

    def grow(self, use: Use, frame: Frame) -> None:
        concat = frame.m.intern(Concat())
        tensors = [(frame.here(), use.span)]
        for _ in range(self.steps):
            frame.m.spend(len(tensors), use.span)
            run_named(lambda f: frame.m.run(use.body, f), frame, "layer", last_span(use.body))
            if frame.x is None:
                return
            tensors.append((frame.here(), last_span(use.body)))
            self.concatenate(concat, tensors, use, frame)

    def concatenate(
        self, concat: Op, tensors: list[tuple[Tensor, Span]], use: Use, frame: Frame
    ) -> None:
        first, last = tensors[0][0].shape, tensors[-1][0].shape
        if first[1:] != last[1:]:
            raise fault(
                codes.CANNOT_JOIN,
                Label(use.span, f"the input is {show_shape(first)}"),
                Label(tensors[-1][1], f"a step gives {show_shape(last)}"),
                verb="concatenated",
                shapes=f"{show_shape(first)} and {show_shape(last)}",
            )
        frame.m.join(concat, frame, [t for t, _ in tensors], use.span)
