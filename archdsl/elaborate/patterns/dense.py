"""Dense connections."""

from __future__ import annotations

from typing import Annotated

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, fault
from archdsl.elaborate.groups import run_named
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.patterns.base import Pattern, Use, last_span
from archdsl.layers.arguments import Count, OneOf
from archdsl.layers.base import show_shape
from archdsl.layers.join import Concat


class Dense(Pattern):
    """Each step sees the concatenation of all before it (Huang et al. 2017, arXiv:1608.06993), or
    the last alone (``sees = last``, arXiv:1904.09730).

    The result is the concatenation of the input and all steps, old channels first. ``as i``
    counts the steps, from 1.
    """

    steps: Count
    sees: Annotated[str, OneOf(("all", "last"))] = "all"

    name = "dense"
    counts = True

    def run(self, use: Use, frame: Frame) -> None:
        kind = "dense" if self.sees == "all" else "group"
        run_named(lambda f: self.grow(use, f), frame, "dense", use.span, kind=kind)

    def grow(self, use: Use, frame: Frame) -> None:
        x, builder, concat = frame.here(use.span), frame.b, frame.m.intern(Concat())
        nodes: tuple[int, ...] = (builder.node(x),)
        channels, size = x.shape[0], x.shape[1:]
        where = last_span(use.body)
        for step in range(1, self.steps + 1):
            frame.m.spend(len(nodes), use.span)
            if use.turn is not None:
                frame.v[use.turn] = step
            run_named(lambda f: frame.m.run(use.body, f), frame, "layer", where)
            if frame.x is None:
                return
            y = frame.here(where)
            if y.shape[1:] != size:
                raise fault(
                    codes.CANNOT_JOIN,
                    Label(use.span, f"the input is {show_shape(x.shape)}"),
                    Label(where, f"a step gives {show_shape(y.shape)}"),
                    verb="concatenated",
                    shapes=f"{show_shape(x.shape)} and {show_shape(y.shape)}",
                )
            nodes += (builder.node(y),)
            channels += y.shape[0]
            if self.sees == "all" or step == self.steps:
                frame.x = builder.append(concat, nodes, (channels, *size), use.span)
