"""The operations of ONNX, as functions of PyTorch. Numbers of shapes are arrays of numpy, as they
are computed where tensors have none.

Each takes what comes in by place, and attributes by name. Raises ``Unsupported``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from archdsl.importing.file_module import Unsupported

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
    "Softplus": F.softplus,
    "Softsign": F.softsign,
    "HardSwish": F.hardswish,
    "Mish": F.mish,
    "PRelu": lambda x, slope: F.prelu(x, slope.flatten()),
    "Neg": lambda x: -x,
    "Add": lambda a, b: number(a) + number(b),
    "Sub": lambda a, b: number(a) - number(b),
    "Mul": lambda a, b: number(a) * number(b),
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


def number(value: Any) -> Any:
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
    bounds = [None if bound is None else float(number(bound)) for bound in (low, high)]
    if bounds == [None, None]:
        return x
    return torch.clamp(x, *bounds)


@named("Div")
def divided(a: Any, b: Any) -> Any:
    a, b = number(a), number(b)
    if isinstance(a, Tensor) or isinstance(b, Tensor) or isinstance(a, float):
        return a / b
    return a // b


@named("Pow")
def power(x: Any, exponent: Any) -> Any:
    x = x if isinstance(x, Tensor) else np.asarray(x)  # of 64 bits, and no more
    return x ** number(exponent)


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


def integers(value: Any) -> list[int]:
    return [int(n) for n in np.asarray(value).reshape(-1)]


@named("ReduceMean")
def mean(
    x: Tensor, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> Tensor:
    if axes is None:
        raise Unsupported
    return torch.mean(x, integers(axes), bool(keepdims))


@named("ReduceMax")
def largest_of(
    x: Tensor, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
) -> Tensor:
    if axes is None:
        raise Unsupported
    return torch.amax(x, integers(axes), bool(keepdims))
