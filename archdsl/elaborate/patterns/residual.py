"""Residual units, and the shortcuts that they adapt by themselves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, fault
from archdsl.elaborate.application import apply_value, use_layer
from archdsl.elaborate.groups import run_named
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.making import MAKING
from archdsl.elaborate.patterns.base import Pattern, Use, last_span, run_body
from archdsl.elaborate.reserved import Numbers, numbers
from archdsl.elaborate.scope import Scope
from archdsl.elaborate.values import Tensor, is_layer, one
from archdsl.layers.arguments import Chance, OneOf, Reader, Unreadable
from archdsl.layers.base import Shape, show_shape
from archdsl.layers.convolution import Conv
from archdsl.layers.join import SURVIVING, Add, way_out
from archdsl.layers.polynomial import Polynomial
from archdsl.layers.shaping import PadChannels, Subsample
from archdsl.syntax import tree

PLAIN = Add()


@dataclass(frozen=True)
class LayerOr(Reader):
    """A layer of any kind, or one of some words."""

    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        return "a layer, or one of " + ", ".join(self.words)

    def read(self, value: Any) -> Any:
        if value in self.words if isinstance(value, str) else is_layer(value):
            return value
        raise Unreadable(self.expected)


class Residual(Pattern):
    """``x + body(x)`` (He et al. 2015, arXiv:1512.03385).

    ``shortcut``: ``auto``, which is the identity where shapes agree and otherwise
    ``project``, a strided 1x1 convolution with batch normalisation; ``identity``; ``pad``,
    which subsamples and adds channels of zeros (option A); ``none``, the body alone; or
    any layer. ``survive < 1`` makes it a unit of stochastic depth (arXiv:1603.09382).
    """

    shortcut: Annotated[Any, LayerOr(("auto", "identity", "pad", "project", "none"))] = "auto"
    survive: Chance = 1.0
    per: Annotated[str, OneOf(("batch", "sample"))] = "batch"
    scaling: Annotated[str, OneOf(("eval", "train"))] = "eval"

    name = "residual"
    idle = SURVIVING
    is_part = False
    numbers_go_on = True

    @classmethod
    def numbers(cls, node: tree.Call, scope: Scope) -> Numbers:
        assert node.body is not None
        return numbers(node.body, scope) + Counter({"shortcut": 1, PLAIN.name: 1})

    def run(self, use: Use, frame: Frame) -> None:
        x = frame.x
        frame.b.several = True
        if x is None:
            frame.m.run(use.body, frame)
            return
        y = run_body(use, frame, x)
        if y is None:
            return
        if self.shortcut == "none":
            for name in ("shortcut", PLAIN.name):  # those that follow keep their numbers
                frame.b.number(name)
            return
        one(x, use.span)
        one(y, last_span(use.body))
        s = self.take_shortcut(use, frame, x, y)
        if s is None:
            return
        if s.shape != y.shape:
            raise fault(
                codes.CANNOT_JOIN,
                Label(use.span, f"the shortcut has {show_shape(s.shape)}"),
                Label(last_span(use.body), f"the body gives {show_shape(y.shape)}"),
                help=self.advice(s.shape, y.shape),
                verb="added",
                shapes=f"{show_shape(s.shape)} and {show_shape(y.shape)}",
            )
        frame.m.join(frame.m.intern(self.join), frame, (s, y), use.span)

    @property
    def join(self) -> Add:
        """One that may drop the body, unless it is known to be always kept: both leave the same
        shape, so that an undecided chance is not asked."""
        if not isinstance(self.survive, Polynomial) and self.survive == 1:
            return PLAIN
        return Add(self.survive, self.per, self.scaling)

    def advice(self, shortcut: Shape, body: Shape) -> list[str]:
        if self.shortcut == "identity":
            return ["leave `shortcut` out, and a projection is added where shapes differ"]
        if self.shortcut == "none":
            return []
        found = way_out((body, shortcut))
        return [
            *([f"{found} (in the shortcut)"] if found else []),
            "without `shortcut` a projection is added where shapes differ",
        ]

    def take_shortcut(self, use: Use, frame: Frame, x: Tensor, y: Tensor) -> Tensor | None:
        """The input as it is added to what the body gives; nothing after a mistake."""
        shortcut = self.shortcut
        if shortcut == "identity" or (shortcut == "auto" and x.shape == y.shape):
            frame.b.number("shortcut")  # those that follow keep their numbers
            return x

        def run(frame: Frame) -> None:
            if is_layer(shortcut):
                apply_value(shortcut, frame, use.span)
            elif shortcut == "pad":
                pad_shortcut(use, frame, y)
            else:
                project(use, frame, y)

        frame.x = x
        run_named(run, frame, "shortcut", use.span, plain=not use.scope.looped)
        return frame.x


def strides(use: Use, x: Shape, y: Shape, what: str) -> tuple[int, ...]:
    """The step that takes every axis of ``x`` to that of ``y``, or a fault that there is none."""
    found = []
    if len(x) == len(y):
        for n, m in zip(x[1:], y[1:], strict=True):
            step = -(-n // m)
            if (n - 1) // step + 1 == m:
                found.append(step)
    if len(x) != len(y) or len(found) != len(y) - 1:
        raise fault(
            codes.NO_STRIDE,
            Label(use.span, f"the input is {show_shape(x)}"),
            Label(last_span(use.body), f"the body gives {show_shape(y)}"),
            what=what,
        )
    return tuple(found)


def project(use: Use, frame: Frame, y: Tensor) -> None:
    """Option B: ``conv(channels, 1, stride) -> bn``, as it would be if written here."""
    x = frame.here()
    if len(x.shape) == 1:
        raise fault(
            codes.NO_STRIDE,
            Label(use.span, f"the input is {show_shape(x.shape)}"),
            Label(last_span(use.body), f"the body gives {show_shape(y.shape)}"),
            what="a projection",
        )
    step = strides(use, x.shape, y.shape, "a projection")
    frame.m.spend(2 * MAKING, use.span)
    base = use.convolution(frame).layer
    assert isinstance(base, Conv)
    stride = step[0] if len(set(step)) == 1 else step
    made = Conv(
        y.shape[0], 1, stride, 0, bias=False, init=base.init, bias_init=None, border=base.border
    )
    use_layer(frame.m.intern(made), frame, use.span)
    use_layer(use.norm(frame), frame, use.span)


def pad_shortcut(use: Use, frame: Frame, y: Tensor) -> None:
    """Option A: every n-th pixel, and channels of zeros for those that are missing."""
    x = frame.here()
    step = strides(use, x.shape, y.shape, "a shortcut that pads")
    if any(s != 1 for s in step):
        stride = step[0] if len(set(step)) == 1 else step
        use_layer(frame.m.intern(Subsample(stride)), frame, use.span)
    if x.shape[0] != y.shape[0]:
        use_layer(frame.m.intern(PadChannels(y.shape[0])), frame, use.span)
