"""Names beside points, so that none lies on another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, hypot, pi, sin

from archdsl.pictures.scene import Anchor, Extent, Shape, Wire, Words, crosses

SIZE = 9.5
RINGS = (3.0, 12.0, 24.0, 38.0)  # distances from a disc's edge
ANGLES = [i * pi / 8 for i in (0, 15, 1, 14, 2, 8, 7, 9, 13, 3, 12, 4, 5, 11, 6, 10)]


@dataclass(frozen=True, slots=True)
class Spot:
    """A point with a name; those of higher ``rank`` are named first."""

    x: float
    y: float
    radius: float
    name: str
    rank: float = 0.0
    bold: bool = False

    @property
    def extent(self) -> Extent:
        r = self.radius
        return self.x - r, self.y - r, self.x + r, self.y + r


def labelled(
    spots: Sequence[Spot],
    room: Extent,
    lines: Sequence[Wire] = (),
    taken: Sequence[Extent] = (),
) -> Iterator[Shape]:
    """The names that have a place within the room, and lines to those that stand apart. A name
    may lie on a large disc, or on one of the ``lines`` if there is no other place, but covers no
    point, no other name and nothing that is ``taken``."""
    segments = [s for line in lines for s in pairwise(line.points)]
    boxes = list(taken)
    middles = [(s.x - 2.5, s.y - 2.5, s.x + 2.5, s.y + 2.5) for s in spots]
    for spot in sorted(spots, key=lambda s: -s.rank):
        best: tuple[float, Words, float] | None = None
        for words, ring in _places(spot):
            extent = words.extent
            if not _within(extent, room) or any(_meet(extent, b) for b in boxes):
                continue
            if any(_meet(extent, m) for m in middles):
                continue
            cost = ring + sum(20 for s in spots if s is not spot and _meet(extent, s.extent))
            cost += sum(25 for a, b in segments if crosses(a, b, extent))
            own = _away(spot, extent)
            cost += 30 * any(_away(s, extent) < own for s in spots if s is not spot)
            if best is None or cost < best[0]:
                best = cost, words, ring
        if best is None:
            continue
        _, words, ring = best
        boxes.append(words.extent)
        if ring > RINGS[1]:
            yield _leader(spot, words)
        yield words


def _places(spot: Spot) -> Iterator[tuple[Words, float]]:
    for ring in RINGS:
        away = spot.radius + ring
        for angle in ANGLES:
            dx, dy = cos(angle), sin(angle)
            anchor: Anchor = "middle" if abs(dx) < 0.3 else ("start" if dx > 0 else "end")
            x, y = spot.x + dx * away, spot.y + dy * (away + 5 * (abs(dx) < 0.3))
            yield Words(x, y, spot.name, SIZE, anchor, spot.bold), ring


def _leader(spot: Spot, words: Words) -> Wire:
    """A thin line from a disc to its name."""
    left, top, right, bottom = words.extent
    end = (min(max(spot.x, left), right), min(max(spot.y, top + 2), bottom - 2))
    dx, dy = end[0] - spot.x, end[1] - spot.y
    whole = (dx * dx + dy * dy) ** 0.5 or 1
    start = spot.x + dx / whole * spot.radius, spot.y + dy / whole * spot.radius
    return Wire((start, end), "faint", stroke=0.6, radius=0)


def _away(spot: Spot, extent: Extent) -> float:
    """How far a disc is from a name."""
    left, top, right, bottom = extent
    dx = max(left - spot.x, 0, spot.x - right)
    dy = max(top - spot.y, 0, spot.y - bottom)
    return hypot(dx, dy) - spot.radius


def _meet(a: Extent, b: Extent) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _within(a: Extent, b: Extent) -> bool:
    return a[0] >= b[0] and a[1] >= b[1] and a[2] <= b[2] and a[3] <= b[3]
