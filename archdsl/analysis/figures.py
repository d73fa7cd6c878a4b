"""What a network costs, worked out part by part: a part that occurs again costs nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, prod

from archdsl.elaborate.values import exact
from archdsl.ir.network import Network, Op, Part, Step
from archdsl.layers.base import Layer, Shape
from archdsl.layers.polynomial import Exact


@dataclass(frozen=True, slots=True)
class Figures:
    """The costs of a network or of a piece of it, for one image.

    ``params`` are trainable elements, ``buffers`` the others (three tensors for each
    batch normalisation). ``macs`` are multiply-adds of convolutions and linear layers, bias
    ignored. ``conv_activations`` are the outputs of convolutions; ``activations`` those of
    linear layers too (the convention of fvcore and timm). Side outputs count in ``params``
    and ``buffers``, and beside the rest in ``side_macs``: they do not run in evaluation.
    """

    params: int = 0
    buffers: int = 0
    macs: int = 0
    activations: int = 0
    conv_activations: int = 0
    side_macs: int = 0


Costs = tuple[int, int, int, int, int, int]  # as the fields of Figures
NOTHING: Costs = (0, 0, 0, 0, 0, 0)


def figures(network: Network) -> Figures:
    """The figures of a whole network."""
    return Figures(*part_costs(network.root))


def part_costs(part: Part) -> Costs:
    """The costs of a part, remembered with it."""
    found: Costs | None = part.figures
    if found is None:
        rows = [NOTHING]
        for step in part.steps:
            if step.op.free:
                continue
            row = step_costs(part, step)
            if step.weight is not None:
                row = (row[0], row[1], 0, 0, 0, row[2])
            if (n := step.repeat) != 1:
                row = (n * row[0], n * row[1], n * row[2], n * row[3], n * row[4], n * row[5])
            rows.append(row)
        params, buffers, macs, outputs, convolved, aside = map(sum, zip(*rows, strict=True))
        found = part.figures = (params, buffers, macs, outputs, convolved, aside)
    return found


def step_costs(part: Part, step: Step) -> Costs:
    """The costs of one application of a step; those of a layer are remembered with it."""
    op = step.op
    if isinstance(op, Part):
        return part_costs(op)
    if len(step.inputs) > 1:
        shapes = tuple([part.shape_of(n) for n in step.inputs])
        return layer_costs(op.layer, shapes, step.shape)
    shape = part.shape_of(step.inputs[0])
    found: Costs | None = op.figures.get(shape)
    if found is None:
        found = op.figures[shape] = layer_costs(op.layer, (shape,), step.shape)
    return found


def layer_costs(layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> Costs:
    """The costs of a layer on inputs of these shapes."""
    params = buffers = 0
    for weight in layer.weights(*inputs):
        if weight.trainable:
            params += prod(weight.shape)
        else:
            buffers += prod(weight.shape)
    kind = layer.kind
    out = prod(output) if kind in ("conv", "linear") else 0
    return (params, buffers, layer.macs(inputs, output), out, out if kind == "conv" else 0, 0)


# ---------------------------------------------------------------- depth and receptive field


@dataclass(frozen=True, slots=True)
class Path:
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

    def then(self, other: Path) -> Path:
        depth = self.depth + other.depth
        if len(other.axes) != len(self.axes):  # into a vector: what it sees stays
            return Path(depth, self.axes)
        return Path(depth, tuple(a.then(b) for a, b in zip(self.axes, other.axes, strict=True)))

    def beside(self, other: Path) -> Path:
        axes = zip(self.axes, other.axes, strict=True)
        return Path(max(self.depth, other.depth), tuple(a.beside(b) for a, b in axes))


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
        longer = max(self, other, key=lambda axis: (axis.reach, axis.grid))
        return replace(longer, stride=max(self.stride, other.stride))


BEYOND = 10**15  # pixels: no tensor has as many


def kept(count: Exact) -> Exact:
    """A count of pixels, rounded where it is finer or greater than any tensor has them."""
    if isinstance(count, int):
        return min(count, BEYOND)
    if count.numerator < BEYOND and count.denominator < BEYOND:
        return exact(count)
    return exact(min(count, Fraction(BEYOND)).limit_denominator(BEYOND))


def paths(part: Part, memo: dict[int, list[Path | None]]) -> list[Path | None]:
    """The longest path to a part's result from its input and from each of its imports."""
    known = memo.get(id(part))
    if known is not None:
        return known
    count = 1 + len(part.imports)
    axes = len(part.input) - 1
    start = Path(0, (Axis(0, 1),) * axes)

    def source(i: int) -> list[Path | None]:
        return [start if j == i else None for j in range(count)]

    values = [source(0)]
    for step in part.steps:
        inputs = [values[n] if n >= 0 else source(-n) for n in step.inputs]
        values.append(_through(part, step, inputs, count, memo))
    result = values[part.result] if part.result >= 0 else source(-part.result)
    memo[id(part)] = result
    return result


def _through(
    part: Part,
    step: Step,
    inputs: list[list[Path | None]],
    count: int,
    memo: dict[int, list[Path | None]],
) -> list[Path | None]:
    shape = part.shape_of(step.inputs[0])
    if isinstance(step.op, Part):
        legs = paths(step.op, memo)
    else:
        legs = [_layer_path(step.op, shape)] * len(inputs)
    merged: list[Path | None] = [None] * count
    for values, leg in zip(inputs, legs, strict=True):
        if leg is None:
            continue
        for i, before in enumerate(values):
            if before is None:
                continue
            after = before
            for _ in range(step.repeat):
                after = after.then(leg)
            known = merged[i]
            merged[i] = after if known is None else known.beside(after)
    return merged


def _layer_path(op: Op, shape: Shape) -> Path:
    kernel, stride = op.layer.window(shape)
    weighted = op.layer.kind in ("conv", "linear")
    axes = [
        Axis(exact(Fraction(k) - 1), exact(Fraction(s)), 0, int(Fraction(s).denominator > 1))
        for k, s in zip(kernel, stride, strict=True)
    ]
    return Path(int(weighted), tuple(axes))


def longest_path(network: Network) -> Path:
    """Depth and receptive field of a network's result.

    The depth is the number of convolutions and linear layers on the longest path, as papers
    count it; ``reach`` is at most what the input has.
    """
    root = network.root
    path = paths(root, {})[0]
    assert path is not None, "a result comes from the input"
    axes = [
        Axis(min(axis.reach, Fraction(n - 1)), axis.stride)
        for axis, n in zip(path.axes, root.input[1:], strict=True)
    ]
    return Path(path.depth, tuple(axes))
