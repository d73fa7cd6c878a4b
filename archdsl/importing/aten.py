"""The operations of a program of ``torch.export``, as the functions of PyTorch that compute them.

Only what stands here is ever called: a name in a file reaches no other function."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from archdsl.importing.file_module import Training, expand, reshape

Function = Callable[..., Any]
# Of one name and one order of arguments in ATen, in `torch` and in `torch.nn.functional`.
OF_TORCH = """
abs add amax bmm cat channel_shuffle chunk clamp clamp_max clamp_min clone conv1d conv2d conv3d
conv_transpose1d conv_transpose2d conv_transpose3d detach div einsum flatten log_softmax matmul
maximum mean movedim mul narrow neg permute pixel_shuffle pixel_unshuffle pow prelu reciprocal relu
rms_norm roll rsqrt rsub select selu sigmoid softmax split split_with_sizes sqrt square squeeze sub
swapaxes t tanh transpose unbind unflatten unsqueeze var var_mean
""".split()
OF_FUNCTIONAL = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d alpha_dropout avg_pool1d avg_pool2d
avg_pool3d celu dropout gelu glu hardsigmoid hardswish hardtanh leaky_relu linear max_pool1d
max_pool2d max_pool3d mish pad relu6 scaled_dot_product_attention silu softplus softsign
""".split()
IN_PLACE = "celu hardsigmoid hardswish hardtanh leaky_relu mish relu relu6 selu silu".split()
CHANGED = "add div mul neg sigmoid sub tanh".split()  # methods of a tensor that change it


def _elu(x: torch.Tensor, alpha: float = 1.0, scale: float = 1.0, inner: float = 1.0) -> Any:
    if (scale, inner) != (1, 1):
        raise ValueError("`elu` with factors")
    return F.elu(x, alpha)


def _batch_norm(
    x: torch.Tensor,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *_: Any,
) -> torch.Tensor:
    return F.batch_norm(x, mean, variance, weight, bias, training, momentum, eps)


def _batch_norm_alone(
    x: torch.Tensor,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    momentum: float,
    eps: float,
    training: bool,
) -> tuple[Any, ...]:
    return F.batch_norm(x, mean, variance, weight, bias, training, momentum, eps), None, None


def _layer_norm(x: Any, shape: Any, weight: Any = None, bias: Any = None, *rest: Any) -> Any:
    return F.layer_norm(x, shape, weight, bias, *rest[:1])


