"""Scenes as TikZ, for a paper that is set in LaTeX: it has them by ``\\input``."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.pictures.palette import COLOURS, on_paper
from archdsl.pictures.scene import (
    BASELINE,
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
from archdsl.pictures.svg import roles, sign_strokes

POINTS = 72 / 96  # a pixel of CSS in big points
HEAD = r"""% Needs \usepackage{tikz} in the preamble; then, in a figure: \input{THIS FILE}
\begingroup\sffamily"""
SPECIAL = {
    **{c: "\\" + c for c in "#$%&_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\char34{}",
    "\xa0": "~",
    "…": r"\ldots{}",
    "⋮": r"$\vdots$",
    "≠": r"$\neq$",
    "·": r"$\cdot$",
}
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}


def tikz(scene: Scene) -> str:
    """A scene as a picture of TikZ, as large as the SVG is."""
    used = sorted({role for s in scene.shapes for role in roles(s)} | {"paper"})
    colours = [
        rf"\definecolor{{{r}}}{{HTML}}{{{on_paper(r)[1:].upper()}}}" for r in used if r in COLOURS
    ]
    size = rf"(0,0) rectangle ({_n(scene.width)},{_n(scene.height)});"
    lines = [
        f"% {_text(scene.title)}",
        HEAD,
        *colours,
        rf"\begin{{tikzpicture}}[x={POINTS}bp, y=-{POINTS}bp, line width={_n(POINTS)}bp]",
        rf"\path[use as bounding box, fill=paper] {size}",
        *(line for shape in scene.shapes for line in _drawn(shape)),
        r"\end{tikzpicture}",
        r"\endgroup",
    ]
    return "\n".join(lines) + "\n"


def _drawn(shape: Shape) -> Iterator[str]:
    if isinstance(shape, Box):
        yield _box(shape)
    elif isinstance(shape, Words):
        yield _words(shape)
    elif isinstance(shape, Wire):
        yield from _wire(shape)
    elif isinstance(shape, Disc):
        yield from _disc(shape)
    else:
        opacity = f", opacity={_n(shape.opacity)}" if shape.opacity != 1 else ""
        yield rf"\fill[{shape.fill}{opacity}] {_closed(shape.points)};"


def _box(box: Box) -> str:
    style = [f"fill={box.fill}"]
    if box.line:
        style.append(f"draw={box.line}")
        style += [f"line width={_n(box.stroke * POINTS)}bp"] if box.stroke != 1 else []
        style += ["dash pattern=on 3bp off 2.25bp"] if box.dashed else []
    radius = min(box.radius, box.width / 2, box.height / 2)
    style += [f"rounded corners={_n(radius * POINTS)}bp"] if radius else []
    corner = box.x + box.width, box.y + box.height
    return rf"\path[{', '.join(style)}] {_p((box.x, box.y))} rectangle {_p(corner)};"


def _words(words: Words) -> str:
    size = _n(words.size * POINTS)
    style = [f"text={words.colour}", "inner sep=0", f"anchor={ANCHORS[words.anchor]}"]
    shift = words.size * BASELINE
    place = (words.x + shift, words.y) if words.upright else (words.x, words.y + shift)
    style += ["rotate=90"] if words.upright else []
    bold = r"\bfseries" if words.bold else ""
    font = rf"\fontsize{{{size}}}{{{size}}}{bold}\selectfont"
    return rf"\node[{', '.join(style)}] at {_p(place)} {{{font} {_text(words.text)}}};"


def _wire(wire: Wire) -> Iterator[str]:
    style = [wire.colour, f"line width={_n(wire.stroke * POINTS)}bp"]
    style += ["dash pattern=on 3bp off 2.25bp"] if wire.dashed else []
    yield rf"\draw[{', '.join(style)}] {_way(wire)};"
    if wire.arrow:
        yield rf"\fill[{wire.colour}] {_closed(arrow_head(wire.points))};"


def _way(wire: Wire) -> str:
    points = wire.points
    if wire.curved:
        start, *bend, end = map(_p, points)
        return f"{start} -- {bend[0]} .. controls {bend[1]} and {bend[2]} .. {bend[3]} -- {end}"
    way = [_p(points[0])]
    for a, b, c in rounded(points, wire.radius):
        # A quadratic curve as a cubic one: its handles are two thirds of the way to its own.
        handles = " and ".join(_p(_between(end, b, 2 / 3)) for end in (a, c))
        way.append(f"-- {_p(a)} .. controls {handles} .. {_p(c)}")
    return " ".join([*way, f"-- {_p(points[-1])}"])


def _disc(disc: Disc) -> Iterator[str]:
    style = [f"fill={disc.fill}"]
    style += [f"fill opacity={_n(disc.opacity)}"] if disc.opacity != 1 else []
    style += [f"draw={disc.line}"] if disc.line else []
    radius = _n(disc.radius * POINTS)
    yield rf"\path[{', '.join(style)}] {_p((disc.x, disc.y))} circle[radius={radius}bp];"
    if disc.sign:
        strokes = " ".join(f"{_p(a)} -- {_p(b)}" for a, b in sign_strokes(disc))
        yield rf"\draw[{disc.line}] {strokes};"


def _closed(points: tuple[Point, ...]) -> str:
    return " -- ".join(map(_p, points)) + " -- cycle"


def _between(a: Point, b: Point, share: float) -> Point:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def _p(point: Point) -> str:
    return f"({_n(point[0])},{_n(point[1])})"


def _n(number: float) -> str:
    return f"{round(number, 2):g}"


def _text(text: str) -> str:
    """A text that is only text, whatever stands in it: what LaTeX cannot set is a ``?``."""
    return "".join(SPECIAL.get(c, c if 32 <= ord(c) < 127 else "?") for c in text)
