"""A long drawing in lanes: columns of a network that runs down the page, rows of one that runs
to the right.

A drawing is cut where nothing but one line goes on, the frames of open blocks aside, which are
cut with it. The line then leads from the end of a lane round to the start of the next.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, inf

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.pictures.scene import Box, Point, Scene, Shape, Wire, Words, extent, moved, scaled

FRAMES = ("frame", "inner")  # fills of boxes that hold others
STUB = 6.0  # of a line at the start of a lane, before what it leads to
ROUND = 12.0  # from the end of a lane to the line that leads on
GUTTER = 36.0  # between lanes
MOST_LANES = 16
LEAST_TEXT = 1.0  # pixels of the largest text: less is no picture


@dataclass(frozen=True, slots=True)
class CutPoint:
    """Where a drawing can be cut: along the flow, and where its line is across."""

    s: float
    t: float


@dataclass(frozen=True, slots=True)
class Lanes:
    """A drawing that runs down, or to the right, and where it can be cut."""

    drawn: Sequence[Shape]
    down: bool

    def place(self, point: Sequence[float]) -> tuple[float, float]:
        """A point along and across the flow."""
        x, y = point
        return (y, x) if self.down else (x, y)

    def span(self, shape: Shape) -> tuple[float, float]:
        """From where to where a shape reaches along the flow."""
        left, top, right, bottom = shape.extent
        return (top, bottom) if self.down else (left, right)

    def across(self, shape: Shape) -> tuple[float, float]:
        """From where to where a shape reaches across the flow."""
        left, top, right, bottom = shape.extent
        return (left, right) if self.down else (top, bottom)

    def cuts(self) -> list[CutPoint]:
        """Where one line alone goes on, in their order."""
        solid = [s for s in self.drawn if not isinstance(s, Wire) and not _is_frame(s)]
        wires = [s for s in self.drawn if isinstance(s, Wire)]
        blocking = _Crossed([self.span(s) for s in solid])
        lines = _Crossed([self.span(s) for s in wires])
        filled = sorted(self.span(s) for s in solid if not isinstance(s, Words))
        frames = [self.span(s) for s in self.drawn if _is_frame(s)]
        found = {}
        for wire in wires:
            if wire.curved or wire.dashed:
                continue
            for a, b in pairwise(wire.points):
                (s, t), (end, other) = self.place(a), self.place(b)
                at = end - STUB
                if t != other or at - s < 2 or blocking(at) or lines(at) != 1:
                    continue
                around = [f for f in frames if f[0] < at < f[1]]
                if all(_has(filled, low, at) and _has(filled, at, high) for low, high in around):
                    found[at] = CutPoint(at, t)
        return [found[s] for s in sorted(found)]

    def laid(self, chosen: Sequence[CutPoint]) -> list[Shape]:
        """The drawing with a lane up to each of these cuts, and one for the rest."""
        if not chosen:
            return list(self.drawn)
        low, high = self.span(_whole(self.drawn))
        ends = [*(c.s for c in chosen), high]
        starts = [low, *(c.s for c in chosen)]
        lanes: list[list[Shape]] = [[] for _ in ends]
        leading: list[tuple[Wire, int, int]] = []
        for shape in self.drawn:
            first, last = self.span(shape)
            lane = bisect_right(starts, first + 1e-6) - 1
            final = max(bisect_left(ends, last - 1e-6), lane)
            if lane == final:
                lanes[lane].append(shape)
            elif isinstance(shape, Wire):
                leading.append((shape, lane, final))
            else:
                assert isinstance(shape, Box), "only frames are cut"
                for n in range(lane, final + 1):
                    lanes[n].append(self._piece(shape, max(first, starts[n]), min(last, ends[n])))
        moves, gutters = self._moves(lanes, starts)
        found = [
            s for lane, (dx, dy) in zip(lanes, moves, strict=True) for s in moved(lane, dx, dy)
        ]
        found += [self._led(*line, chosen, starts, ends, moves, gutters) for line in leading]
        return found

    def sizes(self) -> Callable[[Sequence[CutPoint]], Point]:
        """What says how wide and high the drawing is with a lane up to each of some cuts, by the
        places of its shapes, which are found once: it is not laid out for that."""
        low, high = self.span(_whole(self.drawn))
        places = [(*self.span(s), *self.across(s), isinstance(s, Wire)) for s in self.drawn]

        def size(chosen: Sequence[CutPoint]) -> Point:
            starts, ends = [low, *(c.s for c in chosen)], [*(c.s for c in chosen), high]
            near, far = [inf] * len(ends), [-inf] * len(ends)
            for first, last, a, b, leads in places:
                lane = bisect_right(starts, first + 1e-6) - 1
                final = max(bisect_left(ends, last - 1e-6), lane)
                if leads and lane < final:
                    continue
                for n in range(lane, final + 1):
                    near[n], far[n] = min(near[n], a), max(far[n], b)
            across = sum(b - a for a, b in zip(near, far, strict=True)) + GUTTER * len(chosen)
            *lengths, last = (end - start for start, end in zip(starts, ends, strict=True))
            along = max([last, *(length + ROUND for length in lengths)]) + ROUND * bool(chosen)
            return (across, along) if self.down else (along, across)

        return size

    def _piece(self, box: Box, start: float, end: float) -> Box:
        """A frame from one place along the flow to another."""
        if self.down:
            return replace(box, y=start, height=end - start)
        return replace(box, x=start, width=end - start)

    def _moves(
        self, lanes: list[list[Shape]], starts: list[float]
    ) -> tuple[list[Point], list[float]]:
        """How far each lane is moved, and where the line before it runs across the flow."""
        moves: list[Point] = []
        gutters: list[float] = []
        edge = 0.0
        for number, (lane, start) in enumerate(zip(lanes, starts, strict=True)):
            left, top, right, bottom = extent(lane)
            near, far = (left, right) if self.down else (top, bottom)
            across = edge + (GUTTER if number else 0.0) - near
            gutters.append(edge + GUTTER / 2)
            along = starts[0] - start
            moves.append((across, along) if self.down else (along, across))
            edge = far + across
        return moves, gutters

    def _led(
        self,
        wire: Wire,
        lane: int,
        final: int,
        chosen: Sequence[CutPoint],
        starts: list[float],
        ends: list[float],
        moves: list[Point],
        gutters: list[float],
    ) -> Wire:
        """A line that leads on from lane to lane."""
        way: list[tuple[float, float]] = []
        for point in wire.points:
            s, t = self.place(point)
            while lane < final and s > ends[lane]:
                ds, dt = self.place(moves[lane])
                after = self.place(moves[lane + 1])[1]
                end, top = ends[lane] + ds + ROUND, starts[0] - ROUND
                across, gutter = chosen[lane].t, gutters[lane + 1]
                way += [(end, across + dt), (end, gutter), (top, gutter), (top, across + after)]
                lane += 1
            ds, dt = self.place(moves[lane])
            way.append((s + ds, t + dt))
        points = [(t, s) if self.down else (s, t) for s, t in way]
        return replace(wire, points=tuple(points))


class _Crossed:
    """How many of some intervals have a place within them."""

    def __init__(self, spans: Sequence[tuple[float, float]]) -> None:
        self.lows = sorted(low for low, _ in spans)
        self.highs = sorted(high for _, high in spans)

    def __call__(self, s: float) -> int:
        return bisect_left(self.lows, s) - bisect_right(self.highs, s)


def _has(filled: Sequence[tuple[float, float]], low: float, high: float) -> bool:
    """Whether a box begins there: what is left of a frame holds more than its title."""
    place = bisect_left(filled, (low, low))
    return place < len(filled) and filled[place][0] < high


def _is_frame(shape: Shape) -> bool:
    return isinstance(shape, Box) and shape.fill in FRAMES


def _whole(drawn: Sequence[Shape]) -> Box:
    left, top, right, bottom = extent(drawn)
    return Box(left, top, right - left, bottom - top)


def _divisions(lanes: Lanes) -> Iterator[list[CutPoint]]:
    """Cuts into one lane, two and so on, each time with lanes as short as they can be."""
    cuts = lanes.cuts()
    low, high = lanes.span(_whole(lanes.drawn))
    fewest = MOST_LANES + 1
    yield []
    for count in range(2, MOST_LANES + 1):
        pixels = range(int(high - low) + 1)
        least = bisect_left(pixels, True, key=lambda x: len(_filled(cuts, low, high, x)) < count)
        chosen = _filled(cuts, low, high, least)
        if len(chosen) + 1 != fewest:
            fewest = len(chosen) + 1
            yield chosen


def _filled(cuts: Sequence[CutPoint], low: float, high: float, longest: float) -> list[CutPoint]:
    """The fewest cuts that make no lane longer, where there are such cuts."""
    found: list[CutPoint] = []
    start = low
    for cut, after in pairwise([*cuts, CutPoint(high, 0.0)]):
        if after.s - start > longest and cut.s > start:
            found.append(cut)
            start = cut.s
    return found


def fitted(
    drawn: Sequence[Shape],
    down: bool,
    room: tuple[float, float],
    framed: Callable[[list[Shape]], Scene],
) -> Scene:
    """A drawing in as many lanes as let it be largest in a ``room`` of a width and a height, and
    made smaller where that is not enough. ``framed`` adds its title and legend. Raises
    ``ArchError`` (A908).
    """
    lanes = Lanes(drawn, down)
    size, factor = lanes.sizes(), 0.0
    best: Sequence[CutPoint] = ()
    for chosen in _divisions(lanes):
        like = framed([Box(0, 0, *size(chosen))])  # as large as what it stands for
        fits = min(1.0, room[0] / like.width, room[1] / like.height)
        if fits > factor * 1.001:
            best, factor = chosen, fits
        if factor == 1:
            break
    return smaller(framed(lanes.laid(best)), room)


def smaller(scene: Scene, room: tuple[float, float]) -> Scene:
    """A picture made small enough for a room. Raises ``ArchError`` (A908) where its texts could
    not be seen."""
    factor = min(1.0, room[0] / scene.width, room[1] / scene.height)
    texts = [shape.size for shape in scene.shapes if isinstance(shape, Words)]
    if texts and factor * max(texts) < LEAST_TEXT:
        needed = LEAST_TEXT / (factor * max(texts))
        fields = {
            "name": f"{room[0]:g}x{room[1]:g}",
            "needed": "x".join(f"{ceil(side * needed):g}" for side in room),
        }
        raise ArchError([diagnose(codes.NO_ROOM, fields=fields)])
    return scaled(scene, factor)
