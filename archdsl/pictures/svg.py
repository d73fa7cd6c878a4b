"""Scenes as SVG text."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from archdsl.pictures.fonts import FAMILY
from archdsl.pictures.palette import COLOURS, on_paper
from archdsl.pictures.scene import (
    BASELINE,
    Area,
    Box,
    Disc,
    Point,
    Scene,
    Shape,
    Wire,
    Words,
    arrow_head,
    rounded,
)


def svg(scene: Scene, notes: bool = True, themed: bool = False) -> str:
    """A scene as an SVG file. ``notes`` are what a browser shows when a shape is pointed at; a
    ``themed`` one has the colours of the page around it."""
    used = sorted({role for s in scene.shapes for role in roles(s)} | {"paper"})
    hues = {r: f"var(--{r})" if themed else on_paper(r) for r in used if r in COLOURS}
    styles = "".join(
        f".archdsl .{r}{{fill:{c}}}.archdsl .l-{r}{{stroke:{c}}}" for r, c in hues.items()
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(scene.width)}"'
        f' height="{_n(scene.height)}" viewBox="0 0 {_n(scene.width)} {_n(scene.height)}"'
        f' class="archdsl" role="img" font-family="{FAMILY}">',
        f"<title>{_text(scene.title)}</title>",
        f"<style>.archdsl path{{fill:none;stroke-width:1.2}}{styles}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
        *(part for shape in scene.shapes for part in elements(shape, notes)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def roles(shape: Shape) -> tuple[str, ...]:
    """The roles of a shape's colours."""
    if isinstance(shape, (Box, Disc)):
        return shape.fill, shape.line
    return (shape.fill,) if isinstance(shape, Area) else (shape.colour,)


def elements(shape: Shape, notes: bool = True) -> Iterator[str]:
    """A shape as SVG; its classes are the roles of its colours."""
    if isinstance(shape, Box):
        yield from _box(shape, notes)
    elif isinstance(shape, Words):
        yield _words(shape)
    elif isinstance(shape, Wire):
        yield from _wire(shape)
    elif isinstance(shape, Disc):
        yield from _disc(shape, notes)
    else:
        opacity = f' opacity="{_n(shape.opacity)}"' if shape.opacity != 1 else ""
        yield f'<path class="{shape.fill}" d="{_closed(shape.points)}"{opacity}/>'


def _box(box: Box, notes: bool) -> Iterator[str]:
    line = f" l-{box.line}" if box.line else ""
    extra = f' stroke-width="{_n(box.stroke)}"' if box.stroke != 1 and box.line else ""
    extra += ' stroke-dasharray="4 3"' if box.dashed else ""
    extra += f' rx="{_n(box.radius)}"' if box.radius else ""
    yield (
        f'<rect class="{box.fill}{line}" x="{_n(box.x)}" y="{_n(box.y)}"'
        f' width="{_n(box.width)}" height="{_n(box.height)}"{extra}' + _end("rect", box.note, notes)
    )


def _words(words: Words) -> str:
    y = words.y + words.size * BASELINE
    place = f'x="{_n(words.x)}" y="{_n(y)}"'
    if words.upright:
        x = words.x + words.size * BASELINE
        place = f'transform="translate({_n(x)} {_n(words.y)}) rotate(-90)"'
    anchor = "" if words.anchor == "start" else f' text-anchor="{words.anchor}"'
    bold = ' font-weight="bold"' if words.bold else ""
    return (
        f'<text class="{words.colour}" {place} font-size="{_n(words.size)}"{anchor}{bold}>'
        f"{_text(words.text)}</text>"
    )


def _wire(wire: Wire) -> Iterator[str]:
    dash = ' stroke-dasharray="4 3"' if wire.dashed else ""
    width = f' style="stroke-width:{_n(wire.stroke)}"' if wire.stroke != 1.2 else ""
    yield f'<path class="l-{wire.colour}" d="{path(wire)}"{width}{dash}/>'
    if wire.arrow:
        yield f'<path class="{wire.colour}" d="{_closed(arrow_head(wire.points))}"/>'


def _disc(disc: Disc, notes: bool) -> Iterator[str]:
    opacity = f' fill-opacity="{_n(disc.opacity)}"' if disc.opacity != 1 else ""
    line = f" l-{disc.line}" if disc.line else ""
    yield (
        f'<circle class="{disc.fill}{line}" cx="{_n(disc.x)}" cy="{_n(disc.y)}"'
        f' r="{_n(disc.radius)}"{opacity}' + _end("circle", disc.note, notes)
    )
    if disc.sign:
        strokes = " ".join(f"M{_p(a)} L{_p(b)}" for a, b in sign_strokes(disc))
        yield f'<path class="l-{disc.line}" d="{strokes}"/>'


def sign_strokes(disc: Disc) -> Iterator[tuple[Point, Point]]:
    """The strokes of the sign in a circle: a plus, a minus, or a cross."""
    x, y = disc.x, disc.y
    if disc.sign in ("+", "-"):
        r = disc.radius
        yield (x - r, y), (x + r, y)
        if disc.sign == "+":
            yield (x, y - r), (x, y + r)
    else:
        r = disc.radius * 0.707
        yield (x - r, y - r), (x + r, y + r)
        yield (x - r, y + r), (x + r, y - r)


def path(wire: Wire) -> str:
    """The way of a line in SVG's words."""
    points = wire.points
    if wire.curved:
        bend = " ".join(_p(p) for p in points[2:5])
        return f"M{_p(points[0])} L{_p(points[1])} C{bend} L{_p(points[5])}"
    corners = "".join(
        f" L{_p(b)}" if b in (a, c) else f" L{_p(a)} Q{_p(b)} {_p(c)}"
        for a, b, c in rounded(points, wire.radius)
    )
    return f"M{_p(points[0])}{corners} L{_p(points[-1])}"


def _closed(points: tuple[Point, ...]) -> str:
    return "M" + " L".join(_p(p) for p in points) + "Z"


def _end(tag: str, note: str, notes: bool) -> str:
    return f"><title>{_text(note)}</title></{tag}>" if note and notes else "/>"


def _p(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _n(number: float) -> str:
    """A number as short as one sees the difference."""
    return f"{round(number, 1):g}"


def _text(text: str) -> str:
    """A text that is only text, whatever stands in it: control characters have no place in XML."""
    return escape("".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text))
