"""Connection patterns: functions from layers to a layer.

A pattern is a frozen dataclass, like a layer: its fields are its arguments. Its method
``run`` puts the pattern's steps into the part that is being built. ``PATTERNS`` lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, did_you_mean, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.application import (
    apply_value,
    bind_layer,
    construct,
    layer_op,
    use_layer,
)
from archdsl.elaborate.code import Action, BodyCode
from archdsl.elaborate.groups import run_named
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.network import Op
from archdsl.elaborate.scope import Scope
from archdsl.elaborate.statements import compile_body
from archdsl.elaborate.values import Tensor, is_layer
from archdsl.layers.arguments import Chance, Count, OneOf, Reader, Unreadable
from archdsl.layers.base import Layer, Misfit, Shape, show_shape
from archdsl.layers.convolution import Conv
from archdsl.layers.join import Add, Concat, FractalJoin, Join, Mean
from archdsl.layers.normalization import BatchNorm
from archdsl.layers.shaping import PadChannels, Subsample
from archdsl.syntax import tree


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


@dataclass(eq=False, slots=True)
class Use:
    """One place where a pattern is written."""

    span: Span  # of the pattern's name
    body: BodyCode
    qualifier: tree.Word | None
    convolution: Callable[[Frame], Op]  # a projection's parts, with the defaults in force
    norm: Callable[[Frame], Op]
    scope: Scope


class Pattern(Layer):
    """The base of patterns. ``qualified``: what the word before the body says, if one goes there."""

    __slots__ = ()
    qualified: ClassVar[str | None] = None
    qualifier_required: ClassVar[bool] = False

    @classmethod
    def compile(cls, node: tree.Call, scope: Scope) -> Action:
        """The action of one use in a spec; mistakes are reported."""
        arguments = bind_layer(cls, node, scope)
        assert node.body is not None
        cls.check_qualifier(node, scope)
        body = cls.compile_body(node.body, scope)
        span = node.callee.span
        use = Use(span, body, node.qualifier, *_projection(scope, node), scope)
        getters = [getter for _, getter, _ in arguments]
        made: dict[Any, Any] = {}

        def run(frame: Frame) -> None:
            values = tuple([g(frame) for g in getters])
            key = (values, tuple(map(type, values)))
            pattern = made.get(key)
            if pattern is None:
                if len(made) > 1000:
                    made.clear()
                pattern = made[key] = construct(cls, arguments, values, span)
            pattern.run(use, frame)

        return run

    @classmethod
    def compile_body(cls, body: tree.Body, scope: Scope) -> BodyCode:
        return compile_body(body, scope.inner(flow=False))

    @classmethod
    def check_qualifier(cls, node: tree.Call, scope: Scope) -> None:
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


# ---------------------------------------------------------------------- residual


@dataclass(frozen=True)
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

    def run(self, use: Use, frame: Frame) -> None:
        x = frame.x
        if x is None:
            frame.m.run(use.body, frame)
            return
        y = run_body(use, frame, x)
        if y is None:
            return
        if self.shortcut == "none":
            return
        frame.x = x
        run_named(lambda f: self.take_shortcut(use, f, y), frame, "shortcut", use.span, plain=True)
        s = frame.x
        if s is None:
            return
        if s.shape != y.shape:
            raise fault(
                codes.CANNOT_JOIN,
                Label(use.span, f"the shortcut has {show_shape(s.shape)}"),
                Label(last_span(use.body), f"the body gives {show_shape(y.shape)}"),
                help=self.advice(),
                verb="added",
                shapes=f"{show_shape(s.shape)} and {show_shape(y.shape)}",
            )
        join = Add(self.survive, self.per, self.scaling) if self.survive < 1 else Add()
        frame.m.join(frame.m.intern(join), frame, (s, y), use.span)

    def advice(self) -> list[str]:
        if self.shortcut == "identity":
            return ["leave `shortcut` out, and a projection is added where shapes differ"]
        return []

    def take_shortcut(self, use: Use, frame: Frame, y: Tensor) -> None:
        x = frame.here()
        if is_layer(self.shortcut):
            apply_value(self.shortcut, frame, use.span)
        elif self.shortcut == "identity" or (self.shortcut == "auto" and x.shape == y.shape):
            pass
        elif self.shortcut == "pad":
            pad_shortcut(use, frame, y)
        else:
            project(use, frame, y)


def strides(use: Use, x: Shape, y: Shape, what: str) -> tuple[int, ...]:
    """The step that takes every axis of ``x`` to that of ``y``, or a fault that there is none."""
    found = []
    if len(x) == len(y):
        for n, m in zip(x[1:], y[1:], strict=True):
            step = -(-n // m)
            if (n - 1) // step + 1 == m:
                found.append(step)
    if len(found) != len(y) - 1:
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


# ------------------------------------------------------------------------ branch


@dataclass(frozen=True)
class Branch(Pattern):
    """Parallel arms, one for each statement, that meet in a join: ``branch concat { ... }``."""

    name = "branch"
    qualified = "how its arms are joined: concat, add, mean, max or mul"
    qualifier_required = True

    @classmethod
    def compile_body(cls, body: tree.Body, scope: Scope) -> BodyCode:
        return compile_body(body, scope.inner(looped=False, flow=False), arms=True)

    @classmethod
    def check_qualifier(cls, node: tree.Call, scope: Scope) -> None:
        super().check_qualifier(node, scope)
        word = node.qualifier
        if word is not None and word.text not in scope.context.table.joins:
            joins = scope.context.table.joins
            help = did_you_mean(word.text, joins) or [f"the joins are {', '.join(sorted(joins))}"]
            if (meant := scope.context.table.synonyms.get(word.text)) in joins:
                help = [f"here it is called `{meant}`"]
            scope.context.report(codes.UNKNOWN_JOIN, word.span, help=help, name=word.text)

    def run(self, use: Use, frame: Frame) -> None:
        x = frame.x
        results: list[tuple[Tensor, Span]] = []
        whole = True

        def arm(action: Action, span: Span, label: tree.Word | None) -> None:
            nonlocal whole
            frame.x = x
            name = "branch" if label is None else label.text
            frame.m.attempt(
                lambda f: run_named(action, f, name, span, plain=label is not None), frame
            )
            if frame.x is None:
                whole = False
            else:
                results.append((frame.x, span))

        for statement in use.body.statements:
            frame.x = x
            if statement.arms is not None:
                frame.m.attempt(lambda f, s=statement: s.arms(f, arm), frame)
            else:
                arm(statement.run, statement.span, statement.label)
        if not whole or x is None:
            frame.x = None
            return
        if not results:
            raise fault(codes.NO_ARMS, use.span)
        assert use.qualifier is not None
        join = frame.m.intern(use.scope.context.table.joins[use.qualifier.text]())
        join_arms(join, results, use, frame)


def join_arms(join: Op, results: list[tuple[Tensor, Span]], use: Use, frame: Frame) -> None:
    """Joins tensors; where they do not fit, the fault shows what each arm gives."""
    tensors = [t for t, _ in results]
    shapes = tuple(t.shape for t in tensors)
    try:
        if shapes not in join.shapes:
            join.shapes[shapes] = join.layer.shape(*shapes)
    except Misfit as misfit:
        labels = [Label(span, f"this arm gives {show_shape(t.shape)}") for t, span in results]
        raise fault(misfit.kind, use.span, *labels, **misfit.fields) from None
    if len(tensors) == 1 and type(join.layer) in (Add, Concat, Mean):
        frame.x = tensors[0]
        return
    frame.m.join(join, frame, tensors, use.span)


# ------------------------------------------------------------------------- dense


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


# ----------------------------------------------------------------------- fractal


@dataclass(frozen=True)
class Fractal(Pattern):
    """The expansion rule of FractalNet (Larsson et al. 2017, arXiv:1605.07648):
    ``f(1) = body``, ``f(C + 1) = join(f(C) -> f(C), body)``.

    Column ``c`` of ``columns`` (the shallowest is 1) holds ``2^(c - 1)`` bodies. Adjacent
    joins are one, and the joined tensor goes on in every column that took part.
    ``drop_path`` is the probability of local drop-path, ``global_path`` the share of
    mini-batches in which one column of the whole network is trained alone (half of them,
    as in the paper, unless told; none without ``drop_path``).
    """

    columns: Count
    drop_path: Chance = 0.0
    global_path: Chance | None = None

    name = "fractal"

    @classmethod
    def compile_body(cls, body: tree.Body, scope: Scope) -> BodyCode:
        return compile_body(body, scope.inner(looped=False, flow=False))

    def run(self, use: Use, frame: Frame) -> None:
        if self.columns > 12:
            raise fault(codes.TOO_MANY_COLUMNS, use.span, columns=self.columns, most=12)
        run_named(lambda f: self.expand(use, f), frame, "fractal", use.span)

    def expand(self, use: Use, frame: Frame) -> None:
        count = self.columns
        heads = [frame.here()] * count
        span = last_span(use.body)
        for step in range(1, 2 ** (count - 1) + 1):
            ending = [c for c in range(count) if step % 2 ** (count - 1 - c) == 0]
            for c in ending:
                frame.m.spend(1, use.span)
                frame.x = heads[c]
                name = f"column{c + 1}_"
                run_named(lambda f: frame.m.run(use.body, f), frame, name, span)
                if frame.x is None:
                    return
                heads[c] = frame.here()
            if len(ending) > 1:
                arms = [(heads[c], span) for c in ending]
                join_arms(frame.m.intern(self.join(ending)), arms, use, frame)
                for c in ending:
                    heads[c] = frame.here()

    def join(self, ending: list[int]) -> Join:
        whole = self.global_path
        if whole is None:
            whole = 0.5 if self.drop_path else 0.0
        if not self.drop_path and not whole:
            return Mean()
        return FractalJoin(tuple(c + 1 for c in ending), self.columns, self.drop_path, whole)


# ------------------------------------------------------------------------ choose


@dataclass(frozen=True)
class Choose(Pattern):
    """One of several layers: a knob of its own wherever the body stands.

    ``choose mix { a; b; c }`` names it; its values are the labels of the options, or the
    options as they are written.
    """

    name = "choose"
    qualified = "the name of the choice"

    @classmethod
    def compile(cls, node: tree.Call, scope: Scope) -> Action:
        for unit in scope.unit.outward():
            unit.chooses = True
        return super().compile(node, scope)

    @classmethod
    def compile_body(cls, body: tree.Body, scope: Scope) -> BodyCode:
        return compile_body(body, scope.inner(looped=False, flow=False), arms=True)

    def run(self, use: Use, frame: Frame) -> None:
        if not use.body.statements:
            raise fault(codes.NO_OPTIONS, use.span)
        frame.m.effects += 1
        named = use.qualifier is not None
        name = use.qualifier.text if use.qualifier is not None else self.name
        run_named(lambda f: self.pick(use, f), frame, name, use.span, plain=named)

    def pick(self, use: Use, frame: Frame) -> None:
        options = use.body.statements
        names = tuple(option_name(s.label, s.span) for s in options)
        frame.m.choose(frame.b.path, names, [s.run for s in options], frame, use.span)


def option_name(label: tree.Word | None, span: Span) -> str:
    return label.text if label is not None else " ".join(span.text.split())


PATTERNS: dict[str, type[Pattern]] = {p.name: p for p in (Residual, Branch, Dense, Fractal, Choose)}
