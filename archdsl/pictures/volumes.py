"""Networks as volumes: each tensor of the main path a box as large as its image and as thick as
its channels, in rows by resolution. A network that goes down and comes up again is a U (as in
Ronneberger, Fischer and Brox, arXiv:1505.04597).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2

from archdsl.ir.network import Network
from archdsl.layers.base import Shape, show_shape
from archdsl.pictures.fonts import text_width
from archdsl.pictures.limits import drawable, limited
from archdsl.pictures.pen import SMALL
from archdsl.pictures.scene import Area, Box, Wire, Words
from archdsl.pictures.scene import Shape as Drawn
from archdsl.pictures.trunk import Past, Trunk, TrunkTensor, trunk

SLANT = 0.35  # of a depth, to the right and up
GAP = 22.0  # between volumes
ROWS = 54.0  # between rows
OVER = 16.0  # of a line that leads over volumes, above the highest
HALVED = 1.5  # by what a side changes where the resolution is another
LINE = 12.0  # from one line of text to the next


@dataclass(frozen=True, slots=True)
class Volume:
    """A tensor in its place: the front's left side and the middle of its height."""

    tensor: TrunkTensor
    row: int
    x: float
    middle: float

    @property
    def size(self) -> tuple[float, float, float]:
        return sizes(self.tensor.shape)

    @property
    def right(self) -> float:
        thick, _, deep = self.size
        return self.x + thick + deep * SLANT

    @property
    def top(self) -> float:
        _, high, deep = self.size
        return self.middle - high / 2 - deep * SLANT

    @property
    def bottom(self) -> float:
        return self.middle + self.size[1] / 2


def sizes(shape: Shape) -> tuple[float, float, float]:
    """How thick, how high and how deep a tensor is drawn: its channels, height and width, each
    in a log scale. A vector is a bar as high as it is long, and a sequence a plate."""
    channels, *space = shape
    if not space:
        return 9.0, 12 + 9 * log2(channels + 1), 6.0
    high, wide = (space[-2], space[-1]) if len(space) > 1 else (space[0], 1)
    return 4 + 4.5 * log2(channels + 1), 8 + 13 * log2(high + 1), 4 + 13 * log2(wide + 1)


def rows_of(tensors: Sequence[TrunkTensor]) -> list[int]:
    """The row of each tensor: one lower where its resolution is about halved, one higher where it
    is doubled. All are in one row where it is never doubled."""
    row, found = 0, [0]
    rises = False
    for before, after in pairwise(tensors):
        if len(before.shape) == len(after.shape) > 1:
            old, new = max(before.shape[1:]), max(after.shape[1:])
            if old >= HALVED * new:
                row += max(1, round(log2(old / new)))
            elif new >= HALVED * old:
                row -= max(1, round(log2(new / old)))
                rises = True
        found.append(row)
    return [r - min(found) for r in found] if rises else [0] * len(found)


def volumes(network: Network, depth: int) -> tuple[list[Drawn], Counter[str]]:
    """The shapes of a network as volumes, so many levels of its blocks open, and how many of each
    kind of layer they show. Raises ``ArchError`` (A906, A907)."""
    with drawable():
        found = trunk(network, depth)
    placed = _placed(found)
    kinds = Counter(v.tensor.kind for v in placed)
    shapes = list(limited(_shapes(found, placed)))
    return shapes, kinds


def _shapes(found: Trunk, placed: Sequence[Volume]) -> Iterator[Drawn]:
    for line in found.past:
        yield from _past(line, placed)
    for a, b in pairwise(placed):
        yield _wire(a, b)
    for number, side in found.sides:
        yield from _side(placed[number], side)
    for volume in placed:
        yield from _volume(volume)


