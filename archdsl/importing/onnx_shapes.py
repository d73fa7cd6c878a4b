"""The operations of ONNX that move and cut tensors, and those that count with their shapes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from archdsl.importing.file_module import BATCHED, Unsupported, expand, reshape
from archdsl.importing.onnx_operations import ONNX, Tensor, integers, named, number

MOST = 1 << 16  # numbers that are filled in


def _reshaped(batch: int | None, count: int, x: Any, to: Any, *, allowzero: int = 0) -> Any:
    if isinstance(x, np.ndarray):
        return x.reshape(integers(to))
    sizes = integers(to)
    if not allowzero:
        sizes = [x.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    return reshape(batch, count, x, sizes)


def _expanded(batch: int | None, count: int, x: Any, to: Any) -> Any:
    sizes = integers(to)
    if not isinstance(x, Tensor):
        if prod(sizes) > MOST:
            raise Unsupported
        return np.broadcast_to(np.asarray(x), sizes)
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
        return x.squeeze(None if axes is None else tuple(integers(axes)))
    if axes is None:
        raise Unsupported
    for axis in sorted((a % x.dim() for a in integers(axes)), reverse=True):
        x = x.squeeze(axis)
    return x


@named("Unsqueeze")
def unsqueezed(x: Any, axes: Any) -> Any:
    x = x if isinstance(x, Tensor) else np.asarray(x)
    places = integers(axes)
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
    return torch.split(x, integers(sizes), axis)


@named("Slice")
def sliced(x: Any, starts: Any, ends: Any, axes: Any = None, steps: Any = None) -> Any:
    first, last = integers(starts), integers(ends)
    over = integers(axes) if axes is not None else list(range(len(first)))
    step = integers(steps) if steps is not None else [1] * len(first)
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
    sides = integers(pads)
    over = [a % x.dim() for a in integers(axes)] if axes is not None else list(range(x.dim()))
    both = {a: (sides[i], sides[i + len(over)]) for i, a in enumerate(over)}
    last = min((a for a, pair in both.items() if any(pair)), default=x.dim())
    flat = [n for a in range(x.dim() - 1, last - 1, -1) for n in both.get(a, (0, 0))]
    how = {"edge": "replicate"}.get(mode, mode)
    if not flat:
        return x
    if how != "constant":
        return F.pad(x, flat, how)
    return F.pad(x, flat, how, float(number(value) or 0))


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
        return F.interpolate(x, integers(sizes)[2:], None, how, corners)
    factors = [float(n) for n in np.asarray(scales).reshape(-1)][2:]
    return F.interpolate(x, None, factors, how, corners)


@named("DepthToSpace")
def depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    if mode != "CRD":
        raise Unsupported
    return F.pixel_shuffle(x, blocksize)


@named("ConstantOfShape")
def filled(to: Any, *, value: Any = None) -> Any:
    sizes = integers(to)
    if prod(sizes) > MOST:
        raise Unsupported
    number = 0 if value is None else np.asarray(value).reshape(-1)[0]
    return np.full(sizes, number)
