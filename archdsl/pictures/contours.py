"""Lines of equal cost over two knobs: the map on which a search for depth and width walks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, floor, hypot, log2, log10

from archdsl.pictures.charts import AxisScale, Plot, heading, key, spanning
from archdsl.pictures.fonts import text_width
from archdsl.pictures.scene import Box, Disc, Extent, Point, Scene, Shape, Wire, Words
from archdsl.units import short

WIDTH, HEIGHT = 820.0, 620.0
LEFT, TOP, RIGHT, BOTTOM = 76.0, 92.0, 24.0, 62.0
COLOURS = {"macs": "curve1", "params": "curve2", "activations": "curve3"}
NAMES = {"macs": "MACs", "params": "parameters", "activations": "activations"}
MOST = 7  # lines of one cost


@dataclass(frozen=True, slots=True)
class Sheet:
    """Costs over a grid: ``values[i][j]`` belongs to ``xs[i]`` and ``ys[j]``, and is nothing
    where the spec has no candidate."""

    xs: Sequence[float]
    ys: Sequence[float]
    values: Sequence[Sequence[float | None]]


def lines(sheet: Sheet, level: float) -> list[list[Point]]:
    """The lines on which the costs, taken as even in their logarithm between the points of the
    grid, are at a level (marching squares)."""
    pieces: list[tuple[Point, Point]] = []
    for i in range(len(sheet.xs) - 1):
        for j in range(len(sheet.ys) - 1):
            pieces += _crossing(sheet, i, j, level)
    return _joined(pieces)


def _crossing(sheet: Sheet, i: int, j: int, level: float) -> Iterator[tuple[Point, Point]]:
    """The pieces of the line in one cell of the grid."""
    corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
    heights: list[float] = []
    for a, b in corners:
        value = sheet.values[a][b]
        if value is None or value <= 0:
            return
        heights.append(log2(value / level))
    cuts: list[Point] = []
    for n in range(4):
        before, after = heights[n], heights[(n + 1) % 4]
        if (before < 0) != (after < 0):
            share = before / (before - after)
            (a, b), (c, d) = corners[n], corners[(n + 1) % 4]
            x = sheet.xs[a] + (sheet.xs[c] - sheet.xs[a]) * share
            y = sheet.ys[b] + (sheet.ys[d] - sheet.ys[b]) * share
            cuts.append((x, y))
    if len(cuts) == 2:
        yield cuts[0], cuts[1]
    elif len(cuts) == 4:
        middle = sum(heights) / 4
        first = 1 if (middle < 0) == (heights[0] < 0) else 3
        yield cuts[0], cuts[first]
        yield cuts[2], cuts[4 - first]


def _joined(pieces: Sequence[tuple[Point, Point]]) -> list[list[Point]]:
    """Pieces that meet as whole lines."""
    ends: dict[Point, list[int]] = defaultdict(list)
    keyed = [(_key(a), _key(b)) for a, b in pieces]
    for n, (a, b) in enumerate(keyed):
        ends[a].append(n)
        ends[b].append(n)
    left = dict.fromkeys(range(len(pieces)))
    found = []
    single = [n for n, (a, b) in enumerate(keyed) if 1 in (len(ends[a]), len(ends[b]))]
    for start in [*single, *range(len(pieces))]:
        if start not in left:
            continue
        a, b = keyed[start]
        line = [a, b] if len(ends[a]) == 1 or len(ends[b]) != 1 else [b, a]
        del left[start]
        while True:
            after = next((n for n in ends[line[-1]] if n in left), None)
            if after is None:
                break
            del left[after]
            a, b = keyed[after]
            line.append(b if a == line[-1] else a)
        found.append(line)
    return found


def _key(point: Point) -> Point:
    return round(point[0], 9), round(point[1], 9)


def levels(sheet: Sheet) -> list[float]:
    """Round costs between the least and the greatest, evenly far from each other."""
    known = [v for row in sheet.values for v in row if v]
    if not known:
        return []
    low, high = min(known), max(known)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    found: list[float] = []
    for digits in ((1, 2, 5), (1, 3), (1,)):
        found = [d * 10.0**n for n in decades for d in digits if low <= d * 10.0**n <= high]
        if len(found) <= MOST:
            break
    return found


def contours(
    sheets: Mapping[str, Sheet], title: str, below: str, x_title: str, y_title: str
) -> Scene:
    """The chart of costs (``macs``, ``params``, ``activations``) over the same grid."""
    first = next(iter(sheets.values()))
    plot = Plot(
        LEFT,
        TOP,
        WIDTH - LEFT - RIGHT,
        HEIGHT - TOP - BOTTOM,
        _scale(first.xs),
        _scale(first.ys),
    )
    shapes: list[Shape] = [
        *heading(title, below, 20),
        *key(((COLOURS[k], f"equal {NAMES[k]}", True) for k in sheets), LEFT, 70),
        *plot.axes(x_title, y_title),
        *_grid(plot, first),
    ]
    taken: list[Extent] = []
    names: list[Shape] = []
    for cost, sheet in sheets.items():
        for level in levels(sheet):
            for line in lines(sheet, level):
                points = tuple(plot.at(x, y) for x, y in line)
                shapes.append(Wire(points, COLOURS[cost], stroke=1.6, radius=3))
                names += _named(points, short(level), COLOURS[cost], taken)
    return Scene(WIDTH, HEIGHT, title, (*shapes, *names))


def _scale(values: Sequence[float]) -> AxisScale:
    return spanning(values, log=min(values) > 0 and max(values) >= 8 * min(values), margin=0.04)


def _grid(plot: Plot, sheet: Sheet) -> Iterator[Shape]:
    """A dot for each candidate."""
    if len(sheet.xs) * len(sheet.ys) > 2500:
        return
    for i, x in enumerate(sheet.xs):
        for j, y in enumerate(sheet.ys):
            if sheet.values[i][j] is not None:
                yield Disc(*plot.at(x, y), 1.1, "faint", "")


def _named(points: Sequence[Point], text: str, colour: str, taken: list[Extent]) -> Iterator[Shape]:
    """The line's cost, written on it where there is room: nearest to its middle first."""
    width = text_width(text, 9.5, True) + 4
    order = sorted(range(len(points)), key=lambda n: abs(n - len(points) / 2))
    long = sum(hypot(a[0] - b[0], a[1] - b[1]) for a, b in pairwise(points))
    if long < width:
        return
    for n in order:
        x, y = points[n]
        box = (x - width / 2, y - 7, x + width / 2, y + 7)
        inside = box[0] > LEFT and box[2] < WIDTH - RIGHT and box[1] > TOP
        if not inside or box[3] > HEIGHT - BOTTOM:
            continue
        if any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
            continue
        taken.append(box)
        yield Box(x - width / 2, y - 6, width, 12, "paper", "", 0)
        yield Words(x, y, text, 9.5, "middle", True, colour)
        return
