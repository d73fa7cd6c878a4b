"""Layers with weights: convolutions, linear layers, normalisation, learned factors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from archdsl.importing.cut import AxisSplit
from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Tied, TracedCall
from archdsl.importing.special import is_same, is_standardized
from archdsl.importing.values import Computed, TensorValue


def per_axis(value: Any, axes: int) -> tuple[int, ...]:
    """One number for each axis."""
    if isinstance(value, (tuple, list)):
        return tuple(value) * axes if len(value) == 1 else tuple(value)
    return (value,) * axes


def weight_of(value: Any) -> Tied | None:
    """A parameter, or none. Raises ``Gap`` for one that is computed."""
    if isinstance(value, Tied) and value.turned:
        raise Gap(" with weights whose axes were permuted")
    if value is None or isinstance(value, Tied):
        return value
    if isinstance(value, Computed) and value.constant:
        raise Gap(" with fixed numbers: a filter that is not learned")
    if isinstance(value, Computed) and value.by:
        raise Gap(f" with weights that {value.by}")
    raise Gap(" with weights that are computed from others: a layer has parameters of its own")


def _conv(
    lower: Lowering,
    record: TracedCall,
    weights: dict[str, Tied],
    rest: dict[str, Any],
    name: str = "conv",
) -> TensorValue:
    x = lower.plain(lower.input(record), record)
    weight = weights["weight"].shape
    axes = len(weight) - 2
    if len(x.axes) != axes + 1:
        raise Gap(" of an image without a batch axis")
    kernel = weight[2:]
    dilation = per_axis(rest["dilation"], axes)
    pad: Any = rest["pad"]
    spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if pad == "same" and (per_axis(rest["stride"], axes) == (1,) * axes):
        even = all(span % 2 == 0 for span in spans)
        pad = tuple(span // 2 for span in spans) if even else pad
    pad = (0,) * axes if pad == "valid" else pad if pad == "same" else per_axis(pad, axes)
    usual = all(k % 2 for k in kernel) and pad == tuple(span // 2 for span in spans)
    layer = make(
        name,
        channels=weight[0],
        kernel=kernel,
        stride=per_axis(rest["stride"], axes),
        dilation=dilation,
        groups=rest["groups"],
        bias="bias" in weights,
        border=rest.get("border", "zeros"),
        **({} if usual else {"pad": pad}),
        **rest.get("more", {}),
    )
    fixed = "weight" in rest.get("more", {})
    learned = {name: tied for name, tied in weights.items() if not (fixed and name == "weight")}
    return lower.apply(layer, record, x, weights=learned)


@operation("Conv1d", "Conv2d", "Conv3d")
def conv_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    rest = {"stride": m.stride, "pad": m.padding, "dilation": m.dilation, "groups": m.groups}
    rest["border"] = m.padding_mode
    return _conv(lower, record, lower.tied(record, weight=m.weight, bias=m.bias), rest)


def _numbers(weight: Tied) -> tuple[float, ...]:
    """The numbers of a fixed filter: of one, where all are alike. Raises ``Gap``."""
    tensor = weight.tensor
    if tensor is None or tensor.is_meta or len(tensor.shape) != len(weight.shape):
        raise Gap(" with fixed numbers that are not known: make the model with its numbers")
    if tensor.shape[1:] != weight.shape[1:]:
        raise Gap(" with fixed numbers that are repeated")
    found = tensor.double()
    alike = bool((found == found[:1]).all())
    if not alike and found.shape != weight.shape:
        raise Gap(" with fixed numbers that are repeated")
    return tuple((found[:1] if alike else found).flatten().tolist())


@operation("of convolution")
def special_module(lower: Lowering, record: TracedCall) -> TensorValue:
    """Convolutions padded as TensorFlow does, or with standardised filters: timm's and our own."""
    m, name = record.module, "conv"
    more: dict[str, Any] = {}
    rest = {"stride": m.stride, "dilation": m.dilation, "groups": m.groups, "more": more}
    rest["border"] = m.padding_mode
    rest["pad"] = "same" if is_same(m) else m.padding
    tensors = {"weight": m.weight, "bias": m.bias}
    if is_standardized(m):
        name, more["eps"] = "std_conv", m.eps
        if getattr(m, "gain", None) is not None:
            tensors["gain"] = m.gain
            more["gain"] = float(f"{m.scale * m.weight[0].numel() ** 0.5:.12g}")
    elif not isinstance(m.weight, nn.Parameter):
        raise Gap(" with fixed weights")
    return _conv(lower, record, lower.tied(record, **tensors), rest, name)


@operation("conv1d", "conv2d", "conv3d")
def conv_function(lower: Lowering, record: TracedCall) -> TensorValue:
    weight = weight_of(lower.argument(record, 1, "weight"))
    bias = weight_of(lower.argument(record, 2, "bias"))
    if weight is None:
        raise Gap(" without weights")
    names = ("stride", "pad", "dilation", "groups")
    keys = zip(names, ("stride", "padding", "dilation", "groups"), (1, 0, 1, 1), strict=True)
    rest = {n: lower.argument(record, i + 3, k, u) for i, (n, k, u) in enumerate(keys)}
    if not weight.trained:
        rest["more"] = {"weight": _numbers(weight)}
    weights = {"weight": weight} | ({} if bias is None else {"bias": bias})
    return _conv(lower, record, weights, rest)


