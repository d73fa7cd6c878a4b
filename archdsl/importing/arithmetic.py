"""Sums, differences and products: of tensors, with numbers, with learned tensors."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from archdsl.importing.bernoulli import mask_of, masked
from archdsl.importing.biases import given, with_added
from archdsl.importing.cut import AxisSplit, in_order
from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Tied, TracedCall
from archdsl.importing.running import as_written, is_one_number
from archdsl.importing.values import AttentionScores, Computed, Repeated, TensorValue


@operation("add", "iadd", "radd", "__add__", "__iadd__", "__radd__")
def added(lower: Lowering, record: TracedCall) -> TensorValue | AttentionScores:
    alpha = lower.argument(record, 2, "alpha", 1)
    for place, other in ((0, 1), (1, 0)):
        scores = lower.argument(record, place, NAMES[place])
        if isinstance(scores, AttentionScores) and alpha == 1:
            return with_added(lower, record, scores, given(record, other, NAMES[other]))
    a, b = _operands(lower, record)
    if alpha != 1:
        b = b * alpha if isinstance(b, (int, float)) else _times(lower, record, _value(b), alpha)
    if not isinstance(a, TensorValue):
        a, b = b, a
    if isinstance(b, (int, float)):
        return _plus(lower, record, _value(a), b)
    if isinstance(b, Tied):
        return _shifted(lower, record, _value(a), b)
    return _joined(lower, record, "add", a, b)


@operation("sub", "subtract", "__sub__", "__isub__")
def subtracted(lower: Lowering, record: TracedCall) -> TensorValue:
    a, b = _operands(lower, record)
    return _difference(lower, record, a, b, lower.argument(record, 2, "alpha", 1))


@operation("rsub", "__rsub__")
def subtracted_from(lower: Lowering, record: TracedCall) -> TensorValue:
    b, a = _operands(lower, record)
    return _difference(lower, record, a, b, lower.argument(record, 2, "alpha", 1))


def _difference(lower: Lowering, record: TracedCall, a: Any, b: Any, alpha: float) -> TensorValue:
    if isinstance(b, (int, float)):
        return _plus(lower, record, _value(a), -alpha * b)
    if isinstance(a, (int, float)):
        return _plus(lower, record, _times(lower, record, _value(b), -alpha), a)
    b = b if alpha == 1 else _times(lower, record, _value(b), alpha)
    return _joined(lower, record, "sub", a, b)


@operation("mul", "imul", "rmul", "multiply", "__mul__", "__imul__", "__rmul__")
def multiplied(lower: Lowering, record: TracedCall) -> Any:
    a, b = _arguments(lower, record)
    for part, other in ((a, b), (b, a)):
        if (mask := mask_of(lower, other)) is not None:
            return masked(lower, record, lower.settled(part, record), mask)
    for part, number in ((a, b), (b, a)):
        if isinstance(part, (AxisSplit, AttentionScores)) and _is_number(number):
            return _multiplied(part, number)
    if isinstance(a, Repeated) != isinstance(b, Repeated):
        x, y = (b, a) if isinstance(a, Repeated) else (a, b)
        x = lower.settled(x, record)
        if not isinstance(x, TensorValue) or x.shape != y.shape:
            raise Gap(" of a tensor that was repeated")
        return _joined(lower, record, "mul", x, y.value)
    if (
        isinstance(a, AxisSplit)
        and isinstance(b, AxisSplit)
        and (found := _parts(lower, record, a, b))
    ):
        return found
    a, b = _operands(lower, record)
    if not isinstance(a, TensorValue):
        a, b = b, a
    if isinstance(b, (int, float)):
        return _times(lower, record, _value(a), b)
    if isinstance(b, Tied):
        return _scaled(lower, record, _value(a), b)
    return _joined(lower, record, "mul", a, b)


def _parts(lower: Lowering, record: TracedCall, a: AxisSplit, b: AxisSplit) -> AxisSplit | None:
    """The product of tensors whose channels are cut alike; nothing where they are not."""
    if prod(a.shape) < prod(b.shape):
        a, b = b, a
    if not in_order(a, lower.batch) or a.factor != 1 or b.factor != 1 or len(a.axes) != len(b.axes):
        return None
    to, at = [], 0
    for size in (lower.batch, *a.vertex.shape):
        ours = theirs = 1
        while at < len(a.axes) and (ours < size or a.shape[at] == 1):
            ours, theirs, at = ours * a.shape[at], theirs * b.shape[at], at + 1
        if ours != size or theirs not in (1, size):
            return None
        to.append(theirs)
    factors = b.reshaped(tuple(to)) if at == len(a.axes) else None
    if factors is None:
        return None
    whole = TensorValue(a.vertex, tuple(range(len(a.vertex.shape))))
    gate = lower.settled(lower.joined(factors), record)
    if gate.axes != whole.axes:
        return None
    vertex = lower.vertex(make("mul"), [whole.vertex, gate.vertex], record)
    return AxisSplit(vertex, a.axes)


@operation("div", "divide", "true_divide", "__truediv__", "__itruediv__")
def divided(lower: Lowering, record: TracedCall) -> Any:
    part, number = _arguments(lower, record)
    if lower.argument(record, 2, "rounding_mode") is not None:
        raise Gap(" with a result that is rounded")
    if isinstance(part, (AxisSplit, AttentionScores)) and _is_number(number) and number:
        return _multiplied(part, 1 / number)
    a, b = _operands(lower, record)
    if not isinstance(b, (int, float)) or b == 0:
        raise Gap(" by anything but a number")
    return _times(lower, record, _value(a), 1 / b)


@operation("neg", "negative", "__neg__")
def negated(lower: Lowering, record: TracedCall) -> TensorValue:
    return _times(lower, record, lower.input(record), -1)


@operation("square", "pow", "__pow__")
def squared(lower: Lowering, record: TracedCall) -> TensorValue:
    x = lower.input(record)
    if record.op != "square" and lower.argument(record, 1, "exponent") != 2:
        raise Gap(" with an exponent other than 2")
    return lower.apply(make("mul"), record, x, x)


@operation("addcmul")
def shifted_product(lower: Lowering, record: TracedCall) -> TensorValue:
    """``bias + weight * x``, as an affine layer of a few repositories has it."""
    bias, a, b = (
        lower.argument(record, i, n) for i, n in enumerate(("input", "tensor1", "tensor2"))
    )
    x, weight = (a, b) if isinstance(a, TensorValue) else (b, a)
    if (
        not isinstance(bias, Tied)
        or not isinstance(weight, Tied)
        or record.kwargs.get("value", 1) != 1
    ):
        raise Gap(" of anything but a learned factor and a learned shift")
    return _shifted(lower, record, _scaled(lower, record, _value(x), weight), bias)


@operation("maximum")
def maximum(lower: Lowering, record: TracedCall) -> TensorValue:
    return _joined(lower, record, "max", *_operands(lower, record))


def _operands(lower: Lowering, record: TracedCall) -> tuple[Any, Any]:
    a, b = (lower.settled(operand, record) for operand in _arguments(lower, record))
    for operand, other in ((a, b), (b, a)):
        if isinstance(operand, Tied) and not operand.trained:
            raise Gap(f" with fixed numbers: {_way_out(other, operand)}")
    return a, b


def _way_out(moving: Any, fixed: Tied) -> str:
    """What to do instead of computing with fixed numbers, as with the mean of each color."""
    vertex = moving.vertex if isinstance(moving, TensorValue) else None
    while vertex is not None and vertex.op in ("times", "plus"):
        (vertex,) = vertex.inputs
    of_channels = vertex is not None and vertex.shape[0] == prod(fixed.shape)
    if vertex is not None and vertex.layer is None and of_channels:
        return "normalise what comes in before it is given to the model, as `archdsl train` does"
    return FROZEN


def _arguments(lower: Lowering, record: TracedCall) -> tuple[Any, Any]:
    """Both operands; a buffer of a single number, or of one again and again, is this number."""
    a, b = (lower.argument(record, place, n) for place, n in enumerate(NAMES))
    return _number(a), _number(b)


def _number(operand: Any) -> Any:
    if not isinstance(operand, Tied) or operand.trained:
        return operand
    tensor = operand.tensor
    return as_written(tensor) if tensor is not None and is_one_number(tensor) else operand


NAMES = ("input", "other")
FROZEN = "keep them as an `nn.Parameter`, which can be frozen where you train"


def _multiplied(part: AxisSplit | AttentionScores, number: float) -> AxisSplit | AttentionScores:
    """A cut tensor, or scores and the products of queries that were added to them, times a
    number. Raises ``Gap``."""
    factor = part.factor * number
    if isinstance(part, AxisSplit):
        return replace(part, factor=factor)
    if part.added or part.softmax:
        raise Gap(" of scores to which something was added, or after their softmax")
    products = tuple(replace(one, factor=one.factor * number) for one in part.products)
    return replace(part, factor=factor, products=products)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _value(operand: Any) -> TensorValue:
    if not isinstance(operand, TensorValue):
        raise Gap(" of a parameter")
    return operand


def _plus(lower: Lowering, record: TracedCall, x: TensorValue, number: float) -> TensorValue:
    if isinstance(number, bool):
        raise Gap(" with a boolean")
    return x if number == 0 else lower.apply(make("plus", value=number), record, x)


def _times(lower: Lowering, record: TracedCall, x: TensorValue, number: float) -> TensorValue:
    if isinstance(number, bool):
        raise Gap(" with a boolean")
    return x if number == 1 else lower.apply(make("times", value=number), record, x)


def _aligned(x: TensorValue, tied: Tied) -> tuple[int, ...]:
    """The learned tensor's sizes along the axes of ``x``, the batch left out. Raises ``Gap``."""
    shape = tied.shape
    if tied.turned and len(shape) < len(x.axes):
        raise Gap(" with a parameter whose axes were permuted")
    if len(shape) > len(x.axes):
        if shape[0] != 1 or len(shape) > len(x.axes) + 1:
            raise Gap(" with a parameter that differs from image to image")
        shape = shape[1:]
    return (1,) * (len(x.axes) - len(shape)) + shape


