"""Whether a picture is crowded: what overlaps in it, is cut off, or is run through by a line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

from archdsl.pictures.scene import Box, Disc, Extent, Point, Scene, Shape, Wire, Words, crosses

AROUND = ("frame", "inner")  # fills of boxes that hold others
S = TypeVar("S", bound=Shape)


def faults(scene: Scene) -> list[str]:
    """What is wrong, in words."""
    words = [s for s in scene.shapes if isinstance(s, Words)]
    boxes = [s for s in scene.shapes if isinstance(s, Box)]
    leaves = [b for b in boxes if b.fill not in AROUND and not _is_shadow(b, boxes)]
    frames = [b for b in boxes if b.fill in AROUND]
    discs = [s for s in scene.shapes if isinstance(s, Disc) and s.radius > 4]
    wires = [s for s in scene.shapes if isinstance(s, Wire)]
    return [
        *(f"{_say(s)} is cut off" for s in scene.shapes if not _inside(s.extent, _whole(scene))),
        *(f"{_say(a)} and {_say(b)} overlap" for a, b in _meeting([*leaves, *discs], 0.6)),
        *(f"{_say(a)} and {_say(b)} overlap" for a, b in _meeting(words, 1.5)),
        *(f"{_say(w)} sticks out of {_say(b)}" for w, b in _sticking(words, boxes, 0)),
        *(f"{_say(w)} lies on {_say(d)}" for w, d in _across(words, discs, 1)),
        *(
            f"{_say(b)} sticks out of {_say(f)}"
            for b, f in _sticking([*leaves, *frames], frames, 1)
        ),
        *(f"a line runs through {_say(s)}" for s in _run_through(wires, [*leaves, *discs], 1.2)),
        *(f"a line runs through {_say(s)}" for s in _run_through(wires, words, 2)),
    ]


def _is_shadow(box: Box, boxes: list[Box]) -> bool:
    """Whether it only shows that others lie behind one."""
    return box.fill == "block" and not box.note


def _say(shape: Shape) -> str:
    x, y = shape.extent[:2]
    name = shape.text if isinstance(shape, Words) else type(shape).__name__
    if isinstance(shape, Box) and shape.note:
        name = f"box {shape.note.splitlines()[0]!r}"
    return f"{name} at {x:.0f}, {y:.0f}"


def _whole(scene: Scene) -> Extent:
    return 0, 0, scene.width, scene.height


def _inside(a: Extent, b: Extent, slack: float = 0.5) -> bool:
    return (
        a[0] >= b[0] - slack
        and a[1] >= b[1] - slack
        and a[2] <= b[2] + slack
        and a[3] <= b[3] + slack
    )


def _meets(a: Extent, b: Extent, slack: float) -> bool:
    return (
        a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack
    )


def _meeting(shapes: list[S], slack: float) -> Iterator[tuple[S, S]]:
    """Pairs whose extents have more than the slack in common."""
    active: list[S] = []
    for shape in sorted(shapes, key=lambda s: s.extent[1]):
        active = [a for a in active if a.extent[3] > shape.extent[1] + slack]
        yield from ((a, shape) for a in active if _meets(a.extent, shape.extent, slack))
        active.append(shape)


def _across(
    some: list[S], others: list[Disc] | list[Box], slack: float
) -> Iterator[tuple[S, Disc | Box]]:
    for a in some:
        yield from ((a, b) for b in others if _meets(a.extent, b.extent, slack))


def _sticking(some: list[S], boxes: list[Box], slack: float) -> Iterator[tuple[S, Box]]:
    """Shapes that are neither inside a box nor outside of it."""
    for a, b in _across(some, boxes, 1 + slack):
        if not _inside(a.extent, b.extent) and not _inside(b.extent, a.extent):
            yield a, b  # type: ignore[misc]


def _run_through(wires: list[Wire], shapes: list[S], slack: float) -> Iterator[S]:
    segments = [s for w in wires for s in pairwise(_points(w))]
    segments.sort(key=lambda s: min(s[0][1], s[1][1]))
    for shape in shapes:
        left, top, right, bottom = shape.extent
        box = (left + slack, top + slack, right - slack, bottom - slack)
        for a, b in segments:
            if min(a[1], b[1]) > bottom:
                break
            if max(a[1], b[1]) >= top and crosses(a, b, box):
                yield shape
                break


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
