"""The comparison of Canziani, Paszke and Culurciello 2016 (arXiv:1605.07678): accuracy over
operations, the area of a blob being its parameters, with the Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import sqrt

from archdsl.pictures.charts import Plot, heading, percent, spanning
from archdsl.pictures.fonts import text_width
from archdsl.pictures.palette import CURVES
from archdsl.pictures.point_labels import Spot, labelled
from archdsl.pictures.scene import Disc, Scene, Shape, Wire, Words
from archdsl.units import short

WIDTH, HEIGHT = 920.0, 680.0
LEFT, TOP, RIGHT, BOTTOM = 76.0, 66.0, 24.0, 116.0
LARGEST, SMALLEST = 34.0, 3.0  # radii


@dataclass(frozen=True, slots=True)
class Blob:
    """A network in the comparison. ``low`` and ``high`` are the interval of an accuracy that was
    measured; ``apart`` is one that was measured in another way than the others'."""

    name: str
    family: str
    x: float
    y: float
    size: float
    low: float | None = None
    high: float | None = None
    apart: bool = False
    note: str = ""


def front(blobs: Sequence[Blob]) -> list[Blob]:
    """Those that no other beats: none costs less or the same and is as good or better."""
    found: list[Blob] = []
    for blob in sorted(blobs, key=lambda b: (b.x, -b.y)):
        if not blob.apart and (not found or blob.y > found[-1].y):
            found.append(blob)
    return found


def bubbles(
    blobs: Sequence[Blob],
    title: str,
    x_title: str,
    y_title: str,
    size_title: str,
    show_x: Callable[[float], str] = short,
    show_size: Callable[[float], str] = short,
) -> Scene:
    """The chart of some networks. ``size_title`` says what the blobs' areas are."""
    ys = [v for b in blobs for v in (b.y, b.low, b.high) if v is not None]
    plot = Plot(
        LEFT,
        TOP,
        WIDTH - LEFT - RIGHT,
        HEIGHT - TOP - BOTTOM,
        spanning([b.x for b in blobs], show=show_x, margin=0.08),
        spanning(ys, False, percent, 0.08),
    )
    best = front(blobs)
    most = max(b.size for b in blobs)

    def radius(size: float) -> float:
        return max(SMALLEST, LARGEST * sqrt(size / most))

    families = list(dict.fromkeys(b.family for b in blobs))
    hues = {f: CURVES[i % len(CURVES)] for i, f in enumerate(families)}
    spots = [_spot(plot, b, radius(b.size), b in best) for b in blobs]
    room = (LEFT + 3, TOP + 3, WIDTH - RIGHT - 3, HEIGHT - BOTTOM - 3)
    stairs = list(_staircase(plot, best))
    intervals = list(_intervals(plot, blobs))
    shapes: list[Shape] = [
        *heading(title, _explanation(blobs, size_title), 20),
        *plot.axes(x_title, y_title),
        *_families(plot, blobs, hues),
        *stairs,
        *intervals,
        *_discs(plot, blobs, radius, hues),
        *labelled(spots, room, [*stairs, *intervals]),
        *_sizes(most, radius, show_size, size_title),
    ]
    return Scene(WIDTH, HEIGHT, title, tuple(shapes))


def _explanation(blobs: Sequence[Blob], size_title: str) -> str:
    parts = [f"Area of a blob: {size_title}"]
    several = len({b.family for b in blobs}) < len(blobs)
    parts += ["thin line: one family"] * several
    parts += ["dashed: the Pareto front"]
    parts += ["hollow: accuracy over several crops, not compared"] * any(b.apart for b in blobs)
    parts += ["bars: intervals of measured accuracies"] * any(b.low is not None for b in blobs)
    return "; ".join(parts) + "."


def _spot(plot: Plot, blob: Blob, radius: float, best: bool) -> Spot:
    x, y = plot.at(blob.x, blob.y)
    return Spot(x, y, radius, blob.name, 10 * best + blob.y - blob.apart, best)


def _families(plot: Plot, blobs: Sequence[Blob], hues: dict[str, str]) -> Iterator[Shape]:
    """A thin line through the networks of a family."""
    order = sorted((b for b in blobs if not b.apart), key=lambda b: (b.family, b.x))
    for family, group in groupby(order, key=lambda b: b.family):
        points = tuple(plot.at(b.x, b.y) for b in group)
        if len(points) > 1:
            yield Wire(points, hues[family], stroke=0.7, radius=0)


def _staircase(plot: Plot, best: Sequence[Blob]) -> Iterator[Wire]:
    points = []
    for before, after in pairwise(best):
        points += [plot.at(before.x, before.y), plot.at(after.x, before.y)]
    if points:
        end = plot.at(best[-1].x, best[-1].y)
        yield Wire((*points, end), "ink", dashed=True, stroke=1.4, radius=0)


def _intervals(plot: Plot, blobs: Sequence[Blob]) -> Iterator[Wire]:
    for blob in blobs:
        if blob.low is None or blob.high is None:
            continue
        (x, low), (_, high) = plot.at(blob.x, blob.low), plot.at(blob.x, blob.high)
        yield Wire(((x, low), (x, high)), "ink", stroke=1.2)
        for y in (low, high):
            yield Wire(((x - 4, y), (x + 4, y)), "ink", stroke=1.2)


def _discs(
    plot: Plot,
    blobs: Sequence[Blob],
    radius: Callable[[float], float],
    hues: dict[str, str],
) -> Iterator[Shape]:
    for blob in sorted(blobs, key=lambda b: -b.size):
        x, y = plot.at(blob.x, blob.y)
        fill = "paper" if blob.apart else hues[blob.family]
        line = hues[blob.family]
        yield Disc(x, y, radius(blob.size), fill, line, 0.45, note=blob.note)
    for blob in blobs:
        x, y = plot.at(blob.x, blob.y)
        yield Disc(x, y, 1.4, hues[blob.family], "")


def _sizes(
    most: float,
    radius: Callable[[float], float],
    show: Callable[[float], str],
    title: str,
) -> Iterator[Shape]:
    """How large a blob is for how much."""
    y = HEIGHT - 36
    x = LEFT
    yield Words(x, y, title, 10, colour="faint")
    x += text_width(title, 10) + 14
    for share in (0.01, 0.1, 0.5):
        size = _round(most * share)
        r = radius(size)
        x += r
        yield Disc(x, y, r, "block", "edge", 1)
        yield Words(x + r + 5, y, show(size), 10, colour="faint")
        x += r + 18 + text_width(show(size), 10)


def _round(value: float) -> float:
    """A number with one digit that is not 0."""
    return float(f"{value:.0e}")