def _conv_transpose(
    lower: Lowering, record: TracedCall, weights: dict[str, Tied], rest: dict[str, Any]
) -> TensorValue:
    x, weight = lower.plain(lower.input(record), record), weights["weight"].shape
    axes = len(weight) - 2
    if len(x.axes) != axes + 1:
        raise Gap(" of an image without a batch axis")
    layer = make(
        "conv_transpose",
        channels=weight[1] * rest["groups"],
        kernel=weight[2:],
        groups=rest["groups"],
        bias="bias" in weights,
        **{k: per_axis(rest[k], axes) for k in ("stride", "pad", "output_pad", "dilation")},
    )
    return lower.apply(layer, record, x, weights=weights)


@operation("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d")
def conv_transpose(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    if m.padding_mode != "zeros":
        raise Gap(f" with padding_mode = {m.padding_mode!r}")
    rest = {"stride": m.stride, "pad": m.padding, "output_pad": m.output_padding}
    rest |= {"groups": m.groups, "dilation": m.dilation}
    return _conv_transpose(lower, record, lower.tied(record, weight=m.weight, bias=m.bias), rest)


@operation("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose_function(lower: Lowering, record: TracedCall) -> TensorValue:
    weight = weight_of(lower.argument(record, 1, "weight"))
    bias = weight_of(lower.argument(record, 2, "bias"))
    if weight is None:
        raise Gap(" without weights")
    names = ("stride", "pad", "output_pad", "groups", "dilation")
    theirs = ("stride", "padding", "output_padding", "groups", "dilation")
    keys = zip(names, theirs, (1, 0, 0, 1, 1), strict=True)
    rest = {n: lower.argument(record, i + 3, k, u) for i, (n, k, u) in enumerate(keys)}
    weights = {"weight": weight} | ({} if bias is None else {"bias": bias})
    return _conv_transpose(lower, record, weights, rest)


def turned_linear(
    lower: Lowering, record: TracedCall, place: int, turned: Tied, bias: Tied | None
) -> TensorValue | AxisSplit:
    """A linear layer of ``(in, out)`` weights, of the argument at ``place``."""
    flipped, shape = not turned.turned, turned.shape[::-1]
    weight = replace(turned, shape=shape, turned=False, flipped=flipped)
    shift = {} if bias is None else {"bias": bias}
    return _linear(lower, record, {"weight": weight} | shift, place)


def _linear(
    lower: Lowering, record: TracedCall, weights: dict[str, Tied], place: int = 0
) -> TensorValue | AxisSplit:
    features, bias = weights["weight"].shape[0], "bias" in weights
    x = lower.argument(record, place, "input")
    x = lower.input(record, place)
    if len(x.axes) == 1:
        return lower.apply(make("linear", features=features, bias=bias), record, x, weights=weights)
    if x.axes[-1] != 0 and len(x.axes) != 2:
        raise Gap(" over a spatial axis")
    x = x if x.axes[-1] == 0 else lower.turned(x, record)
    return linear_over_channels(lower, record, x, weights)


def linear_over_channels(
    lower: Lowering, record: TracedCall, x: TensorValue, weights: dict[str, Tied]
) -> TensorValue:
    """A linear layer of each pixel: a convolution of size 1."""
    layer = make("conv", channels=weights["weight"].shape[0], kernel=1, bias="bias" in weights)
    return TensorValue(lower.vertex(layer, [x.vertex], record, weights=weights), x.axes)


@operation("Linear", "NonDynamicallyQuantizableLinear")
def linear_module(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    m = record.module
    return _linear(lower, record, lower.tied(record, weight=m.weight, bias=m.bias))


@operation("linear")
def linear_function(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    weight = weight_of(lower.argument(record, 1, "weight"))
    bias = weight_of(lower.argument(record, 2, "bias"))
    if weight is None or len(weight.shape) != 2:
        raise Gap(" without weights")
    weights = {"weight": weight} | ({} if bias is None else {"bias": bias})
    return _linear(lower, record, weights)


def _shift(module: Any) -> dict[str, bool]:
    """What says that a normalisation has a scale alone."""
    return {"bias": False} if module.affine and module.bias is None else {}


@operation("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
def batch_norm_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m, x = record.module, lower.input(record)
    if m.momentum is None:
        raise Gap(" with momentum = None, a mean of all batches")
    tensors = {"weight": m.weight, "bias": m.bias}
    tensors |= {"running_mean": m.running_mean, "running_var": m.running_var}
    tensors |= {"num_batches_tracked": m.num_batches_tracked}
    layer = make(
        "bn",
        eps=m.eps,
        momentum=m.momentum,
        affine=m.affine,
        track=m.track_running_stats,
        **_shift(m),
    )
    return lower.apply(layer, record, lower.plain(x, record), weights=lower.tied(record, **tensors))


@operation("batch_norm")
def batch_norm_function(lower: Lowering, record: TracedCall) -> TensorValue:
    names = ("running_mean", "running_var", "weight", "bias")
    found = {n: weight_of(lower.argument(record, i + 1, n)) for i, n in enumerate(names)}
    weights = {name: tied for name, tied in found.items() if tied is not None}
    layer = make(
        "bn",
        eps=lower.argument(record, 7, "eps", 1e-5),
        momentum=lower.argument(record, 6, "momentum", 0.1),
        affine="weight" in weights,
        track="running_mean" in weights,
    )
    return lower.apply(layer, record, lower.plain(lower.input(record), record), weights=weights)


@operation("GroupNorm")
def group_norm_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m, x = record.module, lower.plain(lower.input(record), record)
    layer = make("group_norm", groups=m.num_groups, eps=m.eps, affine=m.affine, **_shift(m))
    return lower.apply(layer, record, x, weights=lower.tied(record, weight=m.weight, bias=m.bias))


@operation("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")
def instance_norm_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m, x = record.module, lower.plain(lower.input(record), record)
    if m.track_running_stats:
        raise Gap(" with `track_running_stats`")
    layer = make("instance_norm", eps=m.eps, affine=m.affine, **_shift(m))
    return lower.apply(layer, record, x, weights=lower.tied(record, weight=m.weight, bias=m.bias))


@operation("group_norm")
def group_norm_function(lower: Lowering, record: TracedCall) -> TensorValue:
    weight = weight_of(lower.argument(record, 2, "weight"))
    bias = weight_of(lower.argument(record, 3, "bias"))
    if weight is None and bias is not None:
        raise Gap(" with a bias and no weight")
    groups, eps = lower.argument(record, 1, "num_groups"), lower.argument(record, 4, "eps", 1e-5)
    shift = {"bias": False} if weight is not None and bias is None else {}
    layer = make("group_norm", groups=groups, eps=eps, affine=weight is not None, **shift)
    found = {"weight": weight, "bias": bias}
    weights = {name: tied for name, tied in found.items() if tied is not None}
    return lower.apply(layer, record, lower.plain(lower.input(record), record), weights=weights)


def _layer_norm(
    lower: Lowering, record: TracedCall, shape: Any, eps: float, weights: dict[str, Tied]
) -> TensorValue:
    x, shape = lower.input(record), per_axis(shape, 1)
    if set(weights) == {"bias"}:
        raise Gap(" with a bias and no weight")
    arguments: dict[str, Any] = {"eps": eps, "affine": bool(weights)}
    if set(weights) == {"weight"}:
        arguments["bias"] = False
    if len(shape) == 1 and x.axes[-1] == 0:
        over = {"over": "channels"} if len(x.axes) > 1 else {}
        return lower.apply(make("layer_norm", **arguments, **over), record, x, weights=weights)
    if len(shape) == 1 and len(x.axes) == 2:
        layer = make("layer_norm", **arguments, over="channels")
        return lower.apply(layer, record, lower.turned(x, record), weights=weights)
    if tuple(shape) == x.shape and x.plain:
        return lower.apply(make("layer_norm", **arguments), record, x, weights=weights)
    raise Gap(" over a spatial axis")


@operation("LayerNorm")
def layer_norm_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    weights = lower.tied(record, weight=m.weight, bias=m.bias)
    return _layer_norm(lower, record, m.normalized_shape, m.eps, weights)


@operation("layer_norm")
def layer_norm_function(lower: Lowering, record: TracedCall) -> TensorValue:
    found = {
        "weight": weight_of(lower.argument(record, 2, "weight")),
        "bias": weight_of(lower.argument(record, 3, "bias")),
    }
    weights = {name: tied for name, tied in found.items() if tied is not None}
    eps = lower.argument(record, 4, "eps", 1e-5)
    return _layer_norm(lower, record, lower.argument(record, 1, "normalized_shape"), eps, weights)


@operation("PReLU")
def prelu(lower: Lowering, record: TracedCall) -> TensorValue:
    m, x = record.module, lower.plain(lower.input(record), record)
    one = m.num_parameters == 1 and x.vertex.shape[0] != 1
    layer = make("prelu", shared=one)
    return lower.apply(layer, record, x, weights=lower.tied(record, weight=m.weight))


@operation("prelu")
def prelu_function(lower: Lowering, record: TracedCall) -> TensorValue:
    weight = weight_of(lower.argument(record, 1, "weight"))
    x = lower.plain(lower.input(record), record)
    if weight is None:
        raise Gap(" without weights")
    one = weight.shape[-1:] in ((), (1,)) and x.vertex.shape[0] != 1
    return lower.apply(make("prelu", shared=one), record, x, weights={"weight": weight})


@operation("GlobalResponseNorm")
def global_response_norm(lower: Lowering, record: TracedCall) -> TensorValue:
    """Timm's module."""
    m, x = record.module, lower.input(record)
    if len(x.axes) != 3 or x.axes[m.channel_dim - (m.channel_dim > 0)] != 0:
        raise Gap(" over a spatial axis")
    weights = lower.tied(record, weight=m.weight, bias=m.bias)
    return lower.apply(make("grn", eps=m.eps), record, x, weights=weights)
