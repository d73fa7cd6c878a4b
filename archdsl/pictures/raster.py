"""Scenes as PNG and PDF, drawn by matplotlib without a display."""

from __future__ import annotations

from io import BytesIO
from math import sqrt
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.pictures.palette import on_paper
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
from archdsl.pictures.svg import sign_strokes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 72 / 96  # a pixel of CSS in points
LARGEST = 2**16 - 1  # pixels that an image may have on a side
MOST_PIXELS = 2**25  # of an image, which takes 128 MiB while it is drawn
DASHES = (0, (4, 3))


def raster(scene: Scene, format: str, scale: float = 2.0) -> bytes:
    """A scene as ``png`` (with ``scale`` pixels for one, fewer where the image would be too large)
    or ``pdf``.

    Raises ``ArchError`` where matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.backends.backend_pdf import FigureCanvasPdf
        from matplotlib.figure import Figure
    except ImportError:
        fields = {"package": "matplotlib", "extra": "viz"}
        raise ArchError([diagnose(codes.NEEDS_PACKAGE, fields=fields)]) from None
    figure = Figure(figsize=(scene.width / 96, scene.height / 96), facecolor=on_paper("paper"))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, scene.width)
    axes.set_ylim(scene.height, 0)
    axes.axis("off")
    for shape in scene.shapes:
        _draw(axes, shape)
    out = BytesIO()
    if format == "pdf":
        canvas: Any = FigureCanvasPdf(figure)
        with rc_context({"pdf.fonttype": 42}):  # TrueType: conferences refuse Type 3 fonts
            canvas.print_pdf(out, metadata={"Title": scene.title, "CreationDate": None})
    else:
        most = sqrt(MOST_PIXELS / (scene.width * scene.height))
        figure.set_dpi(96 * min(scale, most, LARGEST / max(scene.width, scene.height)))
        canvas = FigureCanvasAgg(figure)
        canvas.print_png(out, metadata={"Title": scene.title, "Software": None})
    return out.getvalue()


def _draw(axes: Axes, shape: Shape) -> None:
    if isinstance(shape, Words):
        _words(axes, shape)
    elif isinstance(shape, Box):
        _box(axes, shape)
    elif isinstance(shape, Disc):
        _disc(axes, shape)
    elif isinstance(shape, Wire):
        _wire(axes, shape)
    else:
        _area(axes, shape)


def _words(axes: Axes, words: Words) -> None:
    across = {"start": "left", "middle": "center", "end": "right"}[words.anchor]
    along = {"start": "bottom", "middle": "center", "end": "top"}[words.anchor]
    axes.text(
        words.x,
        words.y if words.upright else words.y + words.size * BASELINE,
        words.text,
        fontsize=words.size * POINTS,
        fontweight="bold" if words.bold else "normal",
        color=on_paper(words.colour),
        ha="center" if words.upright else across,
        va=along if words.upright else "baseline",
        rotation=90 if words.upright else 0,
        parse_math=False,
    )


def _box(axes: Axes, box: Box) -> None:
    from matplotlib.patches import FancyBboxPatch

    radius = min(box.radius, box.width / 2, box.height / 2)
    axes.add_patch(
        FancyBboxPatch(
            (box.x, box.y),
            box.width,
            box.height,
            boxstyle=f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0",
            mutation_aspect=1,
            facecolor=on_paper(box.fill),
            edgecolor=on_paper(box.line) if box.line else "none",
            linewidth=box.stroke * POINTS if box.line else 0,
            linestyle=DASHES if box.dashed else "solid",
        )
    )


def _disc(axes: Axes, disc: Disc) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Circle

    axes.add_patch(
        Circle(
            (disc.x, disc.y),
            disc.radius,
            facecolor=to_rgba(on_paper(disc.fill), disc.opacity),
            edgecolor=on_paper(disc.line) if disc.line else "none",
            linewidth=POINTS,
        )
    )
    if disc.sign:
        for a, b in sign_strokes(disc):
            _stroke(axes, [(1, a), (2, b)], disc.line, 1.4)


def _wire(axes: Axes, wire: Wire) -> None:
    points = wire.points
    steps: list[tuple[int, Point]] = [(1, points[0])]
    if wire.curved:
        steps += [(2, points[1]), *((4, p) for p in points[2:5]), (2, points[5])]
    else:
        for a, b, c in rounded(points, wire.radius):
            steps += [(2, a), (3, b), (3, c)]
        steps.append((2, points[-1]))
    _stroke(axes, steps, wire.colour, wire.stroke, wire.dashed)
    if wire.arrow:
        _area(axes, Area(arrow_head(points), wire.colour))


def _stroke(
    axes: Axes, steps: list[tuple[int, Point]], colour: str, width: float, dashed: bool = False
) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    codes = [code for code, _ in steps]  # 1 moves, 2 draws, 3 and 4 bend
    line: Any = DASHES if dashed else "solid"
    axes.add_patch(
        PathPatch(
            Path([p for _, p in steps], codes),
            facecolor="none",
            edgecolor=on_paper(colour),
            linewidth=width * POINTS,
            linestyle=line,
            capstyle="butt",
        )
    )


def _area(axes: Axes, area: Area) -> None:
    from matplotlib.patches import Polygon

    axes.add_patch(
        Polygon(
            list(area.points),
            facecolor=on_paper(area.fill),
            edgecolor="none",
            linewidth=0,
            alpha=area.opacity,
        )
    )
