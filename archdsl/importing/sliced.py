"""Parts of tensors: places and ranges of their axes."""

from __future__ import annotations

from typing import Any

from archdsl.importing.cut import AxisSplit
from archdsl.importing.layer_of import Gap, make, named
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import TracedCall
from archdsl.importing.shaped import channels_of, in_shape, part_of, place_of, range_of
from archdsl.importing.values import TensorValue
from archdsl.layers.base import Layer, alike


@operation("narrow")
def narrowed(lower: Lowering, record: TracedCall) -> TensorValue:
    x = lower.input(record)
    axis, first, size = (lower.argument(record, i + 1, n) for i, n in enumerate(NARROW))
    if not all(isinstance(number, int) for number in (axis, first, size)):
        raise Gap(" from a place that is a tensor")
    if (axis := axis % (len(x.axes) + 1)) == 0:
        raise Gap(" of some images of the batch")
    if x.axes[axis - 1] != 0:
        first = first % (lower.batch, *x.shape)[axis]
        return _along(lower, record, x, x.axes[axis - 1], first, size)
    return part_of(lower, record, x, first, size)


NARROW = ("dim", "start", "length")


@operation("getitem", "__getitem__")
def indexed(lower: Lowering, record: TracedCall) -> Any:
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
        return in_shape(lower, record, _indexed(lower, record, x, index))
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
        raise Gap(" of an index and a range at once")
    if places and all(axis and shape[axis] == 1 for axis, _ in places):
        found: TensorValue | AxisSplit = in_shape(lower, record, x)  # as without these axes
        return found
    for axis, place in reversed(places):
        x = place_of(lower, record, x, axis, place)
    if isinstance(x, AxisSplit) and len(cut) == 1:
        first, last, step = cut[0][1].indices(shape[cut[0][0]])
        if step == 1 and len(x.axes[cut[0][0]]) == 1:
            return range_of(lower, record, x, cut[0][0], first, last - first)
    return _ranges(lower, record, lower.settled(x, record), cut) if cut else x


def _ranges(
    lower: Lowering, record: TracedCall, x: TensorValue, cut: list[tuple[int, slice]]
) -> TensorValue:
    """Ranges of several axes."""
    rank, shape = len(x.axes) + 1, (lower.batch, *x.shape)
    if cut[0][0] == 0:
        raise Gap(" of some images of the batch")
    if any(not range(*s.indices(shape[i])) for i, s in cut):
        raise Gap(" of no places at all")
    channels = [(i, s) for i, s in cut if x.axes[i - 1] == 0]
    for i, s in channels:
        first, last, step = s.indices(shape[i])
        if step != 1:
            raise Gap(" of channels with a step")
        x = part_of(lower, record, x, first, last - first)
    cut = [item for item in cut if item not in channels]
    if not cut:
        return x
    steps = {i: s.step or 1 for i, s in cut}
    starts = [s.indices(shape[i])[0] for i, s in cut]
    if all(s.stop is None for _, s in cut) and set(steps.values()) != {1}:
        if not any(starts):
            order = {axis: steps.get(i + 1, 1) for i, axis in enumerate(x.axes)}
            stride = tuple(order[axis] for axis in range(1, rank - 1))
            return lower.apply(make("subsample", stride=alike(stride)), record, x)
        step = steps[cut[0][0]]
        dealt = rank == 4 and len(cut) == 2 and set(steps.values()) == {step}
        if dealt and all(
            shape[i] % step == 0 and start < step for i, start in zip(steps, starts, strict=True)
        ):
            by_axis = sorted(range(2), key=lambda n: x.axes[cut[n][0] - 1])
            return _dealt(lower, record, x, step, [starts[n] for n in by_axis])
    if set(steps.values()) != {1}:
        raise Gap(" of a spatial axis with a step, of some of its pixels")
    edges = [s.indices(shape[i]) for i, s in cut]
    sides = {i: (a, shape[i] - b) for (i, _), (a, b, _) in zip(cut, edges, strict=True)}
    # As many pixels at each end, whatever the size.
    counted = all((s.start or 0) >= 0 and (s.stop is None or s.stop < 0) for _, s in cut)
    if x.plain and (counted or all(a == b for a, b in sides.values())):
        return lower.apply(_cropped([sides.get(n, (0, 0)) for n in range(2, rank)]), record, x)
    for (i, _), (a, b, _) in zip(cut, edges, strict=True):
        x = _along(lower, record, x, x.axes[i - 1], a, b - a)
    return x


def _cropped(sides: list[tuple[int, int]]) -> Layer:
    """Cuts so much off the two ends of each axis."""
    before, after = zip(*sides, strict=True)
    if before == after:
        return make("crop", size=before)
    named = {"before": before, "after": after}
    return make("crop", **{name: cut for name, cut in named.items() if any(cut)})


def _along(
    lower: Lowering, record: TracedCall, x: TensorValue, axis: int, first: int, size: int
) -> TensorValue:
    """A range of a spatial axis: one of channels, while the two have changed places."""
    rank = len(x.axes)
    names = {} if rank == 2 else {"first": named(0, rank), "second": named(axis, rank)}
    swap = make("transpose", **names)
    vertex = lower.swapped(swap, x.vertex, record)
    vertex = lower.once(channels_of(vertex.shape[0], first, size), vertex, record)
    return TensorValue(lower.swapped(swap, vertex, record), x.axes)


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
        channels_of(vertex.shape[0], first, channels), record, TensorValue(vertex, x.axes)
    )
