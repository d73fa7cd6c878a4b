"""Layers without weights that leave channels where they are: activations, pools, means."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import Any

from archdsl.importing.cut import AxisSplit
from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Tied, TracedCall
from archdsl.importing.values import AttentionScores, Bordered, Repeated, TensorValue
from archdsl.importing.weighted import per_axis
from archdsl.layers.same import SAME, same_sides

PLAIN = {  # activations that have no arguments, by the names of PyTorch
    "relu": ("ReLU", "relu"),
    "relu6": ("ReLU6", "relu6"),
    "silu": ("SiLU", "silu"),
    "selu": ("SELU", "selu"),
    "sigmoid": ("Sigmoid", "sigmoid"),
    "hardswish": ("Hardswish", "hardswish"),
    "hardsigmoid": ("Hardsigmoid", "hardsigmoid"),
    "mish": ("Mish", "mish"),
    "tanh": ("Tanh", "tanh"),
    "softsign": ("Softsign", "softsign"),
    "absolute": ("abs", "absolute"),
}
ARGUED = {  # with arguments: ours, theirs, what PyTorch takes where it is left out
    "leaky_relu": (("LeakyReLU", "leaky_relu"), (("slope", "negative_slope", 0.01),)),
    "elu": (("ELU", "elu"), (("alpha", "alpha", 1.0),)),
    "celu": (("CELU", "celu"), (("alpha", "alpha", 1.0),)),
    "hardtanh": (("Hardtanh", "hardtanh"), (("low", "min_val", -1.0), ("high", "max_val", 1.0))),
    "gelu": (("GELU", "gelu"), (("approximate", "approximate", "none"),)),
    "rrelu": (("RReLU", "rrelu"), (("lower", "lower", 0.125), ("upper", "upper", 1 / 3))),
}
UNCHANGED = "contiguous clone to float type_as Identity expand_as dropout_identity".split()


def _activation(name: str, arguments: tuple[tuple[str, str, Any], ...]) -> Any:
    def lowered(lower: Lowering, record: TracedCall) -> TensorValue:
        found = {}
        for place, (ours, theirs, usual) in enumerate(arguments):
            if record.module is not None:
                found[ours] = getattr(record.module, theirs)
            else:
                found[ours] = lower.argument(record, place + 1, theirs, usual)
        drawn = name == "rrelu" and record.module is None  # which would know whether it trains
        if drawn and lower.argument(record, 3, "training", False) != lower.training:
            raise Gap(" that draws its slopes in evaluation, or not in training")
        if name == "hardtanh" and (found["low"], found["high"]) == (0, 6):
            return lower.apply(make("relu6"), record, lower.input(record))
        return lower.apply(make(name, **found), record, lower.input(record))

    return lowered


for _name, _spelled in PLAIN.items():
    operation(*_spelled)(_activation(_name, ()))
for _name, (_spelled, _arguments) in ARGUED.items():
    operation(*_spelled)(_activation(_name, _arguments))


@operation("clamp", "clip")
def clamped(lower: Lowering, record: TracedCall) -> TensorValue:
    """Numbers between two bounds, one of which may be left out."""
    low, high = lower.argument(record, 1, "min"), lower.argument(record, 2, "max")
    return _between(lower, record, low, high)


@operation("clamp_min")
def clamped_below(lower: Lowering, record: TracedCall) -> TensorValue:
    return _between(lower, record, lower.argument(record, 1, "min"), None)


@operation("clamp_max")
def clamped_above(lower: Lowering, record: TracedCall) -> TensorValue:
    return _between(lower, record, None, lower.argument(record, 1, "max"))


def _between(lower: Lowering, record: TracedCall, low: Any, high: Any) -> TensorValue:
    x = lower.input(record)
    bounds = [bound for bound in (low, high) if bound is not None]
    if not bounds or not all(type(b) in (int, float) and isfinite(b) for b in bounds):
        raise Gap(" with bounds that are no numbers")
    if len(bounds) == 2 and low >= high:
        raise Gap(" with a lower bound that is not below the upper one")
    if high is None:
        return (
            lower.apply(make("relu"), record, x) if low == 0 else _at_least(lower, record, x, low)
        )
    if low is None:  # of numbers whose signs are changed, and are changed again after it
        most = _at_least(lower, record, lower.apply(make("times", value=-1), record, x), -high)
        return lower.apply(make("times", value=-1), record, most)
    layer = make("relu6") if (low, high) == (0, 6) else make("hardtanh", low=low, high=high)
    return lower.apply(layer, record, x)


def _at_least(lower: Lowering, record: TracedCall, x: TensorValue, low: float) -> TensorValue:
    """The greater of each number and a bound."""
    bound = lower.apply(make("zero"), record, x)
    bound = lower.apply(make("plus", value=low), record, bound) if low else bound
    return lower.apply(make("max"), record, x, bound)


@operation("Threshold", "threshold")
def threshold(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    given = (
        lower.argument(record, place, name) if m is None else getattr(m, name)
        for place, name in enumerate(("threshold", "value"), 1)
    )
    if any(given):
        raise Gap(" with another threshold or value than 0")
    return lower.apply(make("relu"), record, lower.input(record))


@operation("Softplus", "softplus")
def softplus(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    beta, threshold = (
        lower.argument(record, place, name, usual) if m is None else getattr(m, name)
        for place, (name, usual) in enumerate((("beta", 1.0), ("threshold", 20.0)), 1)
    )
    if threshold != 20:
        raise Gap(" with a `threshold` other than 20")
    return lower.apply(make("softplus", beta=beta), record, lower.input(record))


@operation("GLU", "glu")
def glu(lower: Lowering, record: TracedCall) -> TensorValue:
    x = lower.input(record)
    axis = lower.argument(record, 1, "dim", -1) if record.module is None else record.module.dim
    if axis % (len(x.axes) + 1) != 1 + x.axes.index(0):
        raise Gap(" along an axis other than that of channels")
    return lower.apply(make("glu"), record, x)


@operation(*UNCHANGED)
def same(lower: Lowering, record: TracedCall) -> Any:
    x = lower.argument(record, 0, "input")
    if isinstance(x, AxisSplit) and record.shapes[0] == x.shape:
        return x
    if isinstance(x, AttentionScores) or (isinstance(x, Tied) and record.op in ("to", "type_as")):
        return x  # a parameter as one of the type of a tensor
    x = lower.input(record)
    if record.shapes[0] is not None and record.shapes[0][1:] != x.shape:
        return Repeated(x, record.shapes[0][1:])
    return x


@operation("detach")
def detached(lower: Lowering, record: TracedCall) -> TensorValue:
    raise Gap(": no gradient goes through it, and one goes through all layers")


@operation("zeros_like")
def zeros(lower: Lowering, record: TracedCall) -> TensorValue:
    return lower.apply(make("zero"), record, lower.input(record))


@operation("Dropout", "dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout")
@operation("dropout1d", "dropout2d", "dropout3d", "alpha_dropout")
def dropout(lower: Lowering, record: TracedCall) -> Any:
    x, m = lower.argument(record, 0, "input"), record.module
    p = m.p if m is not None else lower.argument(record, 1, "p", 0.5)
    active = record.training if m is not None else lower.argument(record, 2, "training", True)
    if p == 0 or not active:
        return x
    if isinstance(x, AttentionScores):
        if record.op not in ("dropout", "Dropout"):
            raise Gap(" of attention weights: `dropout` alone drops them one by one")
        if not x.softmax or x.dropout:
            raise Gap(" of attention scores before their softmax, or of weights twice")
        return replace(x, dropout=p)
    x = lower.input(record)
    names = {"Dropout": "dropout", "dropout": "dropout", "AlphaDropout": "alpha_dropout"}
    names["alpha_dropout"] = "alpha_dropout"
    return lower.apply(make(names.get(record.op, "dropout_channels"), p=p), record, x)


@operation("DropPath", "StochasticDepth")
def drop_path(lower: Lowering, record: TracedCall) -> TensorValue:
    """A branch that is dropped for each image; what remains is scaled in training."""
    x, m = lower.input(record), record.module
    if len(record.args) == 2 and hasattr(m, "survive"):  # as archdsl compiles it: a sum always
        branch = lower.input(record, 1)
        how = {"survive": m.survive, "per": m.per, "scaling": m.scaling}
        made = lower.vertex(make("add", **how), [x.vertex, branch.vertex], record)
        made.drop = 1 - m.survive
        return TensorValue(made, x.axes)
    if len(record.args) != 1:
        raise Gap(" of several tensors")
    p = getattr(m, "drop_prob", None) if record.op == "DropPath" else getattr(m, "p", None)
    if not p or not record.training:
        return x
    if getattr(m, "mode", "row") != "row" or not getattr(m, "scale_by_keep", True):
        raise Gap(" that drops whole batches, or does not scale what remains")
    vertex = lower.vertex(make("identity"), [x.vertex], record, drop=float(p))
    return TensorValue(vertex, x.axes)


def _unbordered(lower: Lowering, record: TracedCall, arguments: dict[str, Any]) -> TensorValue:
    """The tensor of a maximum: a border of minus infinity is padding."""
    given = lower.argument(record, 0, "input")
    if not isinstance(given, Bordered):
        return lower.input(record)
    size, axes = given.value.shape[1:], len(given.sides)
    kernel, stride, dilation = (
        per_axis(arguments[key] or arguments["kernel"], axes)
        for key in ("kernel", "stride", "dilation")
    )
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    if any(per_axis(arguments["pad"] or 0, axes)) or arguments["mode"] != "floor":
        return lower.input(record)
    same = list(given.sides) == list(map(same_sides, size, reach, stride))
    if same and (given.moves or set(stride) == {1}):  # a stride of 1 has the same at any size
        arguments["pad"] = SAME
    elif given.moves or not all(a <= k // 2 for (a, _), k in zip(given.sides, kernel, strict=True)):
        return lower.input(record)
    else:
        arguments["pad"] = tuple(a for a, _ in given.sides)
        if any(a != b for a, b in given.sides):
            arguments["mode"] = "ceil"
            if not all(map(_is_ceil, given.sides, reach, stride)):
                return lower.input(record)
    return given.value


def _is_ceil(sides: tuple[int, int], reach: int, stride: int) -> bool:
    """Whether a border is what rounding the number of windows up makes of that on its first side,
    at any size: the windows that this adds begin in the image."""
    low, high = sides
    return high == low + stride - 1 and low + stride <= reach


def _pool(lower: Lowering, record: TracedCall, name: str, **arguments: Any) -> TensorValue:
    x = _unbordered(lower, record, arguments) if name == "maxpool" else lower.input(record)
    if not x.plain:
        raise Gap(" over tensors whose channels are not first")
    axes = len(x.axes) - 1
    for key in ("kernel", "stride", "pad", "dilation"):
        if arguments.get(key) in (None, (), []):
            arguments.pop(key, None)
        elif key in arguments and arguments[key] != SAME:
            arguments[key] = per_axis(arguments[key], axes)
    if arguments.get("stride") == arguments["kernel"]:
        del arguments["stride"]
    return lower.apply(make(name, **arguments), record, x)


@operation("MaxPool1d", "MaxPool2d", "MaxPool3d")
def maxpool_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    rest = {"kernel": m.kernel_size, "stride": m.stride, "pad": m.padding, "dilation": m.dilation}
    return _pool(lower, record, "maxpool", **rest, mode="ceil" if m.ceil_mode else "floor")


@operation("max_pool1d", "max_pool2d", "max_pool3d")
def maxpool_function(lower: Lowering, record: TracedCall) -> TensorValue:
    names = (("kernel", "kernel_size"), ("stride", "stride"), ("pad", "padding"))
    rest = {o: lower.argument(record, i + 1, t) for i, (o, t) in enumerate(names)}
    rest["dilation"] = lower.argument(record, 4, "dilation", 1)
    up = lower.argument(record, 5, "ceil_mode", False)
    return _pool(lower, record, "maxpool", **rest, mode="ceil" if up else "floor")


@operation("AvgPool1d", "AvgPool2d", "AvgPool3d")
def avgpool_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    if getattr(m, "divisor_override", None) is not None:
        raise Gap(" with `divisor_override`")
    return _avgpool(
        lower, record, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad
    )


@operation("avg_pool1d", "avg_pool2d", "avg_pool3d")
def avgpool_function(lower: Lowering, record: TracedCall) -> TensorValue:
    names = (("kernel_size", None), ("stride", None), ("padding", 0), ("ceil_mode", False))
    kernel, stride, pad, up = (
        lower.argument(record, i + 1, name, usual) for i, (name, usual) in enumerate(names)
    )
    counted = lower.argument(record, 5, "count_include_pad", True)
    return _avgpool(lower, record, kernel, stride, pad, up, counted)


def _avgpool(
    lower: Lowering, record: TracedCall, kernel: Any, stride: Any, pad: Any, up: bool, counted: bool
) -> TensorValue:
    padded = any(per_axis(pad or 0, 1))
    rest = {"kernel": kernel, "stride": stride, "pad": pad or None}
    mode = {"mode": "ceil" if up else "floor"}
    # Without padding there is nothing to count, one way or the other.
    return _pool(lower, record, "avgpool", **rest, **mode, count_pad=counted or not padded)


@operation("AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d")
def adaptive_avgpool(lower: Lowering, record: TracedCall) -> TensorValue:
    return _adaptive(lower, record, "avgpool", record.module.output_size)


@operation("AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "AdaptiveMaxPool3d")
def adaptive_maxpool(lower: Lowering, record: TracedCall) -> TensorValue:
    return _adaptive(lower, record, "maxpool", record.module.output_size)


@operation("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def adaptive_avgpool_function(lower: Lowering, record: TracedCall) -> TensorValue:
    return _adaptive(lower, record, "avgpool", lower.argument(record, 1, "output_size"))


@operation("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def adaptive_maxpool_function(lower: Lowering, record: TracedCall) -> TensorValue:
    return _adaptive(lower, record, "maxpool", lower.argument(record, 1, "output_size"))


def _adaptive(lower: Lowering, record: TracedCall, kind: str, size: Any) -> TensorValue:
    x = lower.input(record)
    if not x.plain:
        raise Gap(" over tensors whose channels are not first")
    axes = len(x.axes) - 1
    target = tuple(
        n if n is not None else x.shape[i + 1] for i, n in enumerate(per_axis(size, axes))
    )
    if set(target) == {1}:
        return lower.apply(make(f"global_{kind}"), record, x)
    return lower.apply(make(f"adaptive_{kind}", size=target), record, x)
