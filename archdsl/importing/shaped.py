"""Layers that move things: reshapes, joins of channels, slices, padding, resampling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archdsl.importing.cut import Atom, AxisSplit
from archdsl.importing.lower import Gap, Lowering, make, named, operation
from archdsl.importing.record import Tied, TracedCall
from archdsl.importing.values import TensorValue
from archdsl.layers.base import Layer


@operation("flatten", "Flatten", "view", "reshape", "unsqueeze", "squeeze", "Unflatten")
@operation("unflatten", "reshape_as", "view_as")
def reshaped(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    return _in_shape(lower, record, lower.argument(record, 0, "input"))


def _in_shape(lower: Lowering, record: TracedCall, x: Any) -> TensorValue | AxisSplit:
    """A tensor in the shape that the operation gives."""
    to = record.shapes[0]
    if to is None or not isinstance(x, (TensorValue, AxisSplit)):
        raise Gap(" of a parameter")
    found = _reshaped(lower, record, x, to) if isinstance(x, TensorValue) else None
    if found is not None:
        return found
    cut = lower.cut(x).reshaped(to)
    if cut is None:
        raise Gap(" of a tensor whose axes were moved")
    return lower.joined(cut)


def _reshaped(
    lower: Lowering, record: TracedCall, x: TensorValue, whole: tuple[int, ...]
) -> TensorValue | None:
    """A whole tensor of a whole tensor; nothing where its axes are cut."""
    if len(whole) < 2 or whole[0] != lower.batch:
        return None
    to, now = whole[1:], x.shape
    if to == now:
        return x
    if x.plain:
        if len(to) == 1:
            return lower.apply(make("flatten"), record, x, axes=(0,))
        if len(to) == 2 and len(now) > 2 and to[0] == now[0]:
            return lower.apply(make("flatten_space"), record, x, axes=(0, 1))
        if len(to) > len(now) and (1 < to[0] < now[0] or len(now) > 1):
            cut = lower.cut(x).reshaped(whole)
            if cut is not None:
                return None
        return lower.apply(make("reshape", to=to), record, x, axes=tuple(range(len(to))))
    if len(to) == 1 and sum(n != 1 for n in now) <= 1:
        return lower.apply(make("flatten"), record, x, axes=(0,))
    if x.axes == (*range(1, len(now)), 0) and to[-1] == now[-1]:
        tokens = len(to) == 2 and len(now) > 2
        if lower.cut(x).reshaped(whole) is not None and not tokens:
            return None
        layer = make("flatten_space") if tokens else make("reshape", to=(to[-1], *to[:-1]))
        return lower.apply(layer, record, x, axes=(*range(1, len(to)), 0))
    return None


def _permuted(lower: Lowering, record: TracedCall, order: list[int]) -> TensorValue | AxisSplit:
    x = lower.argument(record, 0, "input")
    if not isinstance(x, (TensorValue, AxisSplit)):
        raise Gap(" of a parameter")
    return lower.joined(lower.cut(x).permuted(order))


def _rank(lower: Lowering, record: TracedCall) -> int:
    return len(record.shapes[0] or ())


@operation("permute")
def permuted(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    order = record.args[1] if isinstance(record.args[1], tuple) else record.args[1:]
    return _permuted(lower, record, [axis % len(order) for axis in order])


@operation("Permute")
def permuted_module(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    return _permuted(lower, record, [axis % len(record.module.dims) for axis in record.module.dims])


@operation("transpose", "swapaxes", "swapdims", "t")
def transposed(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    rank = _rank(lower, record)
    order = list(range(rank))
    a, b = lower.argument(record, 1, "dim0", 0), lower.argument(record, 2, "dim1", 1)
    order[a], order[b] = order[b], order[a]
    return _permuted(lower, record, order)


@operation("mT")
def turned(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    rank = _rank(lower, record)
    return _permuted(lower, record, [*range(rank - 2), rank - 1, rank - 2])


@operation("movedim", "moveaxis")
def moved(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    rank = _rank(lower, record)
    source, to = lower.argument(record, 1, "source"), lower.argument(record, 2, "destination")
    if not isinstance(source, int) or not isinstance(to, int):
        raise Gap(" of several axes")
    order = [axis for axis in range(rank) if axis != source % rank]
    order.insert(to % rank, source % rank)
    return _permuted(lower, record, order)


@operation("cat", "concat", "concatenate")
def concatenated(lower: Lowering, record: TracedCall) -> TensorValue:
    given = [lower.value(item) for item in lower.argument(record, 0, "tensors")]
    values = [lower.settled(item, record) for item in given]
    axis = lower.argument(record, 1, "dim", 0)
    if isinstance(values[-1], TensorValue) and any(isinstance(value, Tied) for value in values):
        return _prepended(lower, record, values, axis)
    if not all(isinstance(value, TensorValue) for value in values):
        raise Gap(" with a parameter")
    if len(values) == 1:
        return values[0]  # type: ignore[no-any-return]
    first = values[0]
    if any(value.axes != first.axes for value in values):
        raise Gap(" of tensors whose axes are in different orders")
    axis %= len(first.axes) + 1
    if axis == 0:
        raise Gap(" along the batch")
    over = named(first.axes[axis - 1], len(first.axes))
    return lower.apply(make("concat", over=over), record, *values)


def _prepended(lower: Lowering, record: TracedCall, values: list[Any], axis: int) -> TensorValue:
    """Learned tokens before the others, the first of them last, as each is put at the front."""
    *learned, x = values
    if len(x.axes) != 2 or axis % 3 == 0 or x.axes[axis % 3 - 1] != 1:
        raise Gap(" with a parameter, along channels")
    made = x.vertex
    for tied in reversed(learned):
        if not isinstance(tied, Tied):
            raise Gap(" with a parameter that is not first")
        count = tied.shape[axis] if len(tied.shape) == 3 else 0
        if not count or tied.shape[0] != 1:
            raise Gap(" with a parameter that has another number for each image")
        if count > 1 and tied.turned != x.plain:  # the layer has channels last
            tied = replace(tied, flipped=True)
        made = lower.vertex(make("prepend", tokens=count), [made], record, weights={"weight": tied})
    return TensorValue(made, x.axes)


def part_of(
    lower: Lowering, record: TracedCall, x: TensorValue, first: int, size: int, arms: bool = False
) -> TensorValue:
    """Some channels of a tensor: of ``arms`` that were stacked, the one that they are."""
    channels, vertex = x.vertex.shape[0], x.vertex
    if size == channels:
        return x
    if arms and vertex.layer is not None and vertex.op == "concat" and vertex.layer.is_associative:
        at = 0
        for source in vertex.inputs:
            if (at, source.shape[0]) == (first, size):
                return TensorValue(source, x.axes)
            at += source.shape[0]
    return TensorValue(lower.vertex(_slice(channels, first, size), [x.vertex], record), x.axes)


def _slice(channels: int, first: int, size: int) -> Layer:
    if channels % size == 0 and first % size == 0:
        return make("split", parts=channels // size, part=first // size + 1)
    return make("slice", first=first + 1, last=first + size)


@operation("chunk", "split", "split_with_sizes", "tensor_split")
def parts(lower: Lowering, record: TracedCall) -> list[TensorValue | AxisSplit]:
    x = lower.argument(record, 0, "tensor" if record.op == "split" else "input")
    axis = lower.argument(record, 2, "dim", 0)
    if not isinstance(x, (TensorValue, AxisSplit)):
        raise Gap(" of a parameter")
    found: list[TensorValue | AxisSplit] = []
    at = 0
    for shape in record.shapes:
        axis %= len(shape or (0,))
        size = (shape or ())[axis]
        found.append(_range(lower, record, x, axis, at, size))
        at += size
    return found


def _range(
    lower: Lowering,
    record: TracedCall,
    x: TensorValue | AxisSplit,
    axis: int,
    first: int,
    size: int,
) -> TensorValue | AxisSplit:
    """Some of the places of an axis, one after the other: of channels."""
    group = x.axes[axis] if isinstance(x, AxisSplit) else ()
    if isinstance(x, AxisSplit) and len(group) > 1:
        x = lower.settled(x, record)
    if isinstance(x, TensorValue):
        if axis == 0 or x.axes[axis - 1] != 0:
            raise Gap(" along the batch" if axis == 0 else " along a spatial axis")
        return part_of(lower, record, x, first, size)
    channels = x.vertex.shape[0]
    outer = group[0] if group else None
    if outer is None or outer.axis != 0 or outer.inner * outer.size != channels:
        raise Gap(" along an axis that is not the first of those that channels are cut into")
    whole = TensorValue(x.vertex, tuple(range(len(x.vertex.shape))))
    vertex = part_of(lower, record, whole, first * outer.inner, size * outer.inner, True).vertex
    left = () if size == 1 else (Atom(0, outer.inner, size),)
    return AxisSplit(vertex, (*x.axes[:axis], left, *x.axes[axis + 1 :]), x.factor)


@operation("unbind")
def unbound(lower: Lowering, record: TracedCall) -> list[TensorValue | AxisSplit]:
    x = lower.argument(record, 0, "input")
    axis = lower.argument(record, 1, "dim", 0)
    axis %= len(record.shapes[0] or ()) + 1
    return [_place(lower, record, x, axis, place) for place in range(len(record.shapes))]


@operation("select")
def selected(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    x = lower.argument(record, 0, "input")
    axis, place = lower.argument(record, 1, "dim"), lower.argument(record, 2, "index")
    return _place(lower, record, x, axis % (len(record.shapes[0] or ()) + 1), place)


def _place(
    lower: Lowering, record: TracedCall, x: Any, axis: int, place: int
) -> TensorValue | AxisSplit:
    """One place of an axis, which is then gone: a token of a sequence, or a part of channels."""
    if isinstance(x, TensorValue) and axis and x.axes[axis - 1] == 1 and len(x.axes) == 2:
        made = lower.vertex(make("token", place=place % x.shape[axis - 1] + 1), [x.vertex], record)
        return TensorValue(made, (0,))
    if not isinstance(x, (TensorValue, AxisSplit)):
        raise Gap(" of a parameter")
    cut = lower.cut(x)
    found = _range(lower, record, cut, axis, place % cut.shape[axis], 1)
    assert isinstance(found, AxisSplit), "a part of a cut"
    return lower.joined(
        AxisSplit(found.vertex, (*found.axes[:axis], *found.axes[axis + 1 :]), cut.factor)
    )


@operation("narrow")
def narrowed(lower: Lowering, record: TracedCall) -> TensorValue:
    x = lower.input(record)
    axis, first, size = (lower.argument(record, i + 1, n) for i, n in enumerate(NARROW))
    if axis == 0 or x.axes[axis % (len(x.axes) + 1) - 1] != 0:
        raise Gap(" of a spatial axis")
    return part_of(lower, record, x, first, size)


NARROW = ("dim", "start", "length")


@operation("getitem", "__getitem__")
def indexed(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    x, index = lower.argument(record, 0, "input"), record.args[1]
    if not isinstance(x, (TensorValue, AxisSplit)):
        raise Gap(" of a parameter")
    index = index if isinstance(index, tuple) else (index,)
    shape = lower.cut(x).shape
    if any(item is Ellipsis for item in index):
        at = index.index(Ellipsis)
        filled = [slice(None)] * (len(shape) - sum(item is not None for item in index) + 1)
        index = (*index[:at], *filled, *index[at + 1 :])
    if any(item is None for item in index):  # axes of one place, made once the rest is done
        index = tuple(item for item in index if item is not None)
        return _in_shape(lower, record, _indexed(lower, record, x, index))
    return _indexed(lower, record, x, index)


def _indexed(
    lower: Lowering, record: TracedCall, x: Any, index: tuple[Any, ...]
) -> TensorValue | AxisSplit:
    """Places and ranges of the first axes."""
    shape = lower.cut(x).shape
    if not all(isinstance(item, (int, slice)) for item in index):
        raise Gap(" by anything but numbers and ranges")
    places = [(i, item) for i, item in enumerate(index) if isinstance(item, int)]
    cut = [(i, s) for i, s in enumerate(index) if isinstance(s, slice)]
    cut = [(i, s) for i, s in cut if s.indices(shape[i]) != (0, shape[i], 1)]
    if cut and places:
        raise Gap(" of a place and a range at once")
    for axis, place in reversed(places):
        x = _place(lower, record, x, axis, place)
    if isinstance(x, AxisSplit) and len(cut) == 1:
        first, last, step = cut[0][1].indices(shape[cut[0][0]])
        if step == 1 and len(x.axes[cut[0][0]]) == 1:
            return _range(lower, record, x, cut[0][0], first, last - first)
    return _ranges(lower, record, lower.settled(x, record), cut) if cut else x


def _ranges(
    lower: Lowering, record: TracedCall, x: TensorValue, cut: list[tuple[int, slice]]
) -> TensorValue:
    """Ranges of several axes."""
    rank, shape = len(x.axes) + 1, (lower.batch, *x.shape)
    if cut[0][0] == 0:
        raise Gap(" of some images of the batch")
    if all(x.axes[i - 1] != 0 for i, _ in cut):
        steps = [s.step for _, s in cut]
        starts = [s.indices(shape[i])[0] for i, s in cut]
        ends = all(s.stop is None for _, s in cut)
        if ends and len(set(steps)) == 1 and len(cut) == rank - 2:
            if not any(starts):
                return lower.apply(make("subsample", stride=steps[0]), record, x)
            if rank == 4 and steps[0] and all(shape[i] % steps[0] == 0 for i, _ in cut):
                order = sorted(range(2), key=lambda n: x.axes[cut[n][0] - 1])
                return _dealt(lower, record, x, steps[0], [starts[n] for n in order])
        edges = [s.indices(shape[i]) for i, s in cut]
        sides = {i: (a, shape[i] - b) for (i, _), (a, b, _) in zip(cut, edges, strict=True)}
        if x.plain and all(a == b for a, b in sides.values()) and set(steps) <= {None, 1}:
            size = tuple(sides.get(axis, (0, 0))[0] for axis in range(2, rank))
            return lower.apply(make("crop", size=size), record, x)
        raise Gap(" of a spatial axis")
    if len(cut) == 1:
        first, last, step = cut[0][1].indices(x.vertex.shape[0])
        if step == 1 and last > first:
            return part_of(lower, record, x, first, last - first)
    raise Gap(" of channels in steps")


def _dealt(
    lower: Lowering, record: TracedCall, x: TensorValue, step: int, starts: list[int]
) -> TensorValue:
    """Every ``step``-th pixel, not from the first on: those of a square are made channels, and
    dealt out so that all of one place are side by side."""
    channels = x.vertex.shape[0]
    vertex = x.vertex
    for layer in (make("pixel_unshuffle", factor=step), make("channel_shuffle", groups=channels)):
        vertex = lower.once(layer, vertex, record)
    first = (starts[0] * step + starts[1]) * channels
    return lower.apply(
        _slice(vertex.shape[0], first, channels), record, TensorValue(vertex, x.axes)
    )


@operation("interpolate")
def resized(lower: Lowering, record: TracedCall) -> TensorValue:
    mode = lower.argument(record, 3, "mode", "nearest")
    by_factor = lower.argument(record, 1, "size") is None
    corners = lower.argument(record, 4, "align_corners")
    if lower.argument(record, 6, "antialias", False):
        raise Gap(" with antialiasing")
    return _resized(lower, record, mode, corners, by_factor)


@operation("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def resized_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    return _resized(lower, record, m.mode, m.align_corners, m.size is None)


def _resized(
    lower: Lowering, record: TracedCall, mode: str, corners: Any, by_factor: bool
) -> TensorValue:
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
def pixels(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    factor = m.upscale_factor if m is not None else lower.argument(record, 1, "upscale_factor")
    return lower.apply(make("pixel_shuffle", factor=factor), record, lower.input(record))


@operation("PixelUnshuffle", "pixel_unshuffle")
def pixels_back(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    factor = m.downscale_factor if m is not None else lower.argument(record, 1, "downscale_factor")
    return lower.apply(make("pixel_unshuffle", factor=factor), record, lower.input(record))


@operation("LocalResponseNorm")
def response_norm(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    layer = make("lrn", size=m.size, alpha=m.alpha, beta=m.beta, k=m.k)
    return lower.apply(layer, record, lower.input(record))


@operation("ChannelShuffle", "channel_shuffle")
def shuffled(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    groups = m.groups if m is not None else lower.argument(record, 1, "groups")
    return lower.apply(make("channel_shuffle", groups=groups), record, lower.input(record))
