"""A confusion matrix: how often each class was taken for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archdsl.pictures.charts import heading
from archdsl.pictures.fonts import fit, text_width
from archdsl.pictures.scene import Area, Scene, Shape, Wire, Words

CELL, SMALL = 34.0, 12.0  # with numbers in the cells, and without
NUMBERED = 24  # classes, up to which cells have numbers
LABEL = 10.0
ROOM = 130.0  # for the name of a class
TOP = 76.0


def confusion(
    counts: Sequence[Sequence[int]], classes: Sequence[str], title: str, below: str
) -> Scene:
    """The chart: a row for each true class, a column for each that was said, and the darker the
    larger its share of the row."""
    cell = CELL if len(classes) <= NUMBERED else SMALL
    names = [fit(name, LABEL, ROOM) for name in classes]
    widest = max(text_width(name, LABEL) for name in names)
    left, side = 36 + widest, cell * len(classes)
    top = TOP + widest
    width = max(left + side + 24, 24 + text_width(title, 16, True) + 24, 48 + text_width(below, 11))
    shapes: list[Shape] = [*heading(title, below, 24)]
    for row, counted in enumerate(counts):
        total, y = sum(counted), top + row * cell
        shapes.append(Words(left - 7, y + cell / 2, names[row], LABEL, "end"))
        for column, count in enumerate(counted):
            if count:
                shapes += _cell(left + column * cell, y, cell, count, count / total, row == column)
    for column, name in enumerate(names):
        x = left + column * cell + cell / 2
        shapes.append(Words(x, top - 7, name, LABEL, "start", upright=True))
    right, bottom = left + side, top + side
    shapes.append(
        Wire(((left, top), (right, top), (right, bottom), (left, bottom), (left, top)), radius=0)
    )
    shapes.append(Words(left + side / 2, bottom + 18, "said", 11, "middle", colour="faint"))
    shapes.append(Words(14, top + side / 2, "true", 11, "middle", colour="faint", upright=True))
    return Scene(width, bottom + 36, title, tuple(shapes))


def _cell(
    x: float, y: float, side: float, count: int, share: float, right: bool
) -> Iterator[Shape]:
    corners = ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
    yield Area(corners, "curve1" if right else "curve2", 0.1 + 0.5 * share)
    if side >= CELL:
        yield Words(x + side / 2, y + side / 2, f"{count:,}", LABEL, "middle")
