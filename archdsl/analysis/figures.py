"""What a network costs, worked out part by part: a part that occurs again costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from math import ceil

from archdsl.costs.activations import Activations, ConvActivations
from archdsl.costs.macs import AllMacs, AttentionMacs, Macs
from archdsl.costs.params import Buffers, Params
from archdsl.costs.sums import Row, Sums
from archdsl.elaborate.values import exact
from archdsl.ir.network import Network, Part, Pick, Step
from archdsl.layers.base import Layer, Shape, Steps
from archdsl.layers.unknowns import Exact


@dataclass(frozen=True, slots=True)
class Figures:
    """The costs of a network or of a piece of it, for one image.

    ``params`` are trainable elements, ``buffers`` the others (three tensors for each
    batch normalisation). ``macs`` are multiply-adds of convolutions, linear layers and
    attention, bias ignored; ``attention_macs`` are those of attention among them.
    ``conv_activations`` are the outputs of convolutions; ``activations`` those of linear
    layers too (the convention of fvcore and timm). Side outputs count in ``params`` and
    ``buffers``, and beside the rest in ``side_macs``: they do not run in evaluation.
    """

    params: int = 0
    buffers: int = 0
    macs: int = 0
    activations: int = 0
    conv_activations: int = 0
    side_macs: int = 0
    attention_macs: int = 0


COUNTED = Sums(
    (
        Params(),
        Buffers(),
        Macs(),
        Activations(),
        ConvActivations(),
        AllMacs(),
        AttentionMacs(),
    )
)
NAMED = (Params.name, Macs.name, Activations.name)  # costs that are figures


def figures(network: Network) -> Figures:
    """The figures of a whole network."""
    return figures_of(COUNTED.of_part(network.root))


def figures_of(row: Row) -> Figures:
    """The figures of what is ``COUNTED``."""
    params, buffers, macs, activations, conv_activations, all_macs, attention = row
    sides = all_macs - macs
    return Figures(params, buffers, macs, activations, conv_activations, sides, attention)


# ---------------------------------------------------------------- depth and receptive field


@dataclass(frozen=True, slots=True)
class LongestPath:
    """The longest way from an input to a result: its weighted layers, and how an output
    pixel grows into a window of the input: ``reach + 1`` pixels that step by ``stride``."""

    depth: int
    axes: tuple[Axis, ...]

    @property
    def reach(self) -> tuple[Exact, ...]:
        return tuple(axis.reach for axis in self.axes)

    @property
    def stride(self) -> tuple[Exact, ...]:
        return tuple(axis.stride for axis in self.axes)

    @property
    def is_nothing(self) -> bool:
        """Whether what comes after it is as it would be without it."""
        return not self.depth and all([axis == STILL for axis in self.axes])

    def then(self, other: LongestPath) -> LongestPath:
        if other.is_nothing:
            return self
        depth = self.depth + other.depth
        if len(other.axes) != len(self.axes):  # into a vector: what it sees stays
            return LongestPath(depth, self.axes)
        return LongestPath(
            depth, tuple(a.then(b) for a, b in zip(self.axes, other.axes, strict=True))
        )

    def beside(self, other: LongestPath) -> LongestPath:
        axes = zip(self.axes, other.axes, strict=True)
        return LongestPath(max(self.depth, other.depth), tuple(a.beside(b) for a, b in axes))


@dataclass(frozen=True, slots=True)
class Axis:
    """A path along one axis. A layer that enlarges, or whose steps are no whole ones, reads whole
    pixels of a ``grid``: what comes after it reaches ``fine`` there, rounded up to the grid, as it
    may begin anywhere in a pixel of it."""

    coarse: Exact
    stride: Exact
    fine: Exact = 0
    grid: Exact = 0  # 0: no such layer

    @property
    def reach(self) -> Exact:
        if not self.grid:
            return self.coarse
        return kept(self.coarse + ceil(Fraction(self.fine) / self.grid) * self.grid)

    def then(self, other: Axis) -> Axis:
        s = self.stride
        stride = kept(s * other.stride)
        if self.grid:
            fine = kept(self.fine + (other.coarse + other.fine) * s)
            return Axis(self.coarse, stride, fine, self.grid)
        coarse = kept(self.coarse + other.coarse * s)
        return Axis(coarse, stride, kept(other.fine * s), kept(other.grid * s))

    def beside(self, other: Axis) -> Axis:
        longer = other if (other.reach, other.grid) > (self.reach, self.grid) else self
        stride = max(self.stride, other.stride)
        return longer if longer.stride == stride else replace(longer, stride=stride)


STILL = Axis(0, 1)  # that of a layer which reads one pixel for one
BEYOND = 10**15  # pixels: no tensor has as many


def kept(count: Exact) -> Exact:
    """A count of pixels, rounded where it is finer or greater than any tensor has them."""
    if isinstance(count, int):
        return min(count, BEYOND)
    if count.numerator < BEYOND and count.denominator < BEYOND:
        return exact(count)
    return exact(min(count, Fraction(BEYOND)).limit_denominator(BEYOND))


Paths = list[LongestPath | None]  # from the input and each of the imports; nothing where none leads


def paths(part: Part, memo: dict[int, Paths]) -> Paths:
    """The longest path to a part's result from its input and from each of its imports."""
    known = memo.get(id(part))
    if known is None:
        (known,) = paths_to(part, (part.result,), memo)
        memo[id(part)] = known
    return known


