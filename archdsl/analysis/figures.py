"""What a network costs, worked out part by part: a part that occurs again costs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod

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
    reach: tuple[Exact, ...]
    stride: tuple[Exact, ...]

    def then(self, other: Path) -> Path:
        if len(other.reach) != len(self.reach):  # into a vector: what it sees stays
            return Path(self.depth + other.depth, self.reach, self.stride)
        grown = zip(self.reach, other.reach, self.stride, strict=True)
        return Path(
            self.depth + other.depth,
            tuple(kept(a + b * s) for a, b, s in grown),
            tuple(kept(a * b) for a, b in zip(self.stride, other.stride, strict=True)),
        )

    def beside(self, other: Path) -> Path:
        return Path(
            max(self.depth, other.depth),
            tuple(max(a, b) for a, b in zip(self.reach, other.reach, strict=True)),
            tuple(max(a, b) for a, b in zip(self.stride, other.stride, strict=True)),
        )


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
    start = Path(0, (0,) * axes, (1,) * axes)

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
    return Path(
        int(weighted),
        tuple(exact(Fraction(k) - 1) for k in kernel),
        tuple(exact(Fraction(s)) for s in stride),
    )


def longest_path(network: Network) -> Path:
    """Depth and receptive field of a network's result.

    The depth is the number of convolutions and linear layers on the longest path, as papers
    count it; ``reach`` is at most what the input has.
    """
    root = network.root
    path = paths(root, {})[0]
    assert path is not None, "a result comes from the input"
    reach = tuple(min(r, Fraction(n - 1)) for r, n in zip(path.reach, root.input[1:], strict=True))
    return Path(path.depth, reach, path.stride)
