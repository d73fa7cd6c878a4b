"""Layers that move things: reshapes, joins of channels, slices, padding, resampling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from archdsl.importing.cut import Atom, AxisSplit, whole
from archdsl.importing.gathered import gathered
from archdsl.importing.layer_of import Gap, make, named
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Tied, TracedCall
from archdsl.importing.values import AttentionScores, TensorValue
from archdsl.importing.weighted import per_axis
from archdsl.layers.base import Layer


@operation("flatten", "Flatten", "view", "reshape", "unsqueeze", "squeeze", "Unflatten")
@operation("unflatten", "reshape_as", "view_as")
def reshaped(lower: Lowering, record: TracedCall) -> Any:
    return in_shape(lower, record, lower.argument(record, 0, "input"))


def in_shape(lower: Lowering, record: TracedCall, x: Any) -> Any:
    """A tensor in the shape that the operation gives."""
    to = record.shapes[0]
    if isinstance(x, AttentionScores) and to is not None and to[-2:] == x.shape[-2:]:
        return replace(x, shape=to)
    if to is None or not isinstance(x, (TensorValue, AxisSplit)):
        raise Gap(" of a parameter")
    found = _reshaped(lower, record, x, to) if isinstance(x, TensorValue) else None
    if found is not None:
        return found
    cut = lower.cut(x).reshaped(to)
    if cut is None:
        raise Gap(" of a tensor whose axes were permuted")
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
        heads = len(to) == len(now) == 3 and to[0] * to[1] == now[0] > to[0] > 1
        if heads or (len(to) > len(now) and (1 < to[0] < now[0] or len(now) > 1)):
            cut = lower.cut(x).reshaped(whole)
            if cut is not None:
                return None
        return lower.apply(make("reshape", to=to), record, x, axes=tuple(range(len(to))))
    if len(to) == 1 and sum(n != 1 for n in now) <= 1:
        return lower.apply(make("flatten"), record, x, axes=(0,))
    if x.axes == (*range(1, len(now)), 0) and to[-1] == now[-1]:
        image = len(now) == 2 and len(to) == 3 and 1 not in to  # which may be cut into windows
        if not image and lower.cut(x).reshaped(whole) is not None:
            return None
        layer = make("reshape", to=(to[-1], *to[:-1]))
        return lower.apply(layer, record, x, axes=(*range(1, len(to)), 0))
    return None


def _permuted(lower: Lowering, record: TracedCall, order: list[int]) -> Any:
    x = lower.argument(record, 0, "input")
    if isinstance(x, AttentionScores):
        last = len(order) - 1
        if order != [*range(last - 1), last, last - 1]:
            raise Gap(" of an intermediate result of attention")
        return replace(x, turned=not x.turned, shape=tuple(x.shape[axis] for axis in order))
    if not isinstance(x, (TensorValue, AxisSplit)):
        raise Gap(" of a parameter")
    return lower.joined(lower.cut(x).permuted(order))


def _rank(lower: Lowering, record: TracedCall) -> int:
    return len(record.shapes[0] or ())


@operation("permute")
def permuted(lower: Lowering, record: TracedCall) -> Any:
    order = record.args[1] if isinstance(record.args[1], tuple) else record.args[1:]
    return _permuted(lower, record, [axis % len(order) for axis in order])


@operation("Permute")
def permuted_module(lower: Lowering, record: TracedCall) -> Any:
    return _permuted(lower, record, [axis % len(record.module.dims) for axis in record.module.dims])


@operation("transpose", "swapaxes", "swapdims", "t")
def transposed(lower: Lowering, record: TracedCall) -> Any:
    rank = _rank(lower, record)
    order = list(range(rank))
    a = lower.argument(record, 1, "dim0", 0)
    b = lower.argument(record, 2, "dim1", min(1, rank - 1))
    order[a], order[b] = order[b], order[a]
    return _permuted(lower, record, order)


@operation("mT")
def turned(lower: Lowering, record: TracedCall) -> Any:
    rank = _rank(lower, record)
    return _permuted(lower, record, [*range(rank - 2), rank - 1, rank - 2])


@operation("movedim", "moveaxis")
def moved(lower: Lowering, record: TracedCall) -> Any:
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
            raise Gap(" with a parameter that differs from image to image")
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
    return TensorValue(lower.vertex(channels_of(channels, first, size), [x.vertex], record), x.axes)


def channels_of(channels: int, first: int, size: int) -> Layer:
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
        found.append(range_of(lower, record, x, axis, at, size))
        at += size
    return found


def range_of(
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
    inside = outer is not None and outer.axis == 0 and outer.inner * outer.size < channels
    if outer and inside and (found := gathered(lower, record, x, outer, first, size)):
        part, atom = found
        left = (atom,) if size > 1 else ()
        return replace(part, axes=(*part.axes[:axis], left, *part.axes[axis + 1 :]))
    if outer is not None and outer.axis > 0:
        raise Gap(" of one place of a spatial axis, which is then gone: pool it, or keep the axis")
    if outer is None or outer.axis != 0 or outer.inner * outer.size != channels:
        raise Gap(" along an axis other than the first of those that channels are split into")
    whole = TensorValue(x.vertex, tuple(range(len(x.vertex.shape))))
    vertex = part_of(lower, record, whole, first * outer.inner, size * outer.inner, True).vertex
    left = () if size == 1 else (Atom(0, outer.inner, size),)
    return replace(x, vertex=vertex, axes=(*x.axes[:axis], left, *x.axes[axis + 1 :]))


@operation("roll")
def rolled(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    """Pixels that leave an image on one side come in on the other: they do so again, the other way,
    after attention within windows."""
    x = lower.cut(lower.argument(record, 0, "input"))
    shifts, axes = (lower.argument(record, i + 1, n) for i, n in enumerate(("shifts", "dims")))
    if not isinstance(x, AxisSplit) or axes is None:
        raise Gap(" of a parameter, or of all axes at once")
    shape = x.vertex.shape
    by = list(x.rolled or (0,) * (len(shape) - 1))
    for shift, axis in zip(per_axis(shifts, 1), per_axis(axes, 1), strict=True):
        group = x.axes[axis]
        if len(group) != 1 or group[0].axis < 1 or group != whole(shape, group[0].axis):
            raise Gap(" of anything but a spatial axis")
        spatial = group[0].axis
        by[spatial - 1] = (by[spatial - 1] + shift) % shape[spatial]
    return lower.joined(replace(x, rolled=tuple(by) if any(by) else ()))


@operation("unbind")
def unbound(lower: Lowering, record: TracedCall) -> list[TensorValue | AxisSplit]:
    x = lower.argument(record, 0, "input")
    axis = lower.argument(record, 1, "dim", 0)
    axis %= len(record.shapes[0] or ()) + 1
    return [place_of(lower, record, x, axis, place) for place in range(len(record.shapes))]


@operation("select")
def selected(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit:
    x = lower.argument(record, 0, "input")
    axis, place = lower.argument(record, 1, "dim"), lower.argument(record, 2, "index")
    return place_of(lower, record, x, axis % (len(record.shapes[0] or ()) + 1), place)


def place_of(
    lower: Lowering, record: TracedCall, x: Any, axis: int, place: int
) -> TensorValue | AxisSplit:
    """One place of an axis, which is then gone: a token of a sequence, or a part of channels."""
    if isinstance(x, TensorValue) and axis and x.axes[axis - 1] == 1 and len(x.axes) == 2:
        made = lower.vertex(make("token", place=place % x.shape[axis - 1] + 1), [x.vertex], record)
        return TensorValue(made, (0,))
    if not isinstance(x, (TensorValue, AxisSplit)):
        raise Gap(" of a parameter")
    cut = lower.cut(x)
    found = range_of(lower, record, cut, axis, place % cut.shape[axis], 1)
    assert isinstance(found, AxisSplit), "a part of a cut"
    return lower.joined(replace(found, axes=(*found.axes[:axis], *found.axes[axis + 1 :])))


@operation("interpolate")
def resized(lower: Lowering, record: TracedCall) -> TensorValue:
    mode = lower.argument(record, 3, "mode", "nearest")
    scale = lower.argument(record, 2, "scale_factor")
    computed = lower.argument(record, 5, "recompute_scale_factor")
    corners = lower.argument(record, 4, "align_corners")
    if lower.argument(record, 6, "antialias", False):
        raise Gap(" with antialiasing")
    return _resized(lower, record, mode, corners, scale, bool(computed))


@operation("Upsample", "UpsamplingNearest2d", "UpsamplingBilinear2d")
def resized_module(lower: Lowering, record: TracedCall) -> TensorValue:
    m = record.module
    computed = bool(getattr(m, "recompute_scale_factor", False))
    return _resized(lower, record, m.mode, m.align_corners, m.scale_factor, computed)


def _resized(
    lower: Lowering,
    record: TracedCall,
    mode: str,
    corners: Any,
    scale: Any,
    computed: bool,
) -> TensorValue:
    """By a factor, or to a size. A factor that gives no whole size is not the ratio of the sizes,
    but what the results are computed with, unless it is ``computed`` again of them."""
    x, whole = lower.input(record), record.shapes[0]
    if not x.plain or whole is None:
        raise Gap(" over tensors whose channels are not first")
    to, now = whole[2:], x.vertex.shape[1:]
    how = {"mode": mode, "align_corners": bool(corners)}
    if scale is not None and not computed and not corners:
        exact = [n * by for n, by in zip(now, per_axis(scale, len(now)), strict=True)]
        if any(n != size for n, size in zip(exact, to, strict=True)):
            raise Gap(f" by {scale}, which does not give a whole size: give `size=` instead")
    if scale is not None and all(n % m == 0 for n, m in zip(to, now, strict=True)):
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
