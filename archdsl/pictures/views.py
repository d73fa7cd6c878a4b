"""The scene of a drawing: the figures that are open, evaluated and put in their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Any

from archdsl.analysis.figures import figures, longest_path
from archdsl.ir.network import Network
from archdsl.pictures.drawing import BlockFigure, Drawing
from archdsl.pictures.fonts import LINE, broken, text_width
from archdsl.pictures.lanes import fitted, smaller
from archdsl.pictures.lengths import value
from archdsl.pictures.limits import drawable, limited
from archdsl.pictures.palette import KINDS
from archdsl.pictures.pen import Direction, Template
from archdsl.pictures.scene import Box, Disc, Scene, Shape, Wire, Words, extent, moved
from archdsl.pictures.volumes import volumes
from archdsl.units import human

MARGIN = 16.0
LEAST = 440.0  # the width of a picture, for its title
NAME, LEAST_NAME = 17.0, 11.0  # sizes of the network's name: a long one is small, then broken
SIZES = {"channels": "width: channels, log scale", "macs": "width: MACs, root scale"}


@dataclass(frozen=True, slots=True)
class FigureView:
    """A figure that is open or closed, and all that follows from it."""

    path: str
    figure: BlockFigure
    template: Template
    results: list[float]
    children: list[FigureView]

    def size(self) -> list[float]:
        return [value(x, self.results) for x in self.template.size]


Opened = Callable[[str, int], bool]  # of a path and its level: whether its block is open


def view(figure: BlockFigure, opened: Opened, path: str = "", level: int = 0) -> FigureView:
    """A figure with all that is open in it."""
    if path and not opened(path, level):
        return FigureView(path, figure, figure.closed, [], [])
    template = figure.open
    prefix = f"{path}." if path else ""
    children = [view(f, opened, prefix + name, level + 1) for name, f in figure.children]
    results = template.program.run([c.size() for c in children])
    return FigureView(path, figure, template, results, children)


def levels(depth: int) -> Opened:
    """Opens so many levels."""
    return lambda path, level: level < depth


def once(root: BlockFigure, depth: int) -> Opened:
    """Opens so many levels, and each block only where it first stands: there, and where it
    first has other layers in it."""
    found: set[str] = set()
    seen: set[tuple[str, frozenset[str]]] = set()

    def walk(figure: BlockFigure, prefix: str, level: int) -> None:
        for name, child in figure.children if figure.open else ():
            if level < depth and child.of not in seen:
                seen.add(child.of)
                found.add(prefix + name)
                walk(child, f"{prefix}{name}.", level + 1)

    walk(root, "", 1)
    return lambda path, level: path in found


def shapes(drawing: Drawing, whole: FigureView, marks: Mapping[str, str]) -> Iterator[Shape]:
    """The shapes of a view, its axis at 0."""
    yield from _shapes(drawing, whole, 0.0, 0.0, marks)


def _shapes(
    drawing: Drawing, it: FigureView, x: float, y: float, marks: Mapping[str, str]
) -> Iterator[Shape]:
    prefix = f"{it.path}." if it.path else ""
    own = prefix.removesuffix(it.figure.name + ".") if it.path else ""
    plain = [_shape(s, it.results) for s in it.template.shapes]
    for place, (shape, written) in enumerate(zip(plain, it.template.shapes, strict=True)):
        about = written[-1].get("about")
        if about is None or isinstance(shape, (Wire, Words)):
            yield from moved([shape], x, y)
            continue
        note = drawing.notes[about]
        of_itself = bool(it.path) and (place == 0 or bool(written[-1].get("opens")))
        path = (own if of_itself else prefix) + note.name
        (there,) = moved([_noted(shape, note.text, marks.get(path, ""))], x, y)
        yield there
        if isinstance(there, Box) and path in marks:
            yield from _mark(there, marks[path])
    for sx, sy, number in it.template.slots:
        place_x, place_y = x + value(sx, it.results), y + value(sy, it.results)
        yield from _shapes(drawing, it.children[number], place_x, place_y, marks)


SIGNS = {"added": "+", "removed": "-", "changed": "≠"}


def _noted(shape: Shape, note: str, mark: str) -> Shape:
    assert isinstance(shape, (Box, Disc))
    return (
        replace(shape, note=note, line=mark, stroke=2.4)
        if mark and isinstance(shape, Box)
        else replace(shape, note=note)
    )


def _mark(box: Box, mark: str) -> Iterator[Shape]:
    """A badge at the corner of a box that differs."""
    x, y = box.x + box.width, box.y
    yield Disc(x, y, 7, fill=mark, line=mark)
    yield Words(x, y, SIGNS[mark], 11, "middle", True, "paper")


def _shape(written: list[Any], results: list[float]) -> Shape:
    kind, *values, extra = written
    known = {k: v for k, v in extra.items() if k not in ("about", "opens")}
    if kind == "box":
        x, y, width, height = (value(v, results) for v in values[:4])
        return Box(x, y, width, height, values[4], **known)
    if kind == "words":
        return Words(value(values[0], results), value(values[1], results), values[2], **known)
    if kind == "disc":
        return Disc(value(values[0], results), value(values[1], results), values[2], **known)
    points = tuple((value(x, results), value(y, results)) for x, y in values[0])
    return Wire(points, **known)


# ------------------------------------------------------------------------- title, legend


def draw(
    network: Network,
    knobs: Mapping[str, str],
    *,
    depth: int = 2,
    down: bool = True,
    size: str = "",
    title: str = "",
    first_only: bool = False,
    head: bool = True,
    foot: bool = True,
    within: tuple[float, float] | None = None,
) -> Scene:
    """The drawing of a network, so many levels of its blocks open; with ``first_only``, each
    block only where it first stands, or first has other layers in it.

    ``knobs`` are said in the title, ``title`` replaces the network's name there. The network
    runs down the page, or to the right. ``size`` makes the widths of boxes follow their
    ``channels`` or ``macs``. ``head`` and ``foot`` say whether the title stands above it and the
    legend below. ``within`` is the width and height in pixels that the picture has at most: the
    network is broken into columns (into rows, if it runs to the right), and made smaller where
    that is not enough. Raises ``ArchError`` (A906) for more than a picture can show, and (A908)
    for a room that is too small.
    """
    with drawable():
        drawing = Drawing(network, Direction(down), size)
        opened = once(drawing.root, depth) if first_only else levels(depth)
        whole = view(drawing.root, opened)
        drawn = list(limited(shapes(drawing, whole, {})))

    def finished(laid: list[Shape]) -> Scene:
        return framed(network, knobs, drawing.kinds, laid, size, title, head, foot)

    return fitted(drawn, down, within, finished) if within else finished(drawn)


def draw_volumes(
    network: Network,
    knobs: Mapping[str, str],
    *,
    depth: int = 2,
    title: str = "",
    head: bool = True,
    foot: bool = True,
    within: tuple[float, float] | None = None,
) -> Scene:
    """The tensors of a network as volumes, in rows by resolution: a U-Net is a U. The options are
    those of ``draw``. Raises ``ArchError`` (A906 to A908)."""
    drawn, kinds = volumes(network, depth)
    scene = framed(network, knobs, kinds, drawn, "", title, head, foot)
    return smaller(scene, within) if within else scene


def framed(
    network: Network,
    knobs: Mapping[str, str],
    kinds: Counter[str],
    drawn: list[Shape],
    size: str = "",
    title: str = "",
    head: bool = True,
    foot: bool = True,
) -> Scene:
    """A drawing with its title above it and its legend below, where these are wanted."""
    left, top, right, bottom = extent(drawn)
    width = max(right - left, LEAST) if head or foot else right - left
    above = list(_title(network, knobs, width, title)) if head else []
    down = extent(above)[3] + 14 if above else MARGIN
    drawn = list(moved(drawn, MARGIN - left + (width - (right - left)) / 2, down - top))
    below = list(_legend(kinds, down + bottom - top + 22, width, size)) if foot else []
    whole = extent([*above, *drawn, *below])
    name = title or network.name
    return Scene(width + 2 * MARGIN, whole[3] + MARGIN, name, (*above, *drawn, *below))


Titled = tuple[Network, Mapping[str, str], str]


def draw_both(
    a: Titled,
    b: Titled,
    marks: tuple[Mapping[str, str], Mapping[str, str]],
    opened: tuple[Set[str], Set[str]],
    depth: int,
) -> Scene:
    """Two networks side by side; boxes are marked by their paths: ``added``, ``removed`` or
    ``changed``. So many levels of the ``opened`` blocks are open."""
    scenes = []
    for (network, knobs, title), marked, inside in zip((a, b), marks, opened, strict=True):

        def opens(path: str, level: int, inside: Set[str] = inside) -> bool:
            return level < depth and path in inside

        with drawable():
            drawing = Drawing(network, Direction())
            whole = view(drawing.root, opens)
            drawn = list(limited(shapes(drawing, whole, marked)))
        scenes.append(framed(network, knobs, drawing.kinds, drawn, title=title))
    both = scenes[0].beside(scenes[1])
    return _explained(both)


def _explained(scene: Scene) -> Scene:
    """With what its marks mean, below it."""
    used = {s.fill for s in scene.shapes if isinstance(s, Disc)}
    found: list[Shape] = []
    x, y = MARGIN, scene.height + 4
    for mark in ("removed", "added", "changed"):
        if mark in used:
            side = {"removed": "only on the left", "added": "only on the right"}
            text = side.get(mark, "differs")
            found += [
                Disc(x + 7, y, 7, fill=mark, line=mark),
                Words(x + 7, y, SIGNS[mark], 11, "middle", True, "paper"),
                Words(x + 20, y, text, 9.5, colour="faint"),
            ]
            x += 36 + text_width(text, 9.5)
    return replace(scene, height=y + MARGIN, shapes=(*scene.shapes, *found))


def figures_line(network: Network) -> str:
    """``25.56M parameters · 4.09G MACs · 50 weighted layers``."""
    found = figures(network)
    depth = longest_path(network).depth
    return f"{human(found.params)} parameters · {human(found.macs)} MACs · {depth} weighted layers"


def _title(network: Network, knobs: Mapping[str, str], width: float, title: str) -> Iterator[Shape]:
    name = title or network.name
    large = min(NAME, max(LEAST_NAME, NAME * width / text_width(name, NAME, True)))
    lines = broken(name, large, width + 1, True)
    for i, line in enumerate(lines):
        yield Words(MARGIN, MARGIN + 9 + LINE * large * i, line, large, bold=True)
    top = MARGIN + LINE * large * (len(lines) - 1)
    yield Words(MARGIN, top + 29, figures_line(network), 11)
    whole = ", ".join(f"{k} = {v}".replace(" ", "\xa0") for k, v in knobs.items())
    room = int(width / text_width("n", 9.5))
    for i, line in enumerate(wrap(whole, room, max_lines=3, placeholder=" …")):
        text = line.replace("\xa0", " ")
        yield Words(MARGIN, top + 46 + 13 * i, text, 9.5, colour="faint")


def _legend(kinds: Counter[str], top: float, width: float, size: str) -> Iterator[Shape]:
    x, y = MARGIN, top
    entries = [(kind, name) for kind, name in KINDS.items() if kinds[kind]]
    for kind, name in [*entries, *([("", SIZES[size])] if size else [])]:
        wide = text_width(name, 9.5) + (17 if kind else 0)
        if x > MARGIN and x + wide > MARGIN + width:
            x, y = MARGIN, y + 17
        if kind:
            yield Box(x, y - 6, 12, 12, kind, radius=2)
        yield Words(x + (17 if kind else 0), y, name, 9.5, colour="faint")
        x += wide + 16
