"""What a connection pattern is, and what patterns share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Fault, Label
from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import Action, BodyCode, Getter
from archdsl.elaborate.fits import fit
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.making import bind_layer, construct, layer_op
from archdsl.elaborate.reserved import Numbers
from archdsl.elaborate.scope import Scope
from archdsl.elaborate.statements import compile_body
from archdsl.elaborate.values import Tensor
from archdsl.ir.network import Op
from archdsl.layers.base import Layer, show_shape
from archdsl.layers.convolution import Conv
from archdsl.layers.join import Join
from archdsl.layers.normalization import BatchNorm
from archdsl.syntax import tree


@dataclass(eq=False, slots=True)
class Use:
    """One place where a pattern is written."""

    span: Span  # of the pattern's name
    body: BodyCode
    qualifier: tree.Word | None
    convolution: Callable[[Frame], Op]  # a projection's parts, with the defaults in force
    norm: Callable[[Frame], Op]
    scope: Scope
    options: tuple[str, ...] = ()  # of a choice, once it was made
    turn: int | None = None  # where the body finds the number of its turn


class Pattern(Layer):
    """The base of patterns. ``qualified``: what the word before the body says, if any goes;
    ``arms``: each statement of the body is an arm or an option, and not a step after the one
    before it. ``is_part``: whether a use makes one step, a part of its own."""

    group = "patterns"
    noun = "pattern"
    arms: ClassVar[bool] = False
    qualified: ClassVar[str | None] = None
    is_part: ClassVar[bool] = True
    qualifier_required: ClassVar[bool] = False
    numbers_go_on: ClassVar[bool] = False  # the body's layers belong to the part around it
    counts: ClassVar[bool] = False  # its body runs several times: `dense(4) as i { ... }`
    is_value: ClassVar[bool] = False  # it is no statement: `let f = shared { ... }`

    @classmethod
    def value(cls, node: tree.Call, scope: Scope) -> Getter:
        """What a use is as a value, if ``is_value``."""
        raise TypeError(f"{cls.__name__} is not a value")

    @classmethod
    def compile(cls, node: tree.Call, scope: Scope) -> Action:
        """The action of one use in a spec; mistakes are reported."""
        arguments = bind_layer(cls, node, scope)
        assert node.body is not None
        cls.check_words(node, scope)
        looped = scope.looped if cls.numbers_go_on else False
        inner = scope.inner(looped=looped, flow=False)
        turn = None if node.turn is None else inner.variable(node.turn, "item").slot
        body = compile_body(node.body, inner, arms=cls.arms)
        span = node.callee.span
        use = Use(span, body, node.qualifier, *_projection(scope, node), scope, turn=turn)
        getters = [getter for _, getter, _ in arguments]
        scope.context.weigher.count(span, 8)
        made: dict[Any, Any] = {}

        def run(frame: Frame) -> None:
            values = tuple([g(frame) for g in getters])
            key = frame.m.key(values, span)
            pattern = made.get(key)
            if pattern is None:
                if len(made) > 1000:
                    made.clear()
                pattern = made[key] = construct(cls, arguments, values, span)
            pattern.run(use, frame)

        return run

    @classmethod
    def numbers(cls, node: tree.Call, scope: Scope) -> Numbers:
        """The numbers that a use takes in the part around it, by name."""
        return Counter({cls.name: 1})

    @classmethod
    def check_words(cls, node: tree.Call, scope: Scope) -> None:
        """Reports words before the body that mean nothing, or are missing."""
        if node.turn is not None and not cls.counts:
            scope.context.report(
                codes.NO_COUNTER, node.turn.span, name=cls.name, word=node.turn.text
            )
        if node.qualifier is None:
            if cls.qualifier_required:
                scope.context.report(
                    codes.NEEDS_QUALIFIER, node.callee.span, name=cls.name, what=cls.qualified
                )
        elif cls.qualified is None:
            scope.context.report(
                codes.NO_QUALIFIER, node.qualifier.span, name=cls.name, word=node.qualifier.text
            )

    def run(self, use: Use, frame: Frame) -> None:
        """Adds the pattern's steps to ``frame.b``, from the current tensor on."""
        raise TypeError(f"{type(self).__name__} does not say how it runs")


def _projection(
    scope: Scope, node: tree.Call
) -> tuple[Callable[[Frame], Op], Callable[[Frame], Op]]:
    """What `conv` and `bn` would mean here: a projection is made of them."""
    span = node.callee.span
    word = tree.Word(span, "conv")
    placeholder = tuple(
        tree.Argument(span, tree.Word(span, key), tree.Literal(span, value))
        for key, value in (
            ("channels", 1),
            ("kernel", 1),
            ("stride", 1),
            ("pad", 0),
            ("bias", False),
        )
    )
    found = len(scope.context.found)
    conv = bind_layer(Conv, tree.Call(span, word, placeholder), scope)
    norm = bind_layer(BatchNorm, tree.Call(span, tree.Word(span, "bn"), ()), scope)
    del scope.context.found[found:]  # a faulty default is reported where it stands
    return layer_op(Conv, conv, span), layer_op(BatchNorm, norm, span)


def run_body(use: Use, frame: Frame, x: Tensor) -> Tensor | None:
    """The body applied to a tensor; nothing after a mistake in it."""
    frame.x = x
    frame.m.run(use.body, frame)
    return frame.x


def last_span(body: BodyCode) -> Span:
    """Where a body's result comes from, for a message about it."""
    return body.statements[-1].span if body.statements else body.span


def join_arms(join: Op, results: list[tuple[Tensor, Span]], use: Use, frame: Frame) -> None:
    """Joins tensors; where they do not fit, the fault shows what each arm gives."""
    tensors = [t for t, _ in results]
    shapes = tuple(t.shape for t in tensors)
    try:
        if shapes not in join.shapes:
            join.shapes[shapes] = fit(join.layer, shapes, use.span)
    except Fault as error:
        labels = [Label(span, f"this arm gives {show_shape(t.shape)}") for t, span in results]
        found = error.diagnostic
        raise Fault(replace(found, labels=(*found.labels, *labels))) from None
    if len(tensors) == 1 and isinstance(join.layer, Join) and join.layer.one_is_itself:
        frame.x = tensors[0]
        return
    frame.m.join(join, frame, tensors, use.span)
