"""Layers that move things: reshapes, joins of channels, slices, padding, resampling."""

from __future__ import annotations

from typing import Any

from archdsl.importing.lower import Gap, Lowering, Value, make, operation
from archdsl.importing.record import Record


def _identity(rank: int) -> tuple[int, ...]:
    return tuple(range(rank))


@operation("flatten", "Flatten", "view", "reshape", "unsqueeze", "squeeze", "Unflatten")
@operation("unflatten", "reshape_as", "view_as")
def reshaped(lower: Lowering, record: Record) -> Value:
    x, whole = lower.input(record), record.shapes[0]
    if whole is None or len(whole) < 2 or whole[0] != lower.batch:
        raise Gap(" that mixes the images of a batch, or leaves no axis of channels")
    to, now = whole[1:], x.shape
    if to == now:
        return x
    vertex = x.vertex
    if x.plain:
        if len(to) == 1:
            return lower.apply(make("flatten"), record, x, axes=(0,))
        if len(to) == 2 and len(now) > 2 and to[0] == now[0]:
            return lower.apply(make("flatten_space"), record, x, axes=(0, 1))
        return lower.apply(make("reshape", to=to), record, x, axes=_identity(len(to)))
    if len(to) == 1 and sum(n != 1 for n in now) <= 1:
        return lower.apply(make("flatten"), record, x, axes=(0,))
    last = x.axes == (*range(1, len(now)), 0)
    if last and to[-1] == now[-1]:
        moved = (to[-1], *to[:-1])
        tokens = len(to) == 2 and len(now) > 2
        layer = make("flatten_space") if tokens else make("reshape", to=moved)
        return lower.apply(layer, record, x, axes=(*range(1, len(to)), 0))
    dealt = x.axes == (1, 0, *range(2, len(now))) and vertex.op == "reshape"
    if dealt and to == (now[0] * now[1], *now[2:]) and vertex.inputs[0].shape == to:
        source = Value(vertex.inputs[0], _identity(len(to)))
        return lower.apply(make("channel_shuffle", groups=vertex.shape[0]), record, source)
    raise Gap(" of a tensor whose axes were moved")


def _permuted(x: Value, order: list[int]) -> Value:
    if order[0] != 0:
        raise Gap(" that moves the batch")
    return Value(x.vertex, tuple(x.axes[axis - 1] for axis in order[1:]))


@operation("permute")
def permuted(lower: Lowering, record: Record) -> Value:
    x = lower.input(record)
    order = record.args[1] if isinstance(record.args[1], tuple) else record.args[1:]
    return _permuted(x, [axis % (len(x.axes) + 1) for axis in order])


@operation("Permute")
def permuted_module(lower: Lowering, record: Record) -> Value:
    return _permuted(lower.input(record), list(record.module.dims))


@operation("transpose", "swapaxes")
def transposed(lower: Lowering, record: Record) -> Value:
    x = lower.input(record)
    order = list(range(len(x.axes) + 1))
    a, b = lower.argument(record, 1, "dim0"), lower.argument(record, 2, "dim1")
    order[a], order[b] = order[b], order[a]
    return _permuted(x, order)


@operation("movedim", "moveaxis")
def moved(lower: Lowering, record: Record) -> Value:
    x = lower.input(record)
    rank = len(x.axes) + 1
    source, to = lower.argument(record, 1, "source"), lower.argument(record, 2, "destination")
    if not isinstance(source, int) or not isinstance(to, int):
        raise Gap(" of several axes")
    order = [axis for axis in range(rank) if axis != source % rank]
    order.insert(to % rank, source % rank)
    return _permuted(x, order)


@operation("cat", "concat", "concatenate")
def concatenated(lower: Lowering, record: Record) -> Value:
    values = [lower.value(item) for item in lower.argument(record, 0, "tensors")]
    axis = lower.argument(record, 1, "dim", 0)
    if not all(isinstance(value, Value) for value in values):
        raise Gap(" with a parameter")
    if len(values) == 1:
        return values[0]  # type: ignore[no-any-return]
    first = values[0]
    if any(value.axes != first.axes for value in values):
        raise Gap(" of tensors whose axes are in different orders")
    axis %= len(first.axes) + 1
    if axis == 0 or first.axes[axis - 1] != 0:
        raise Gap(" along the batch" if axis == 0 else " along a spatial axis")
    return lower.apply(make("concat"), record, *values)