def paths_to(part: Part, results: Sequence[int], memo: dict[int, Paths]) -> list[Paths]:
    """The longest path to each of these values of a part from its input and its imports."""
    count = 1 + len(part.imports)
    starts = [beginning(shape) for shape in (part.input, *part.imports)]

    def source(i: int) -> Paths:
        return [starts[i] if j == i else None for j in range(count)]

    values = [[source(0)]]  # of what gives several, each
    last: tuple[Step, Paths] | None = None  # a layer of several inputs, and the paths to its result
    for step in part.steps:
        if isinstance(step.op, Pick):
            values.append([values[step.inputs[0]][step.op.number]])
            continue
        inputs = [values[n][0] if n >= 0 else source(-n) for n in step.inputs]
        if isinstance(step.op, Part) and step.op.given:
            values.append(_several(step, step.op, inputs, count, memo))
            continue
        if isinstance(step.op, Part):
            made = _merged(inputs, paths(step.op, memo), [None] * count, step.repeat)
        elif last is not None and _joins_more(step, last[0]):  # as the layers of a dense block
            first = len(last[0].inputs)
            legs = _legs(part, step, step.op.layer, first)
            made = _merged(inputs[first:], legs, list(last[1]), step.repeat)
        else:
            legs = _legs(part, step, step.op.layer)
            made = _merged(inputs, legs, [None] * count, step.repeat)
        if len(inputs) > 1 and not isinstance(step.op, Part):
            last = step, made
        values.append([made])
    return [values[n][0] if n >= 0 else source(-n) for n in results]


def _several(
    step: Step,
    part: Part,
    inputs: list[Paths],
    count: int,
    memo: dict[int, Paths],
) -> list[Paths]:
    """The paths to each result of a part that gives several: time after time, as they are its
    first operands again."""
    legs = paths_to(part, part.given, memo)
    for _ in range(step.repeat):
        made = [_merged(inputs, to, [None] * count) for to in legs]
        inputs = [*made, *inputs[len(made) :]]
    return made


def _joins_more(step: Step, before: Step) -> bool:
    """Whether a layer joins what one before it does, and more."""
    count = len(before.inputs)
    return (
        len(step.inputs) > count
        and step.repeat == 1
        and step.inputs[:count] == before.inputs
        and step.op == before.op
    )


def _legs(part: Part, step: Step, layer: Layer, first: int = 0) -> Paths:
    """What a layer adds to the paths through its inputs, from one of them on."""
    shapes = [part.shape_of(n) for n in step.inputs]
    return [layer_path(layer, i, shapes) for i in range(first, len(shapes))]


def _merged(inputs: list[Paths], legs: Paths, merged: Paths, repeat: int = 1) -> Paths:
    """The longest of several ways, each with what comes after it, and of those that are known."""
    for values, leg in zip(inputs, legs, strict=True):
        if leg is None:
            continue
        for i, before in enumerate(values):
            if before is None:
                continue
            after = before
            for _ in range(repeat):
                after = after.then(leg)
            known = merged[i]
            merged[i] = after if known is None else known.beside(after)
    return merged


def beginning(shape: Shape) -> LongestPath:
    """The path of a tensor to itself."""
    return LongestPath(0, (STILL,) * (len(shape) - 1))


def layer_path(layer: Layer, place: int, shapes: Sequence[Shape]) -> LongestPath:
    """What one layer adds to a path through one of its inputs."""
    kernel, stride = layer.window_of(place, shapes)
    return _window_path(tuple(kernel), tuple(stride), layer.kind in ("conv", "linear"))


@lru_cache(1024)
def _window_path(kernel: Steps, stride: Steps, weighted: bool) -> LongestPath:
    axes = [
        Axis(exact(Fraction(k) - 1), exact(Fraction(s)), 0, int(Fraction(s).denominator > 1))
        for k, s in zip(kernel, stride, strict=True)
    ]
    return LongestPath(int(weighted), tuple(axes))


def longest_path(network: Network) -> LongestPath:
    """Depth and receptive field of a network's result.

    The depth is the number of convolutions and linear layers on the longest path, as papers
    count it; ``reach`` is at most what the input has. Of several results it is the longest, and of
    several inputs ``reach`` is that into the first.
    """
    root = network.root
    ends = [result.value for result in root.results] or [root.result]
    found = paths_to(root, ends, {})
    path = beginning(root.input)
    for first in [p[0] for p in found if p[0] is not None]:
        path = path.beside(first)
    depth = max(p.depth for to in found for p in to if p is not None)
    axes = [
        Axis(min(axis.reach, Fraction(n - 1)), axis.stride)
        for axis, n in zip(path.axes, root.input[1:], strict=True)
    ]
    return LongestPath(depth, tuple(axes))
