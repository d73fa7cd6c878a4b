"""A picture as simple shapes, in pixels, x to the right and y down.

Colours are roles (see ``palette``), so that one scene serves paper and a dark screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import hypot
from typing import Any, Literal

from archdsl.pictures.fonts import LINE, text_width

Point = tuple[float, float]
Extent = tuple[float, float, float, float]  # left, top, right, bottom
Anchor = Literal["start", "middle", "end"]
SIZES = ("x", "y", "width", "height", "radius", "stroke", "size")  # what grows with a picture
BASELINE = 0.36  # of a text's size, from its middle down


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; ``note`` is said when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    fill: str = "paper"
    line: str = "edge"
    radius: float = 3
    dashed: bool = False
    stroke: float = 1
    note: str = ""

    @property
    def extent(self) -> Extent:
        return self.x, self.y, self.x + self.width, self.y + self.height


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; ``y`` is its middle. ``upright`` turns it to be read from below."""

    x: float
    y: float
    text: str
    size: float = 11
    anchor: Anchor = "start"
    bold: bool = False
    colour: str = "ink"
    upright: bool = False

    @property
    def width(self) -> float:
        return text_width(self.text, self.size, self.bold)

    @property
    def extent(self) -> Extent:
        before = {"start": 0.0, "middle": self.width / 2, "end": self.width}[self.anchor]
        half = self.size * LINE / 2
        if self.upright:
            low = self.y + before
            return self.x - half, low - self.width, self.x + half, low
        left = self.x - before
        return left, self.y - half, left + self.width, self.y + half


@dataclass(frozen=True, slots=True)
class Wire:
    """A line through points, its corners rounded; ``arrow`` at its end. A ``curved`` one has six:
    straight to the second, a Bezier curve to the fifth, straight to the last."""

    points: tuple[Point, ...]
    colour: str = "wire"
    arrow: bool = False
    dashed: bool = False
    stroke: float = 1.2
    radius: float = 7
    curved: bool = False

    @property
    def extent(self) -> Extent:
        xs, ys = zip(*self.points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


@dataclass(frozen=True, slots=True)
class Disc:
    """A circle; ``sign`` is drawn into it: ``+``, ``-`` or ``*``."""

    x: float
    y: float
    radius: float
    fill: str = "join"
    line: str = "edge"
    opacity: float = 1
    sign: str = ""
    note: str = ""

    @property
    def extent(self) -> Extent:
        r = self.radius
        return self.x - r, self.y - r, self.x + r, self.y + r


@dataclass(frozen=True, slots=True)
class Area:
    """A filled polygon."""

    points: tuple[Point, ...]
    fill: str
    opacity: float = 1

    @property
    def extent(self) -> Extent:
        xs, ys = zip(*self.points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


Shape = Box | Words | Wire | Disc | Area


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture: its size, what it is called, and its shapes, those behind first."""

    width: float
    height: float
    title: str
    shapes: tuple[Shape, ...] = field(default=())

    def beside(self, other: Scene, gap: float = 40) -> Scene:
        """The two next to each other, with a line between them."""
        start, height = self.width + gap, max(self.height, other.height)
        middle = self.width + gap / 2
        rule = Wire(((middle, 20), (middle, height - 20)), "rule", dashed=True)
        shapes = (*self.shapes, rule, *moved(other.shapes, start, 0))
        return Scene(start + other.width, height, f"{self.title} and {other.title}", shapes)


def moved(shapes: Iterable[Shape], dx: float, dy: float) -> Iterator[Shape]:
    """The shapes at another place."""
    for shape in shapes:
        if isinstance(shape, (Wire, Area)):
            yield replace(shape, points=tuple((x + dx, y + dy) for x, y in shape.points))
        else:
            yield replace(shape, x=shape.x + dx, y=shape.y + dy)


def scaled(scene: Scene, factor: float) -> Scene:
    """The picture in another size, its texts and lines with it."""
    if factor == 1:
        return scene
    shapes = tuple([_scaled(shape, factor) for shape in scene.shapes])
    return Scene(scene.width * factor, scene.height * factor, scene.title, shapes)


def _scaled(shape: Shape, factor: float) -> Shape:
    known: dict[str, Any] = {
        name: getattr(shape, name) * factor for name in SIZES if hasattr(shape, name)
    }
    if isinstance(shape, (Wire, Area)):
        known["points"] = tuple((x * factor, y * factor) for x, y in shape.points)
    if isinstance(shape, Words):
        del known["width"]
    return replace(shape, **known)


def extent(shapes: Iterable[Shape]) -> Extent:
    """The smallest rectangle around all shapes."""
    lefts, tops, rights, bottoms = zip(*(s.extent for s in shapes), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def rounded(points: tuple[Point, ...], radius: float) -> Iterator[tuple[Point, Point, Point]]:
    """The corners of a line: where each begins, its point, and where it ends."""
    for (a, b), (_, c) in pairwise(pairwise(points)):
        before = min(radius, _distance(a, b) / 2)
        after = min(radius, _distance(b, c) / 2)
        yield _toward(b, a, before), b, _toward(b, c, after)


def _distance(a: Point, b: Point) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


def _toward(a: Point, b: Point, way: float) -> Point:
    whole = _distance(a, b)
    share = way / whole if whole else 0
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def arrow_head(
    points: tuple[Point, ...], length: float = 6, half: float = 3.2
) -> tuple[Point, ...]:
    """The triangle at the end of a line."""
    tip = points[-1]
    before = next((p for p in reversed(points[:-1]) if p != tip), None)
    if before is None:
        return tip, tip, tip
    whole = _distance(before, tip)
    dx, dy = (tip[0] - before[0]) / whole, (tip[1] - before[1]) / whole
    x, y = tip[0] - dx * length, tip[1] - dy * length
    return tip, (x - dy * half, y + dx * half), (x + dy * half, y - dx * half)


def crosses(a: Point, b: Point, box: Extent) -> bool:
    """Whether a segment has a point inside a rectangle (Liang and Barsky)."""
    low, high = 0.0, 1.0
    for k in (0, 1):
        start, way = a[k], b[k] - a[k]
        if way == 0:
            if not box[k] < start < box[k + 2]:
                return False
            continue
        near, far = sorted(((box[k] - start) / way, (box[k + 2] - start) / way))
        low, high = max(low, near), min(high, far)
        if low >= high:
            return False
    return True
