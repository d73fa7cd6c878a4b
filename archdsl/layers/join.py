"""Where branches meet. A join is a layer of several inputs."""

from collections.abc import Sequence
from functools import reduce
from typing import Annotated, ClassVar

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Chance, Count, OneOf, ShapeArgument
from archdsl.layers.axes import AXES, along, axis_of
from archdsl.layers.base import (
    Columns,
    Example,
    Expression,
    Idle,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    show_shape,
    show_shapes,
)

MOST_STRIDE = 8  # that an error advises


class Join(Layer):
    """The base of joins. ``verb`` is how an error speaks of it; ``sign`` (``+``, ``-`` or ``*``) is
    what a drawing has for it, if anything; ``one_is_itself`` says that of one input alone the
    result is this input, ``takes_list`` that it may be applied to several tensors (``[a, b] ->
    concat``)."""

    kind = "join"
    verb: ClassVar[str] = "joined"
    sign: ClassVar[str] = ""
    one_is_itself: ClassVar[bool] = False
    takes_list: ClassVar[bool] = True


def way_out(inputs: Sequence[Shape]) -> str:
    """What would make tensors fit that differ in their channels alone, or in their size alone by
    a small factor; nothing where more than that differs."""
    first = inputs[0]
    other = next((s for s in inputs if s != first), first)
    if len(first) != len(other) or not all(isinstance(n, int) for n in (*first, *other)):
        return ""  # a polynomial's numbers are not known
    if first[1:] == other[1:]:
        layer = "conv({}, 1)" if len(first) > 1 else "linear({})"
        return f"only the channels differ: `{layer.format(first[0])}` makes {first[0]} of them"
    small, large = sorted((first[1:], other[1:]))
    factor = large[0] // small[0]
    if factor > MOST_STRIDE or tuple(n * factor for n in small) != large:
        return ""
    return (
        f"`stride = {factor}` turns {show_shape(large)} into {show_shape(small)}, and"
        f" `upsample({factor})` turns {show_shape(small)} into {show_shape(large)}"
    )


def cannot_join(join: Join, inputs: Sequence[Shape]) -> Misfit:
    shown = show_shapes(tuple(inputs))
    return Misfit(codes.CANNOT_JOIN, way_out(inputs), verb=join.verb, shapes=shown)


def broadcast(join: Join, inputs: tuple[Shape, ...]) -> Shape:
    """The common shape, where an axis of 1 stretches to the others'."""

    def meet(a: Shape, b: Shape) -> Shape:
        if a == b:
            return a
        if len(a) != len(b) or any(m != n and 1 not in (m, n) for m, n in zip(a, b, strict=True)):
            raise cannot_join(join, inputs)
        return tuple(max(m, n) for m, n in zip(a, b, strict=True))

    return reduce(meet, inputs)


class Elementwise(Join):
    """A join of equal shapes."""

    def shape(self, *inputs: Shape) -> Shape:
        if any(s != inputs[0] for s in inputs):
            raise cannot_join(self, inputs)
        return inputs[0]


def _example(name: str) -> tuple[Example, ...]:
    return (Example(name, ((16, 8, 8), (16, 8, 8)), (16, 8, 8)),)


SURVIVING = (Idle("per", "survive", 1), Idle("scaling", "survive", 1))


class Add(Elementwise):
    """The sum.

    With ``survive < 1`` it is the joint of stochastic depth (Huang et al. 2016,
    arXiv:1603.09382) and takes a shortcut and a branch: in training the branch is dropped
    with probability ``1 - survive``, once a mini-batch or for each sample (``per``). The
    expected sum is kept by scaling the branch by ``survive`` in evaluation (the paper) or
    by ``1 / survive`` in training (``scaling``).
    """

    survive: Chance = 1.0
    per: Annotated[str, OneOf(("batch", "sample"))] = "batch"
    scaling: Annotated[str, OneOf(("eval", "train"))] = "eval"

    name = "add"
    idle = SURVIVING
    verb = "added"
    one_is_itself = True
    modules = "modules/stochastic_depth.py"
    sign = "+"
    synonyms = ("sum",)
    examples = (
        *_example("add"),
        *_example("add(survive = 0.8)"),
        *_example("add(survive = 0.8, per = sample, scaling = train)"),
    )

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 2 and self.survive != 1:
            raise Misfit(
                codes.COUNT_OF_TENSORS,
                "put those of the branch together first: `branch add { ... }` without `survive`",
                layer="add(survive)",
                wanted=2,
                given=len(inputs),
            )
        return Elementwise.shape(self, *inputs)

    def meaning(self, *inputs: Shape) -> Meaning:
        kept = {"survive": self.survive}
        return self.name, kept if self.survive == 1.0 else Layer.meaning(self, *inputs)[1]

    def commutes(self) -> bool:
        return self.survive == 1.0

    @property
    def is_sum(self) -> bool:
        return self.survive == 1

    def torch(self, *inputs: Shape) -> Module | Expression:
        if self.survive == 1.0:
            joint = Module("StochasticDepth", (1.0,))
            return Expression(" + ".join(f"{{{i}}}" for i in range(len(inputs))), module=joint)
        usual = {"per": "batch", "scaling": "eval"}
        keywords = {k: v for k in usual if (v := getattr(self, k)) != usual[k]}
        return Module("StochasticDepth", (self.survive,), keywords, usual)