def _native_layer_norm(x: Any, shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    return F.layer_norm(x, shape, weight, bias, eps), None, None


def _group_norm(x: Any, groups: int, weight: Any = None, bias: Any = None, *rest: Any) -> Any:
    return F.group_norm(x, groups, weight, bias, *rest[:1])


def _first(function: Function) -> Function:
    """Of operations that give places, too."""
    return lambda *args, **kwargs: (function(*args, **kwargs), None)


def _range(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    first, last, _ = slice(start, end, step).indices(x.shape[dim])
    if (first, last, step) == (0, x.shape[dim], 1):
        return x
    whole = (slice(None),) * (dim % x.dim())
    return x[(*whole, slice(start if first else None, end if last < x.shape[dim] else None, step))]


def _nearest(x: Any, size: Any = None, scale: Any = None, *_: Any) -> Any:
    return F.interpolate(x, size, None if size is not None else scale, "nearest")


def _smooth(mode: str) -> Function:
    def resized(x: Any, size: Any, corners: bool, scale: Any = None, *_: Any) -> Any:
        scale = None if size is not None or not isinstance(scale, (tuple, list)) else scale
        return F.interpolate(x, size, scale, mode, corners)

    return resized


def _convolution(
    x: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    axes = len(stride)
    if transposed:
        up = getattr(F, f"conv_transpose{axes}d")
        return up(x, weight, bias, stride, padding, output_padding, groups, dilation)
    return getattr(F, f"conv{axes}d")(x, weight, bias, stride, padding, dilation, groups)


def _same(x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return x


def _size(x: torch.Tensor, dim: int) -> int:
    return x.shape[dim]


ATEN: dict[str, Function] = {
    **{name: getattr(torch, name) for name in OF_TORCH},
    **{name: getattr(F, name) for name in OF_FUNCTIONAL},
    **{f"{name}_": getattr(torch.Tensor, f"{name}_") for name in CHANGED},
    "elu": _elu,
    "batch_norm": _batch_norm,
    "_native_batch_norm_legit_no_training": _batch_norm_alone,
    "layer_norm": _layer_norm,
    "native_layer_norm": _native_layer_norm,
    "group_norm": _group_norm,
    "max_pool2d_with_indices": _first(F.max_pool2d),
    "adaptive_max_pool1d": _first(F.adaptive_max_pool1d),
    "adaptive_max_pool2d": _first(F.adaptive_max_pool2d),
    "adaptive_max_pool3d": _first(F.adaptive_max_pool3d),
    "feature_dropout": F.dropout2d,
    "slice": _range,
    "constant_pad_nd": lambda x, pad, value=0: F.pad(x, pad, "constant", value),
    "upsample_nearest1d": _nearest,
    "upsample_nearest2d": _nearest,
    "upsample_nearest3d": _nearest,
    "upsample_linear1d": _smooth("linear"),
    "upsample_bilinear2d": _smooth("bilinear"),
    "upsample_bicubic2d": _smooth("bicubic"),
    "convolution": _convolution,
    "_softmax": lambda x, dim, _: torch.softmax(x, dim),
    "_log_softmax": lambda x, dim, _: torch.log_softmax(x, dim),
    "view": reshape,
    "reshape": reshape,
    "_unsafe_view": reshape,
    "expand": expand,
    "expand_as": lambda x, other: x.expand_as(other),
    "view_as": lambda x, other: x.view_as(other),
    "contiguous": torch.Tensor.contiguous,
    "alias": _same,
    "mT": lambda x: x.mT,
    "sym_size": _size,
    "mm": torch.matmul,
}
for _name in (*IN_PLACE, "dropout"):
    ATEN[f"{_name}_"] = partial(getattr(F, _name), inplace=True)
# Operations that no layer computes, which a program that is only run may have.
RUN = frozenset(
    """
_assert_tensor_metadata _to_copy addmm arange argmax baddbmm bitwise_not ceil clamp clamp_max
clamp_min copy cos cumsum embedding eq erf exp flip floor floor_divide full full_like gather ge gt
hardshrink im2col index index_select instance_norm le lift_fresh_copy linalg_vector_norm log log2
log_sigmoid logical_and logical_not logical_or logsumexp lt masked_fill max min minimum
native_group_norm ne new_full new_ones new_zeros ones ones_like reciprocal remainder repeat
repeat_interleave round rsqrt scalar_tensor scatter sin sqrt stack std sum threshold tile
to tril triu var where zeros zeros_like
""".split()
)
SYMBOLS: dict[str, Function] = {
    f"_operator.{name}": getattr(operator, name)
    for name in ("add", "sub", "mul", "floordiv", "mod", "neg")
}
# The place of the argument that says whether it runs in training.
TRAINS = {"batch_norm": 5, "dropout": 2, "dropout_": 2, "feature_dropout": 2, "alpha_dropout": 2}
ADDED = {"_native_batch_norm_legit_no_training"}  # whose functions take it as their last


def function_of(
    target: str, args: tuple[Any, ...], run: bool = False
) -> tuple[Function | None, tuple[Any, ...]]:
    """What computes an operation, and its arguments; nothing where none here does. ``run``: the
    operation itself, where it changes nothing, also of those that no layer computes."""
    if target in SYMBOLS:
        return SYMBOLS[target], args
    *package, name, overload = target.split(".") if target.count(".") == 4 else [target, "", ""]
    if package != ["torch", "ops", "aten"]:
        return None, args
    if run and (name in ATEN or name in RUN):
        found = getattr(torch.ops.aten, name, None)
        if found is not None and overload in found.overloads():
            operation = getattr(found, overload)
            if not operation._schema.is_mutable:
                return operation, args
    if name in TRAINS and len(args) > TRAINS[name]:
        at = TRAINS[name]
        args = (*args[:at], Training, *args[at + 1 :])
    if name in ADDED:
        args = (*args, Training)
    return ATEN.get(name), args
