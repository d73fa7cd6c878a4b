"""Whether a picture is crowded: what overlaps in it, is cut off, or is run through by a line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Generic, TypeVar

from archdsl.pictures.scene import Box, Disc, Extent, Point, Scene, Shape, Wire, Words, crosses

AROUND = ("frame", "inner")  # fills of boxes that hold others
Thing = TypeVar("Thing")


class Rows(Generic[Thing]):
    """Things by where they are on the page: those of a few rows are looked at, not all."""

    HEIGHT = 60

    def __init__(self, things: Iterable[tuple[Extent, Thing]]) -> None:
        self.rows: dict[int, list[tuple[Extent, Thing]]] = defaultdict(list)
        for extent, thing in things:
            for row in self._of(extent):
                self.rows[row].append((extent, thing))

    def _of(self, extent: Extent) -> range:
        return range(int(extent[1] // self.HEIGHT), int(extent[3] // self.HEIGHT) + 1)

    def meeting(self, extent: Extent, slack: float) -> Iterator[Thing]:
        """The things that have more than the slack in common with an extent."""
        seen: set[int] = set()
        for row in self._of(extent):
            for other, thing in self.rows.get(row, ()):
                if id(thing) not in seen and meets(extent, other, slack):
                    seen.add(id(thing))
                    yield thing


def faults(scene: Scene) -> list[str]:
    """What is wrong, in words."""
    words = [s for s in scene.shapes if isinstance(s, Words)]
    boxes = [s for s in scene.shapes if isinstance(s, Box)]
    leaves = [b for b in boxes if b.fill not in AROUND and not _is_shadow(b)]
    frames = [b for b in boxes if b.fill in AROUND]
    discs = [s for s in scene.shapes if isinstance(s, Disc) and s.radius > 4]
    wires = [s for s in scene.shapes if isinstance(s, Wire)]
    whole = (0.0, 0.0, scene.width, scene.height)
    solid: list[Shape] = [*leaves, *discs]
    return [
        *(f"{say(s)} is cut off" for s in scene.shapes if not inside(s.extent, whole)),
        *(f"{say(a)} and {say(b)} overlap" for a, b in _pairs(solid, 0.6)),
        *(f"{say(a)} and {say(b)} overlap" for a, b in _pairs(words, 1.5)),
        *(f"{say(w)} sticks out of {say(b)}" for w, b in _sticking(words, boxes)),
        *(f"{say(w)} lies on {say(d)}" for w, d in _across(words, discs, 1)),
        *(f"{say(b)} sticks out of {say(f)}" for b, f in _sticking([*leaves, *frames], frames)),
        *(f"a line is slanted at {x:.0f}, {y:.0f}" for x, y in _slanted(wires)),
        *(f"a line runs through {say(s)}" for s in _run_through(wires, solid, 1.2)),
        *(f"a line runs through {say(s)}" for s in _run_through(wires, words, 2)),
    ]


def _slanted(wires: Iterable[Wire]) -> Iterator[Point]:
    """Where a line into something runs neither along the page nor across it."""
    for wire in (w for w in wires if w.arrow):
        for a, b in pairwise(wire.points):
            if abs(a[0] - b[0]) > 0.5 and abs(a[1] - b[1]) > 0.5:
                yield a


def _is_shadow(box: Box) -> bool:
    """Whether it only shows that others lie behind one."""
    return box.fill == "block" and not box.note


def say(shape: Shape) -> str:
    x, y = shape.extent[:2]
    name = shape.text if isinstance(shape, Words) else type(shape).__name__
    if isinstance(shape, Box) and shape.note:
        name = f"box {shape.note.splitlines()[0]!r}"
    return f"{name} at {x:.0f}, {y:.0f}"


def inside(a: Extent, b: Extent, slack: float = 0.5) -> bool:
    return (
        a[0] >= b[0] - slack
        and a[1] >= b[1] - slack
        and a[2] <= b[2] + slack
        and a[3] <= b[3] + slack
    )


def meets(a: Extent, b: Extent, slack: float) -> bool:
    return (
        a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack
    )


def _pairs(shapes: Iterable[Shape], slack: float) -> Iterator[tuple[Shape, Shape]]:
    """Pairs whose extents have more than the slack in common."""
    listed = list(enumerate(shapes))
    rows = Rows((s.extent, (i, s)) for i, s in listed)
    for i, shape in listed:
        for j, other in rows.meeting(shape.extent, slack):
            if i < j:
                yield shape, other


def _across(
    some: Iterable[Shape], others: Iterable[Shape], slack: float
) -> Iterator[tuple[Shape, Shape]]:
    rows = Rows((s.extent, s) for s in others)
    for a in some:
        yield from ((a, b) for b in rows.meeting(a.extent, slack))


def _sticking(some: Iterable[Shape], boxes: Iterable[Box]) -> Iterator[tuple[Shape, Shape]]:
    """Shapes that are neither inside a box nor outside of it."""
    for a, b in _across(some, boxes, 1):
        if not inside(a.extent, b.extent) and not inside(b.extent, a.extent):
            yield a, b


def _run_through(wires: list[Wire], shapes: Iterable[Shape], slack: float) -> Iterator[Shape]:
    segments = [s for w in wires for s in pairwise(_points(w))]
    rows = Rows((_extent(s), s) for s in segments)
    for shape in shapes:
        left, top, right, bottom = shape.extent
        box = (left + slack, top + slack, right - slack, bottom - slack)
        if any(crosses(a, b, box) for a, b in rows.meeting(box, -1)):
            yield shape


def _extent(segment: tuple[Point, Point]) -> Extent:
    (a, b), (c, d) = segment
    return min(a, c), min(b, d), max(a, c), max(b, d)


def _points(wire: Wire) -> list[Point]:
    if not wire.curved:
        return list(wire.points)
    a, b, c, d, e, f = wire.points
    curve = []
    for i in range(13):
        u = i / 12
        x, y = (
            (1 - u) ** 3 * b[k]
            + 3 * (1 - u) ** 2 * u * c[k]
            + 3 * (1 - u) * u * u * d[k]
            + u**3 * e[k]
            for k in (0, 1)
        )
        curve.append((x, y))
    return [a, *curve, f]