def _part(lower: Lowering, record: Record, x: Value, first: int, size: int) -> Value:
    channels = x.vertex.shape[0]
    if size == channels:
        return x
    if channels % size == 0 and first % size == 0:
        layer = make("split", parts=channels // size, part=first // size + 1)
    else:
        layer = make("slice", first=first + 1, last=first + size)
    return Value(lower.vertex(layer, [x.vertex], record), x.axes)


@operation("chunk", "split", "split_with_sizes", "tensor_split")
def parts(lower: Lowering, record: Record) -> list[Value]:
    x = lower.input(record, name="tensor" if record.op == "split" else "input")
    axis = lower.argument(record, 2, "dim", 0) % (len(x.axes) + 1)
    if axis == 0 or x.axes[axis - 1] != 0:
        raise Gap(" along the batch" if axis == 0 else " along a spatial axis")
    found, at = [], 0
    for shape in record.shapes:
        size = (shape or ())[axis]
        found.append(_part(lower, record, x, at, size))
        at += size
    return found


@operation("narrow")
def narrowed(lower: Lowering, record: Record) -> Value:
    x = lower.input(record)
    axis, first, size = (lower.argument(record, i + 1, n) for i, n in enumerate(NARROW))
    if axis == 0 or x.axes[axis % (len(x.axes) + 1) - 1] != 0:
        raise Gap(" of a spatial axis")
    return _part(lower, record, x, first, size)


NARROW = ("dim", "start", "length")


@operation("getitem", "__getitem__")
def indexed(lower: Lowering, record: Record) -> Value:
    x, index = lower.input(record), record.args[1]
    index = index if isinstance(index, tuple) else (index,)
    rank, shape = len(x.axes) + 1, x.shape
    if any(item is Ellipsis for item in index):
        at = index.index(Ellipsis)
        index = (*index[:at], *[slice(None)] * (rank - len(index) + 1), *index[at + 1 :])
    if any(not isinstance(item, slice) for item in index) or index[0] != slice(None):
        raise Gap(": one place of an axis")
    cut = [(i, item) for i, item in enumerate(index) if item != slice(None)]
    cut = [(i, s) for i, s in cut if s.indices(shape[i - 1]) != (0, shape[i - 1], 1)]
    if not cut:
        return x
    if all(x.axes[i - 1] != 0 for i, _ in cut):
        steps = {s.step for _, s in cut}
        whole = all(s.start in (None, 0) and s.stop is None for _, s in cut)
        if whole and len(steps) == 1 and len(cut) == rank - 2:
            return lower.apply(make("subsample", stride=steps.pop()), record, x)
        edges = [s.indices(shape[i - 1]) for i, s in cut]
        sides = {i: (a, shape[i - 1] - b) for (i, _), (a, b, _) in zip(cut, edges, strict=True)}
        if x.plain and all(a == b for a, b in sides.values()) and steps <= {None, 1}:
            size = tuple(sides.get(axis, (0, 0))[0] for axis in range(2, rank))
            return lower.apply(make("crop", size=size), record, x)
        raise Gap(" of a spatial axis")
    if len(cut) == 1:
        first, last, step = cut[0][1].indices(x.vertex.shape[0])
        if step == 1 and last > first:
            return _part(lower, record, x, first, last - first)
    raise Gap(" of channels in steps")


@operation("pad")
def padded(lower: Lowering, record: Record) -> Value:
    mode = lower.argument(record, 2, "mode", "constant")
    value = lower.argument(record, 3, "value", 0) or 0
    amounts = list(lower.argument(record, 1, "pad"))
    return _padded(lower, record, amounts, "zeros" if mode == "constant" else mode, value)


@operation("ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ConstantPad1d", "ConstantPad2d")
@operation("ReflectionPad1d", "ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d")
def padded_module(lower: Lowering, record: Record) -> Value:
    m = record.module
    border = {"Refl": "reflect", "Repl": "replicate"}.get(record.op[:4], "zeros")
    return _padded(lower, record, list(m.padding), border, getattr(m, "value", 0))


def _padded(lower: Lowering, record: Record, flat: list[int], border: str, value: float) -> Value:
    x = lower.input(record)
    if not x.plain:
        raise Gap(" over tensors whose channels are not first")
    if value != 0:
        raise Gap(f" with {value:g}")
    axes = len(x.axes) - 1
    flat += [0] * (2 * (axes + 1) - len(flat))
    if min(flat) < 0:
        raise Gap(" that cuts off")
    if not any(flat):
        return x
    before, after = flat[2 * axes], flat[2 * axes + 1]
    if before or after:
        if any(flat[: 2 * axes]) or before not in (0, after) or border != "zeros":
            raise Gap(" of channels, in this form")
        to = x.vertex.shape[0] + before + after
        where = {"where": "both"} if before else {}
        return lower.apply(make("pad_channels", to=to, **where), record, x)
    low = tuple(flat[2 * i] for i in reversed(range(axes)))
    high = tuple(flat[2 * i + 1] for i in reversed(range(axes)))
    sides: dict[str, Any] = {"size": low} if low == high else {"before": low, "after": high}
    return lower.apply(make("pad", border=border, **sides), record, x)


@operation("interpolate")
def resized(lower: Lowering, record: Record) -> Value:
    mode = lower.argument(record, 3, "mode", "nearest")
    by_factor = lower.argument(record, 1, "size") is None
    corners = lower.argument(record, 4, "align_corners")
    if lower.argument(record, 6, "antialias", False):
        raise Gap(" with antialiasing")
    return _resized(lower, record, mode, corners, by_factor)


@operation("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def resized_module(lower: Lowering, record: Record) -> Value:
    m = record.module
    return _resized(lower, record, m.mode, m.align_corners, m.size is None)


def _resized(lower: Lowering, record: Record, mode: str, corners: Any, by_factor: bool) -> Value:
    x, whole = lower.input(record), record.shapes[0]
    if not x.plain or whole is None:
        raise Gap(" over tensors whose channels are not first")
    to, now = whole[2:], x.vertex.shape[1:]
    how = {"mode": mode, "align_corners": bool(corners)}
    if by_factor and all(n % m == 0 for n, m in zip(to, now, strict=True)):
        factor = tuple(n // m for n, m in zip(to, now, strict=True))
        return lower.apply(make("upsample", factor=factor, **how), record, x)
    return lower.apply(make("resize", size=to, **how), record, x)


@operation("PixelShuffle", "pixel_shuffle")
def pixels(lower: Lowering, record: Record) -> Value:
    m = record.module
    factor = m.upscale_factor if m is not None else lower.argument(record, 1, "upscale_factor")
    return lower.apply(make("pixel_shuffle", factor=factor), record, lower.input(record))


@operation("PixelUnshuffle", "pixel_unshuffle")
def pixels_back(lower: Lowering, record: Record) -> Value:
    m = record.module
    factor = m.downscale_factor if m is not None else lower.argument(record, 1, "downscale_factor")
    return lower.apply(make("pixel_unshuffle", factor=factor), record, lower.input(record))


@operation("LocalResponseNorm")
def response_norm(lower: Lowering, record: Record) -> Value:
    m = record.module
    layer = make("lrn", size=m.size, alpha=m.alpha, beta=m.beta, k=m.k)
    return lower.apply(layer, record, lower.input(record))


@operation("ChannelShuffle", "channel_shuffle")
def shuffled(lower: Lowering, record: Record) -> Value:
    m = record.module
    groups = m.groups if m is not None else lower.argument(record, 1, "groups")
    return lower.apply(make("channel_shuffle", groups=groups), record, lower.input(record))
