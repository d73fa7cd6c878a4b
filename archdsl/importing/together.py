"""Tensors whose axes were cut, put together: by which layers."""

from __future__ import annotations

from math import isqrt, prod
from typing import TYPE_CHECKING

from archdsl.importing.cut import (
    Atom,
    AxisSplit,
    Squares,
    cut_of,
    in_order,
    merged,
    order_of,
    squares_in,
    whole,
)
from archdsl.importing.layer_of import NOTHING_LEFT, Gap, make
from archdsl.importing.record import TracedCall
from archdsl.importing.values import TensorValue, Vertex

if TYPE_CHECKING:
    from archdsl.importing.lower import Lowering


def whole_of(lower: Lowering, cut: AxisSplit, record: TracedCall) -> TensorValue:
    """A tensor whose axes were cut as a whole one. Raises ``Gap``."""
    vertex, shape = lower.multiplied(cut, record), cut.shape[1:]
    ahead = cut_of(vertex, (), lower.batch).axes[0]
    if cut.axes[0] != ahead or prod(shape) != prod(vertex.shape):
        way = ": tell `squeeze()` which axis" * (record.op == "squeeze")
        raise Gap(f" of a tensor whose first axis is not the batch{way}")
    if not shape:
        raise Gap(NOTHING_LEFT)
    if (order := order_of(cut := AxisSplit(vertex, cut.axes), lower.batch)) is not None:
        return TensorValue(vertex, order)
    space = tuple(a for axis in range(1, len(vertex.shape)) for a in whole(vertex.shape, axis))
    channels = whole(vertex.shape, 0)
    if len(vertex.shape) > 1 and cut.axes[1:] in ((channels, space), (space, channels)):
        made = lower.vertex(make("flatten_space"), [vertex], record)
        return TensorValue(made, (0, 1) if cut.axes[1] == channels else (1, 0))
    if shape and in_order(cut, lower.batch):
        made = lower.vertex(make("reshape", to=shape), [vertex], record)
        return TensorValue(made, tuple(range(len(shape))))
    if len(cut.axes) == 3 and len(cut.axes[1]) == 2:  # the squares of an image, as tokens
        grid = [(side,) for side in cut.axes[1]]
        apart = AxisSplit(vertex, (cut.axes[0], cut.axes[2], *grid))
        if (squares := squares_in(apart)) is not None:
            made = _squared(lower, squares, vertex, record)
            return TensorValue(lower.vertex(make("flatten_space"), [made], record), (1, 0))
    for axes in ((0, 1, 2, 3), (0, 3, 1, 2)) if len(cut.axes) == 4 else ():
        if (squares := squares_in(cut.permuted(axes))) is not None:
            made = _squared(lower, squares, vertex, record)
            return TensorValue(made, (0, 1, 2) if axes[1] == 1 else (1, 2, 0))
    if (found := _patches(lower, cut, record)) is not None:
        return found
    if len(cut.axes) > 2 and len(cut.axes[1]) == 2:
        outer, inner = cut.axes[1]
        dealt = outer.inner == 1 and inner.inner == outer.size
        rest = tuple(whole(vertex.shape, axis) for axis in range(1, len(vertex.shape)))
        if dealt and outer.axis == inner.axis == 0 and cut.axes[2:] == rest:
            layer = make("channel_shuffle", groups=inner.size)
            return TensorValue(lower.vertex(layer, [vertex], record), tuple(range(len(shape))))
    last = (*range(1, len(vertex.shape)), 0)
    if shape and in_order(cut, lower.batch, last):  # channels are last, as those of words
        turned = lower.plain(TensorValue(vertex, last), record).vertex
        made = lower.vertex(make("reshape", to=shape), [turned], record)
        return TensorValue(made, tuple(range(len(shape))))
    raise Gap(" of a tensor whose axes were permuted")


def _squared(lower: Lowering, squares: Squares, vertex: Vertex, record: TracedCall) -> Vertex:
    """An image whose squares were made channels."""
    side, made = squares.side, vertex
    made = lower.once(make("pixel_unshuffle", factor=side), made, record)
    if squares.beside:
        made = lower.once(make("channel_shuffle", groups=vertex.shape[0]), made, record)
    if squares.down:
        places = [part + side * n for part in range(side) for n in range(side)]
        layers = [make("split", parts=side * side, part=place + 1) for place in places]
        parts = [lower.once(layer, made, record) for layer in layers]
        made = lower.vertex(make("concat"), parts, record)
    return made


def _patches(lower: Lowering, cut: AxisSplit, record: TracedCall) -> TensorValue | None:
    """An image as channels, places in a square and squares (MobileViT), or the image of these;
    nothing where it is neither."""
    vertex, shape = cut.vertex, cut.shape[1:]
    if len(shape) != 3 or len(vertex.shape) != 3 or shape[0] != vertex.shape[0]:
        return None
    channels, places, count = shape
    side = isqrt(places)
    height, width = vertex.shape[1:]
    if side * side == places and side > 1 and not (height % side or width % side):
        inside = merged([Atom(1, 1, side), Atom(2, 1, side)])
        outside = (Atom(1, side, height // side), Atom(2, side, width // side))
        wanted = (whole(vertex.shape, 0), inside, tuple(a for a in outside if a.size > 1))
        if cut.axes[1:] == wanted and count * places == height * width:
            made = lower.once(make("pixel_unshuffle", factor=side), vertex, record)
            made = lower.vertex(make("reshape", to=shape), [made], record)
            return TensorValue(made, (0, 1, 2))
    side = isqrt(height)
    rows, columns = places // max(side, 1), count // max(side, 1)
    if side > 1 and side * side == height and (rows * side, columns * side) == (places, count):
        down = [Atom(2, columns, rows), Atom(1, side, side)]
        right = [Atom(2, 1, columns), Atom(1, 1, side)]
        groups = [tuple(a for a in group if a.size > 1) for group in (down, right)]
        if cut.axes[1:] == (whole(vertex.shape, 0), *groups):
            to = (channels * height, rows, columns)
            made = lower.vertex(make("reshape", to=to), [vertex], record)
            made = lower.vertex(make("pixel_shuffle", factor=side), [made], record)
            return TensorValue(made, (0, 1, 2))
    return None