def _is_of_channel(x: TensorValue, tied: Tied) -> bool:
    """Whether a single number is that of the only channel: its tensor has the axes of an image."""
    return x.vertex.shape[0] == 1 and len(tied.shape) == len(x.vertex.shape) > 1


def _scaled(lower: Lowering, record: TracedCall, x: TensorValue, weight: Tied) -> TensorValue:
    """A tensor times a learned factor: one, or one per channel."""
    shape = _aligned(x, weight)
    over = [i for i, n in enumerate(shape) if n != 1]
    if not over and not _is_of_channel(x, weight):
        layer = make("times", value=weight.start(1.0), learned=True)
        return lower.apply(layer, record, x, weights={"weight": weight})
    if len(x.axes) == 2 and [x.axes[i] for i in over] == [1]:  # what tokens are mixed over
        x = lower.turned(x, record)
    if over and ([x.axes[i] for i in over] != [0] or shape[over[0]] != x.vertex.shape[0]):
        raise Gap(" with a parameter that is not a factor per channel")
    layer = make("scale", value=weight.start(1.0))
    return lower.apply(layer, record, x, weights={"weight": weight})


def _shifted(lower: Lowering, record: TracedCall, x: TensorValue, bias: Tied) -> TensorValue:
    """A tensor and a learned shift: one number, one for each place, or, after a factor per channel,
    one for each channel."""
    shape = _aligned(x, bias)
    over = [i for i, n in enumerate(shape) if n != 1]
    vertex = x.vertex
    scaled = vertex.op == "scale" and "bias" not in vertex.weights
    one = not over and _is_of_channel(x, bias)
    if not over and not (one and scaled):
        layer = make("plus", value=bias.start(0.0), learned=True)
        return lower.apply(layer, record, x, weights={"bias": bias})
    if scaled and (one or [x.axes[i] for i in over] == [0]):
        assert vertex.layer is not None, "it is a scale"
        layer = make("scale", value=dict(vertex.layer.given()).get("value", 1.0), bias=True)
        weights = {**vertex.weights, "bias": bias}
        return lower.apply(layer, record, TensorValue(vertex.inputs[0], x.axes), weights=weights)
    tokens = len(vertex.shape) == 2  # whose positions are stored with channels last
    if len(vertex.shape) > 1 and shape == x.shape and (tokens or x.plain):
        if bias.turned != (tokens and x.plain):
            bias = replace(bias, flipped=True)
        return lower.apply(make("positions"), record, x, weights={"weight": bias})
    raise Gap(" with a parameter")


def _joined(lower: Lowering, record: TracedCall, op: str, a: Any, b: Any) -> TensorValue:
    for operand in (a, b):
        if isinstance(operand, Computed):
            fixed = operand.constant
            numbers = f" with fixed numbers: {FROZEN}"
            raise Gap(numbers if fixed else " with a tensor computed from parameters")
        if not isinstance(operand, TensorValue):
            raise Gap(" of a parameter" if isinstance(operand, Tied) else " with a number")
    if a.axes != b.axes and len(a.axes) == len(b.axes) == 2:
        b = lower.turned(b, record)
    if a.axes != b.axes:
        raise Gap(" of tensors whose axes are in different orders")
    if a.vertex.shape != b.vertex.shape and op != "mul":
        raise Gap(" of tensors of different shapes")
    return lower.apply(make(op), record, a, b)