class Concat(Join):
    """All channels, one input's after the other's; or all pixels along another axis (``over``)."""

    over: Annotated[str, OneOf(AXES)] = "channels"

    name = "concat"
    late = ("over",)
    verb = "concatenated"
    one_is_itself = True
    synonyms = ("cat", "concatenate")
    examples = (
        Example("concat", ((16, 8, 8), (4, 8, 8)), (20, 8, 8)),
        Example("concat", ((16,), (4,)), (20,)),
        Example("concat(over = tokens)", ((16, 9), (16, 4)), (16, 13)),
        Example("concat(over = width)", ((16, 8, 8), (16, 8, 3)), (16, 8, 11)),
    )

    @property
    def is_associative(self) -> bool:
        return self.over == "channels"

    def shape(self, *inputs: Shape) -> Shape:
        first = inputs[0]
        if self.over != "channels":
            axis = axis_of(self.over, first, self.name)
            if any([s[:axis] + s[axis + 1 :] != first[:axis] + first[axis + 1 :] for s in inputs]):
                raise cannot_join(self, inputs)
            return (*first[:axis], sum([s[axis] for s in inputs]), *first[axis + 1 :])
        size = first[1:]
        if any([s[1:] != size for s in inputs]):
            raise cannot_join(self, inputs)
        return (sum([s[0] for s in inputs]), *size)

    def window_of(self, place: int, inputs: Sequence[Shape]) -> tuple[Steps, Steps]:
        if self.over == "channels":
            return self.window(inputs[place])
        return along(axis_of(self.over, inputs[place], self.name), inputs[place])

    def torch(self, *inputs: Shape) -> Expression:
        axis = 1 + axis_of(self.over, inputs[0], self.name)
        terms = ", ".join(f"{{{i}}}" for i in range(len(inputs)))
        return Expression(f"torch.cat([{terms}], {axis})")


class Mean(Elementwise):
    """The mean."""

    name = "mean"
    verb = "averaged"
    one_is_itself = True
    synonyms = ("average", "avg")
    examples = _example("mean")

    def commutes(self) -> bool:
        return True

    def torch(self, *inputs: Shape) -> Expression:
        terms = " + ".join(f"{{{i}}}" for i in range(len(inputs)))
        return Expression(f"({terms}) / {len(inputs)}")


class Sub(Elementwise):
    """The first, less all others."""

    name = "sub"
    verb = "subtracted"
    one_is_itself = True
    sign = "-"
    synonyms = ("minus", "subtract", "difference")
    examples = _example("sub")

    def torch(self, *inputs: Shape) -> Expression:
        return Expression(" - ".join(f"{{{i}}}" for i in range(len(inputs))))


class FractalJoin(Elementwise):
    """A join of a FractalNet in training (Larsson et al. 2017, arXiv:1605.07648, section 3).

    ``columns`` are the columns that meet here, of ``of`` columns, the shallowest being 1.
    Local drop-path drops each input with probability ``drop_path`` and keeps at least one;
    global drop-path, in a share ``global_path`` of the mini-batches, keeps one column of the
    whole network. The mean is over the inputs that are left; in evaluation, over all.
    """

    columns: ShapeArgument
    of: Count
    drop_path: Chance = 0.15
    global_path: Chance = 0.5

    name = "fractal_join"
    verb = "averaged"
    takes_list = False
    examples = (Example("fractal_join([2, 3], 3)", ((16, 8, 8), (16, 8, 8)), (16, 8, 8)),)

    @property
    def columns_met(self) -> Columns:
        places = tuple(c - 1 for c in self.columns)
        return Columns(places, self.of, self.drop_path, self.global_path)

    def torch(self, *inputs: Shape) -> Module:
        return Module("FractalJoin", tuple(self.columns_met))


class Max(Elementwise):
    """The element-wise maximum."""

    name = "max"
    verb = "compared"
    synonyms = ("maximum",)
    examples = _example("max")

    def commutes(self) -> bool:
        return True

    def torch(self, *inputs: Shape) -> Expression:
        return Expression(_nested("torch.maximum({}, {})", len(inputs)))


class Mul(Join):
    """The element-wise product; an axis of 1 stretches, so that a ``Cx1x1`` gate fits."""

    name = "mul"
    is_associative = True
    verb = "multiplied"
    sign = "*"
    synonyms = ("product", "gate")
    examples = (*_example("mul"), Example("mul", ((16, 8, 8), (16, 1, 1)), (16, 8, 8)))

    def shape(self, *inputs: Shape) -> Shape:
        return broadcast(self, inputs)

    def commutes(self) -> bool:
        return True

    def torch(self, *inputs: Shape) -> Expression:
        return Expression(" * ".join(f"{{{i}}}" for i in range(len(inputs))))


def _nested(call: str, count: int) -> str:
    text = "{0}"
    for i in range(1, count):
        text = call.replace("{}", text, 1).replace("{}", f"{{{i}}}", 1)
    return text
