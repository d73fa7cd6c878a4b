"""Figures: panels that are drawn for a column or for the page, their words, and their numbers
as a table for who does not see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from archdsl.pictures.charts import AxisScale, Plot
from archdsl.pictures.fonts import FAMILY
from archdsl.pictures.scene import Area, Disc, Shape, Wire
from archdsl.pictures.svg import elements

COLUMN, PAGE = 360.0, 760.0  # widths that panels are drawn for
MARKS = ("disc", "square", "triangle", "diamond", "wedge", "pentagon")  # tell slices apart
CORNERS = {
    "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "triangle": ((0.0, -1.1), (1.05, 0.8), (-1.05, 0.8)),
    "diamond": ((0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)),
    "wedge": ((0.0, 1.1), (1.05, -0.8), (-1.05, -0.8)),
    "pentagon": ((0.0, -1.1), (1.05, -0.34), (0.65, 0.89), (-0.65, 0.89), (-1.05, -0.34)),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that stand for one thing: for trials (by their keys), or for what ``note`` says."""

    shapes: tuple[Shape, ...]
    trials: tuple[str, ...] = ()
    note: str = ""
    style: str = ""  # a class of the page's style sheet


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart of a figure."""

    title: str
    width: float
    height: float
    groups: tuple[Group, ...]
    below: str = ""  # a sentence below it


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the report; ``why`` there is nothing to draw, if there is nothing."""

    id: str
    title: str
    caption: str
    panels: tuple[Panel, ...] = ()
    wide: tuple[Panel, ...] = ()  # the same for a wide page, where one panel stands alone
    key: tuple[tuple[Group, str], ...] = ()  # marks, and what they stand for
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    why: str = ""
    notes: tuple[str, ...] = field(default=())


def mark(
    kind: str, x: float, y: float, size: float, fill: str, line: str = "", opacity: float = 1.0
) -> tuple[Shape, ...]:
    """A mark around a place; with a ``line`` it has an outline of that colour."""
    if kind == "disc":
        return (Disc(x, y, size, fill, line or fill, opacity),)
    if kind == "cross":
        r = size * 0.9
        return tuple(
            Wire(((x - r, y - s * r), (x + r, y + s * r)), fill, stroke=1.6, radius=0)
            for s in (1, -1)
        )
    points = tuple((x + size * a, y + size * b) for a, b in CORNERS[kind])
    outline = Wire((*points, points[0]), line or fill, stroke=1.2, radius=0)
    return Area(points, fill, opacity), outline


def interval(x: float, low: float, high: float, role: str, half: float = 4) -> tuple[Shape, ...]:
    """An upright interval with its ends."""
    return (
        Wire(((x, low), (x, high)), role, stroke=1.8, radius=0),
        *(Wire(((x - half, y), (x + half, y)), role, stroke=1.8, radius=0) for y in (low, high)),
    )


def lying(y: float, low: float, high: float, role: str, half: float = 4) -> tuple[Shape, ...]:
    """An interval that lies."""
    return (
        Wire(((low, y), (high, y)), role, stroke=1.8, radius=0),
        *(Wire(((x, y - half), (x, y + half)), role, stroke=1.8, radius=0) for x in (low, high)),
    )


def framed(width: float, height: float, x: AxisScale, y: AxisScale, left: float = 64) -> Plot:
    """The frame of a panel, with room for what stands at its axes."""
    return Plot(left, 10, width - left - 12, height - 56, x, y)


def plain(shapes: Iterable[Shape], style: str = "") -> Group:
    """Shapes that stand for nothing of their own."""
    return Group(tuple(shapes), style=style)


# ------------------------------------------------------------------------------ as markup


def panel_svg(panel: Panel, label: str = "", notes: bool = False) -> str:
    """A panel as SVG, in the colours of the page around it. With ``notes``, a browser shows
    what a group stands for without a script."""
    said = escape(label or panel.title)
    inside = "".join(_group(g, notes) for g in panel.groups)
    return (
        f'<svg class="archdsl chart" viewBox="0 0 {panel.width:g} {panel.height:g}" role="img"'
        f' aria-label="{said}" tabindex="0" font-family="{FAMILY}">{inside}</svg>'
    )


def _group(group: Group, notes: bool) -> str:
    inside = "".join(part for shape in group.shapes for part in elements(shape, False))
    if not (group.trials or group.note or group.style):
        return inside
    style = f' class="{group.style}"' if group.style else ""
    trials = f' data-t="{escape(" ".join(group.trials))}"' if group.trials else ""
    note = f' data-note="{escape(group.note)}"' if group.note else ""
    title = f"<title>{escape(group.note)}</title>" if notes and group.note else ""
    return f"<g{style}{trials}{note}>{title}{inside}</g>"


def symbol(group: Group) -> str:
    """A mark of a key."""
    inside = "".join(part for shape in group.shapes for part in elements(shape, False))
    style = f' class="{group.style}"' if group.style else ""
    return (
        '<svg class="archdsl symbol" viewBox="0 0 26 14" width="26" height="14"'
        f' aria-hidden="true"><g{style}>{inside}</g></svg>'
    )


def figure_html(figure: Figure) -> str:
    """A figure of the page."""
    head = f'<h2 id="h-{figure.id}">{escape(figure.title)}</h2>'
    start = f'<section id="{figure.id}" aria-labelledby="h-{figure.id}">{head}'
    if figure.why:
        return f'{start}<p class="faint">{escape(figure.why)}</p></section>'
    parts = [f'<p class="caption">{escape(figure.caption)}</p>']
    if figure.key:
        entries = "".join(f"<li>{symbol(g)}{escape(text)}</li>" for g, text in figure.key)
        parts.append(f'<ul class="key" aria-label="key">{entries}</ul>')
    parts.append(_panels(figure.panels, "narrow" if figure.wide else ""))
    if figure.wide:
        parts.append(_panels(figure.wide, "wide"))
    parts += [f'<p class="faint">{escape(note)}</p>' for note in figure.notes]
    parts.append(
        f'<details class="numbers"><summary>The numbers: {escape(figure.title)}</summary>'
        f"{table(figure.header, figure.rows)}</details>"
    )
    return f"{start}{''.join(parts)}</section>"


def _panels(panels: Sequence[Panel], style: str) -> str:
    items = "".join(
        f'<div class="panel"><h3>{escape(p.title)}</h3>{panel_svg(p)}'
        + (f'<p class="faint">{escape(p.below)}</p>' if p.below else "")
        + "</div>"
        for p in panels
    )
    return f'<div class="panels {style}">{items}</div>'


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table; what is a number stands to the right."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td{_align(c)}>{escape(c)}</td>" for c in row) + "</tr>" for row in rows
    )
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _align(cell: str) -> str:
    return ' class="n"' if cell[:1].isdigit() or cell[:1] in "+-\N{MINUS SIGN}" else ""