def _placed(found: Trunk) -> list[Volume]:
    rows = rows_of(found.tensors)
    heights = [0.0] * (max(rows) + 1)
    for tensor, row in zip(found.tensors, rows, strict=True):
        _, high, deep = sizes(tensor.shape)
        heights[row] = max(heights[row], high + 2 * deep * SLANT)
    middles: list[float] = []
    y = 0.0
    for height in heights:
        middles.append(y + height / 2)
        y += height + ROWS
    x, placed = 0.0, list[Volume]()
    for tensor, row in zip(found.tensors, rows, strict=True):
        thick, _, deep = sizes(tensor.shape)
        wide = max(text_width(t, SMALL) for t in _texts(tensor)) + 10
        room = max(wide - thick, 0.0) / 2  # so that texts stand apart
        x += room
        placed.append(Volume(tensor, row, x, middles[row]))
        x += max(thick + deep * SLANT, thick + room) + GAP
    return placed


def _texts(tensor: TrunkTensor) -> list[str]:
    """What stands below a volume."""
    return [t for t in (show_shape(tensor.shape), tensor.title) if t]


def _volume(volume: Volume) -> Iterator[Drawn]:
    """A box in a slanted view, with its shape and name below it."""
    tensor, (thick, high, deep) = volume.tensor, volume.size
    x, top, low = volume.x, volume.middle - volume.size[1] / 2, volume.bottom
    dx = dy = deep * SLANT
    roof = ((x, top), (x + dx, top - dy), (x + thick + dx, top - dy), (x + thick, top))
    wall = (
        (x + thick, top),
        (x + thick + dx, top - dy),
        (x + thick + dx, low - dy),
        (x + thick, low),
    )
    for side, shade in ((roof, 0.75), (wall, 0.55)):
        yield Area(side, "paper")
        yield Area(side, tensor.kind, shade)
        yield Wire((*side, side[0]), "edge", stroke=1, radius=0)
    yield Box(x, top, thick, high, tensor.kind, radius=0, note=tensor.note or tensor.words)
    for line, text in enumerate(_texts(tensor)):
        y = low + 10 + LINE * line
        yield Words(x + thick / 2, y, text, SMALL, "middle", bool(line), "ink" if line else "faint")


def _wire(a: Volume, b: Volume) -> Wire:
    """The line from a volume to the next: along a row, or from row to row."""
    thick, _, deep = a.size
    start, end = a.x + thick + deep * SLANT / 2, b.x
    if a.row == b.row:
        return Wire(((start, a.middle), (end, b.middle)), arrow=True)
    turn = a.x + thick / 2
    side = a.bottom + 10 + LINE * (len(_texts(a.tensor)) - 0.4) if b.row > a.row else a.top
    return Wire(((turn, side), (turn, b.middle), (end, b.middle)), arrow=True)


def _past(line: Past, placed: Sequence[Volume]) -> Iterator[Drawn]:
    """A line past volumes: straight where its row is empty, and else over what stands there."""
    a, b = placed[line.start], placed[line.end]
    between = [v for v in placed[line.start + 1 : line.end] if v.row == a.row]
    thick, _, deep = a.size
    if a.row == b.row and not between:
        start = (a.x + thick + deep * SLANT / 2, a.middle)
        points = [start, (b.x, b.middle)]
    else:
        across = [v for v in placed[line.start : line.end + 1] if v.row <= min(a.row, b.row)]
        over = min(v.top for v in across or [a, b]) - OVER
        start = (a.x + thick / 2 + deep * SLANT / 2, a.top)
        end = b.x + b.size[0] / 2 + b.size[2] * SLANT / 2
        points = [start, (start[0], over), (end, over), (end, b.top)]
    yield Wire(tuple(points), arrow=True)
    if line.words:
        (x1, y1), (x2, _) = points[len(points) // 2 - 1 : len(points) // 2 + 1]
        yield Words((x1 + x2) / 2, y1 - 8, line.words, SMALL, "middle", colour="faint")


def _side(volume: Volume, side: TrunkTensor) -> Iterator[Drawn]:
    """A side output: a dashed line up to its name and shape."""
    thick, _, deep = volume.size
    x, y = volume.x + thick / 2 + deep * SLANT / 2, volume.top
    yield Wire(((x, y), (x, y - 30)), arrow=True, dashed=True)
    text = f"{side.end} {show_shape(side.shape)}".strip()
    yield Words(x, y - 38, text, SMALL, "middle", colour="faint")
