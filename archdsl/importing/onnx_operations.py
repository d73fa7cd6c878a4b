"""The operations of ONNX, as functions of PyTorch. Numbers of shapes are arrays of numpy, as they
are computed where tensors have none.

Each takes what comes in by place, and attributes by name. Raises ``Unsupported``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from archdsl.importing.program import BATCHED, Unsupported, expand, reshape

Tensor = torch.Tensor
ONNX: dict[str, Callable[..., Any]] = {}


def named(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Says of which operations a function is."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            ONNX[name] = function
        return function

    return enter


def _sides(
    x: Tensor,
    kernel: Sequence[int],
    pads: Sequence[int] | None,
    how: str,
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[tuple[int, ...], list[int]]:
    """What is padded alike at both sides of each axis; or, as PyTorch pads, at each side."""
    axes = len(kernel)
    before, after = [0] * axes, [0] * axes
    if how in ("SAME_UPPER", "SAME_LOWER"):
        for i, n in enumerate(x.shape[2:]):
            span = dilation[i] * (kernel[i] - 1) + 1
            total = max((-(-n // stride[i]) - 1) * stride[i] + span - n, 0)
            small, large = total // 2, total - total // 2
            before[i], after[i] = (small, large) if how == "SAME_UPPER" else (large, small)
    elif how not in ("VALID", "NOTSET", ""):
        raise Unsupported
    elif pads is not None and how != "VALID":
        before, after = list(pads[:axes]), list(pads[axes:])
    if before == after:
        return tuple(before), []
    return (0,) * axes, [n for b, a in zip(before[::-1], after[::-1], strict=True) for n in (b, a)]


@named("Conv")
def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Any = None,
    pads: Any = None,
    dilations: Any = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
    kernel_shape: Any = None,
) -> Tensor:
    axes = weight.dim() - 2
    if axes not in (1, 2, 3):
        raise Unsupported
    stride, dilation = strides or (1,) * axes, dilations or (1,) * axes
    pad, sides = _sides(x, weight.shape[2:], pads, auto_pad, stride, dilation)
    x = F.pad(x, sides) if sides else x
    function: Callable[..., Tensor] = getattr(F, f"conv{axes}d")
    return function(x, weight, bias, stride, pad, dilation, group)


@named("ConvTranspose")
def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Any = None,
    pads: Any = None,
    dilations: Any = None,
    group: int = 1,
    auto_pad: str = "NOTSET",
    kernel_shape: Any = None,
    output_padding: Any = None,
    output_shape: Any = None,
) -> Tensor:
    axes = weight.dim() - 2
    pads = list(pads or (0,) * 2 * axes)
    if pads[:axes] != pads[axes:] or auto_pad not in ("NOTSET", "") or output_shape is not None:
        raise Unsupported
    ones = (1,) * axes
    function: Callable[..., Tensor] = getattr(F, f"conv_transpose{axes}d")
    rest = (output_padding or (0,) * axes, group, dilations or ones)
    return function(x, weight, bias, strides or ones, pads[:axes], *rest)


def _pooled(kind: str, x: Tensor, kernel: Any, rest: dict[str, Any], **more: Any) -> Tensor:
    axes = len(kernel)
    if rest["storage_order"] or axes != x.dim() - 2:
        raise Unsupported
    stride, dilation = rest["strides"] or (1,) * axes, rest["dilations"] or (1,) * axes
    pad, sides = _sides(x, kernel, rest["pads"], rest["auto_pad"], stride, dilation)
    if sides or (kind == "avg" and set(dilation) != {1}):
        raise Unsupported
    if kind == "max":
        more["dilation"] = dilation
    up = bool(rest["ceil_mode"])
    function: Callable[..., Tensor] = getattr(F, f"{kind}_pool{axes}d")
    return function(x, tuple(kernel), stride, pad, ceil_mode=up, **more)


POOL = {
    "strides": None,
    "pads": None,
    "dilations": None,
    "ceil_mode": 0,
    "auto_pad": "NOTSET",
    "storage_order": 0,
}


@named("MaxPool")
def maxpool(x: Tensor, *, kernel_shape: Any, **given: Any) -> Tensor:
    return _pooled("max", x, kernel_shape, POOL | given)


@named("AveragePool")
def avgpool(x: Tensor, *, kernel_shape: Any, count_include_pad: int = 0, **given: Any) -> Tensor:
    counted = bool(count_include_pad)
    return _pooled("avg", x, kernel_shape, POOL | given, count_include_pad=counted)


@named("GlobalAveragePool")
def global_avgpool(x: Tensor) -> Tensor:
    function: Callable[..., Tensor] = getattr(F, f"adaptive_avg_pool{x.dim() - 2}d")
    return function(x, 1)


@named("GlobalMaxPool")
def global_maxpool(x: Tensor) -> Tensor:
    function: Callable[..., Tensor] = getattr(F, f"adaptive_max_pool{x.dim() - 2}d")
    return function(x, 1)


@named("BatchNormalization")
def batch_norm(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    mean: Tensor,
    variance: Tensor,
    *,
    training: bool = False,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    spatial: int = 1,
) -> Tensor:
    if not spatial:
        raise Unsupported
    return F.batch_norm(x, mean, variance, weight, bias, training, round(1 - momentum, 7), epsilon)


@named("LayerNormalization")
def layer_norm(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Tensor:
    return F.layer_norm(x, tuple(x.shape[axis:]), weight, bias, epsilon)


@named("LRN")
def lrn(x: Tensor, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Any:
    return F.local_response_norm(x, size, alpha, beta, bias)


PLAIN: dict[str, Callable[..., Any]] = {
    "Relu": F.relu,
    "Sigmoid": torch.sigmoid,
    "Tanh": torch.tanh,
    "Softsign": F.softsign,
    "HardSwish": F.hardswish,
    "Mish": F.mish,
    "PRelu": lambda x, slope: F.prelu(x, slope.flatten()),
    "Neg": lambda x: -x,
    "Add": lambda a, b: _number(a) + _number(b),
    "Sub": lambda a, b: _number(a) - _number(b),
    "Mul": lambda a, b: _number(a) * _number(b),
    "MatMul": torch.matmul,
    "Identity": lambda x: x,
    "Celu": lambda x, *, alpha=1.0: F.celu(x, alpha),
    "Elu": lambda x, *, alpha=1.0: F.elu(x, alpha),
    "LeakyRelu": lambda x, *, alpha=0.01: F.leaky_relu(x, round(alpha, 7)),
    "Gelu": lambda x, *, approximate="none": F.gelu(x, approximate=approximate),
    "Softmax": lambda x, *, axis=-1: torch.softmax(x, axis),
    "LogSoftmax": lambda x, *, axis=-1: torch.log_softmax(x, axis),
    "Dropout": lambda x, ratio=None, mode=None, *, seed=None: x,
    "Flatten": lambda x, *, axis=1: torch.flatten(x, axis) if axis == 1 else _raise(),
    "Einsum": lambda *given, equation: torch.einsum(equation, *given),
}
ONNX |= PLAIN


def _raise() -> Any:
    raise Unsupported


def _number(value: Any) -> Any:
    """A value as an operand: what is an array of one number is that number."""
    return value.item() if isinstance(value, np.ndarray) and value.size == 1 else value


@named("Selu")
def selu(x: Tensor, *, alpha: float = 1.67326, gamma: float = 1.0507) -> Tensor:
    if abs(alpha - 1.6732632) > 1e-4 or abs(gamma - 1.0507009) > 1e-4:
        raise Unsupported
    return F.selu(x)


@named("HardSigmoid")
def hard_sigmoid(x: Tensor, *, alpha: float = 0.2, beta: float = 0.5) -> Tensor:
    if abs(alpha - 1 / 6) > 1e-6 or beta != 0.5:
        raise Unsupported
    return F.hardsigmoid(x)


@named("Clip")
def clip(x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    if low is None or high is None:
        raise Unsupported
    return F.hardtanh(x, float(_number(low)), float(_number(high)))


@named("Div")
def divided(a: Any, b: Any) -> Any:
    a, b = _number(a), _number(b)
    if isinstance(a, Tensor) or isinstance(b, Tensor) or isinstance(a, float):
        return a / b
    return a // b


@named("Pow")
def power(x: Any, exponent: Any) -> Any:
    return x ** _number(exponent)


@named("Sum")
def summed(*given: Tensor) -> Tensor:
    total = given[0]
    for one in given[1:]:
        total = total + one
    return total


@named("Max")
def largest(*given: Tensor) -> Tensor:
    if len(given) != 2:
        raise Unsupported
    return torch.maximum(*given)


@named("Gemm")
def gemm(
    a: Tensor,
    b: Tensor,
    c: Any = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Tensor:
    if alpha != 1 or beta != 1 or transA or not transB:
        raise Unsupported
    return F.linear(a, b, c)


def _whole(value: Any) -> list[int]:
    return [int(n) for n in np.asarray(value).reshape(-1)]


def _reshaped(batch: int | None, count: int, x: Any, to: Any, *, allowzero: int = 0) -> Any:
    if isinstance(x, np.ndarray):
        return x.reshape(_whole(to))
    sizes = _whole(to)
    if not allowzero:
        sizes = [x.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    return reshape(batch, count, x, sizes)


def _expanded(batch: int | None, count: int, x: Any, to: Any) -> Any:
    if isinstance(x, np.ndarray):
        return np.broadcast_to(x, _whole(to))
    sizes = _whole(to)
    shape = (1,) * (len(sizes) - x.dim()) + tuple(x.shape)
    sizes = [now if n == 1 else n for n, now in zip(sizes[-len(shape) :], shape, strict=True)]
    return expand(batch, count, x, sizes)


ONNX |= {"Reshape": _reshaped, "Expand": _expanded}
BATCHED |= {_reshaped, _expanded}


@named("Shape")
def shape(x: Any, *, start: int = 0, end: int | None = None) -> Any:
    return np.array(x.shape[start:end], dtype=np.int64)


@named("Cast")
def cast(x: Any, *, to: int, saturate: int = 1) -> Any:
    floats = (1, 10, 11, 16)
    if isinstance(x, Tensor) and to not in floats:
        raise Unsupported
    if isinstance(x, np.ndarray):
        return x.astype(np.float64 if to in floats else np.int64)
    return x


@named("Transpose")
def transposed(x: Any, *, perm: Any = None) -> Any:
    order = list(perm) if perm is not None else list(range(x.ndim))[::-1]
    return x.transpose(order) if isinstance(x, np.ndarray) else x.permute(order)


@named("Squeeze")
def squeezed(x: Any, axes: Any = None) -> Any:
    if isinstance(x, np.ndarray):
        return x.squeeze(None if axes is None else tuple(_whole(axes)))
    if axes is None:
        raise Unsupported
    for axis in sorted((a % x.dim() for a in _whole(axes)), reverse=True):
        x = x.squeeze(axis)
    return x


@named("Unsqueeze")
def unsqueezed(x: Any, axes: Any) -> Any:
    x = x if isinstance(x, Tensor) else np.asarray(x)
    places = _whole(axes)
    rank = x.ndim + len(places)
    for axis in sorted(a % rank for a in places):
        x = np.expand_dims(x, axis) if isinstance(x, np.ndarray) else x.unsqueeze(axis)
    return x


def _joined(batch: int | None, count: int, *given: Any, axis: int) -> Any:
    if not any(isinstance(one, Tensor) for one in given):
        return np.concatenate([np.asarray(one).reshape(-1) for one in given])
    if batch not in (None, count) and any(one.shape[0] == count for one in given):
        # What is the same for each image was written as often as there were images.
        alike = [one.shape[0] == batch for one in given]
        whole = [(count, *one.shape[1:]) for one in given]
        given = tuple(
            one.expand(to) if same and batch == 1 else one
            for one, to, same in zip(given, whole, alike, strict=True)
        )
    return torch.cat(given, axis)


ONNX["Concat"] = _joined
BATCHED.add(_joined)


@named("Split")
def split(x: Tensor, sizes: Any = None, *, axis: int = 0, num_outputs: int = 0) -> Any:
    if sizes is None:
        each = -(-x.shape[axis] // num_outputs) if num_outputs else 0
        if not each:
            raise Unsupported
        return torch.split(x, each, axis)
    return torch.split(x, _whole(sizes), axis)


@named("Slice")
def sliced(x: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    first, last = _whole(starts), _whole(ends)
    over = _whole(axes) if axes is not None else list(range(len(first)))
    step = _whole(steps) if steps is not None else [1] * len(first)
    index: list[slice] = [slice(None)] * x.ndim
    for axis, a, b, s in zip(over, first, last, step, strict=True):
        size = x.shape[axis]
        if s < 1 and not isinstance(x, np.ndarray):
            raise Unsupported
        low, high, _ = slice(a, b, s).indices(size)
        whole = (low, high, s) == (0, size, 1)
        index[axis] = slice(None) if whole else slice(low or None, high if high < size else None, s)
    return x if all(part == slice(None) for part in index) else x[tuple(index)]


@named("Gather")
def gathered(x: Any, index: Any, *, axis: int = 0) -> Any:
    if isinstance(x, np.ndarray):
        return np.asarray(np.take(x, np.asarray(index), axis))
    if isinstance(index, np.ndarray) and index.ndim == 0:
        return torch.select(x, axis, int(index))
    raise Unsupported


@named("Pad")
def padded(
    x: Tensor, pads: Any, value: Any = 0, axes: Any = None, *, mode: str = "constant"
) -> Any:
    sides = _whole(pads)
    over = [a % x.dim() for a in _whole(axes)] if axes is not None else list(range(x.dim()))
    both = {a: (sides[i], sides[i + len(over)]) for i, a in enumerate(over)}
    last = min((a for a, pair in both.items() if any(pair)), default=x.dim())
    flat = [n for a in range(x.dim() - 1, last - 1, -1) for n in both.get(a, (0, 0))]
    how = {"edge": "replicate"}.get(mode, mode)
    if not flat:
        return x
    if how != "constant":
        return F.pad(x, flat, how)
    return F.pad(x, flat, how, float(_number(value) or 0))


@named("Resize")
def resized(
    x: Tensor,
    roi: Any = None,
    scales: Any = None,
    sizes: Any = None,
    *,
    mode: str = "nearest",
    coordinate_transformation_mode: str = "half_pixel",
    nearest_mode: str = "round_prefer_floor",
    cubic_coeff_a: float = -0.75,
    **more: Any,
) -> Tensor:
    where, corners = coordinate_transformation_mode, None
    if more.get("antialias") or more.get("axes") or more.get("exclude_outside"):
        raise Unsupported
    if mode == "nearest" and (where, nearest_mode) != ("asymmetric", "floor"):
        raise Unsupported
    if mode != "nearest":
        if where not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
            raise Unsupported
        corners = where == "align_corners"
    kinds = {"linear": {3: "linear", 4: "bilinear"}, "cubic": {4: "bicubic"}}
    how = "nearest" if mode == "nearest" else kinds.get(mode, {}).get(x.dim())
    if how is None or cubic_coeff_a != -0.75:
        raise Unsupported
    if sizes is not None and np.asarray(sizes).size:
        return F.interpolate(x, _whole(sizes)[2:], None, how, corners)
    factors = [float(n) for n in np.asarray(scales).reshape(-1)][2:]
    return F.interpolate(x, None, factors, how, corners)


@named("DepthToSpace")
def depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    if mode != "CRD":
        raise Unsupported
    return F.pixel_shuffle(x, blocksize)


@named("ReduceMean")
def mean(
    x: Tensor, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> Tensor:
    if axes is None:
        raise Unsupported
    return torch.mean(x, _whole(axes), bool(keepdims))


@named("ReduceMax")
def largest_of(
    x: Tensor, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> Tensor:
    if axes is None:
        raise Unsupported
    return torch.amax(x, _whole(axes), bool(keepdims))


@named("ConstantOfShape")
def filled(to: Any, *, value: Any = None) -> Any:
    sizes = _whole(to)
    if prod(sizes) > 1 << 16:
        raise Unsupported
    number = 0 if value is None else np.asarray(value).reshape(-1)[0]
    return np.full(sizes, number)
