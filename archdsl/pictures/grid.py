"""Lays out what is neither in series nor in parallel: in rows by the longest way from the input,
in columns so that lines stay straight where they can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from archdsl.pictures.components import (
    ARM,
    ARROW,
    BEND,
    LANE,
    TRACK,
    Bare,
    Component,
    End,
    Line,
    Measure,
)
from archdsl.pictures.lengths import Expr, Length, most
from archdsl.pictures.pen import Pen

LAST = -1  # the target of lines that leave


@dataclass(frozen=True, slots=True)
class Tie:
    """A line from one component to another: by their places, and which operand it is there. A
    line from outside has a negative source: see ``door``."""

    source: int
    target: int
    tag: int = 0


def door(number: int) -> int:
    """The source of lines that enter by a door."""
    return -number - 1


def _near(column: int) -> Iterator[int]:
    yield column
    for distance in count(1):
        yield column + distance
        yield column - distance


@dataclass(frozen=True, slots=True)
class Cell:
    """A component in the grid, or the lane of a line that passes (then of which source)."""

    row: int
    component: Component
    place: int | None = None
    lane: int | None = None


class Grid(Component):
    """Components tied to each other in any way that has no cycle."""

    def __init__(self, components: Sequence[Component], ties: Sequence[Tie]) -> None:
        self.components = components
        self.ties = ties
        self.rows = self._ranked()
        self.height = 1 + max(self.rows.values())
        self.cells = self._cells()
        self.columns = self._columns()
        self.axes, before, after = self._axes()
        self.tracks = [self._bends(row) for row in range(self.height)]
        self.lengths = [
            most(*(c.component.measure.length for c in self.cells if c.row == row))
            for row in range(self.height)
        ]
        length: Length = 0.0
        for row, own in enumerate(self.lengths):
            length = length + own + (self._gap(row) if row else 0.0)
        starts = [
            End(self._axis(cell) + e.t, self._side(cell), -source - 1)
            for cell in self._row(0)
            for source, e in self._entering(cell)
        ]
        ends = [
            End(self._axis(cell) + e.t, self._side(cell), t.tag)
            for t in ties
            if t.target == LAST
            for cell in [self._last(t.source, self.height - 1)]
            for e in cell.component.measure.ends
        ]
        super().__init__(Measure(length, before, after, tuple(starts), tuple(ends)))

    # ------------------------------------------------------------------ rows and columns

    def _ranked(self) -> dict[int, int]:
        """The row of each component: behind all that it takes from."""
        coming: dict[int, list[int]] = defaultdict(list)
        for t in self.ties:
            coming[t.target].append(t.source)
        rows = {t.source: -1 for t in self.ties if t.source < 0}
        waiting = list(range(len(self.components)))
        while waiting:
            place = waiting.pop(0)
            if all(s in rows for s in coming[place]):
                rows[place] = 1 + max(rows[s] for s in coming[place])
            else:
                waiting.append(place)
        return rows

    def _cells(self) -> list[Cell]:
        cells = [Cell(self.rows[i], c, place=i) for i, c in enumerate(self.components)]
        for source in sorted({t.source for t in self.ties}):
            ends = [
                self.height if t.target == LAST else self.rows[t.target]
                for t in self.ties
                if t.source == source
            ]
            cells += [
                Cell(row, Bare(), lane=source) for row in range(self.rows[source] + 1, max(ends))
            ]
        return sorted(cells, key=lambda c: c.row)

    def _row(self, row: int) -> list[Cell]:
        return [c for c in self.cells if c.row == row]

    def _columns(self) -> dict[Cell, int]:
        """The column of each cell: that of what it comes from, or the nearest free one. A new lane
        goes to the right, and not where another has just ended."""
        found: dict[Cell, int] = {}
        now = {t.source: 0 for t in self.ties if t.source < 0}  # where each line is
        lanes: dict[int, int] = {}  # those of the row before, by their sources
        for row in range(self.height):
            taken: set[int] = set()
            left = set(lanes.values())
            cells = self._row(row)
            cells.sort(key=lambda c: (c.lane not in lanes, c.lane is not None))
            for cell in cells:
                if cell.lane is None:
                    wanted = now[self._sources(cell)[0].source]
                    column = next(c for c in _near(wanted) if c not in taken)
                elif cell.lane in lanes:
                    column = lanes[cell.lane]
                else:
                    column = next(c for c in count(now[cell.lane] + 1) if c not in taken | left)
                taken.add(column)
                found[cell] = column
            lanes = {c.lane: found[c] for c in cells if c.lane is not None}
            now.update(lanes)
            now.update((c.place, found[c]) for c in cells if c.place is not None)
        return found

    def _axes(self) -> tuple[dict[int, Length], Length, Length]:
        """Where the axis of each column is, and how far the grid reaches."""
        sizes: dict[int, tuple[Length, Length]] = {}
        for column in sorted(set(self.columns.values())):
            inside = [c.component.measure for c in self.cells if self.columns[c] == column]
            sizes[column] = (
                most(LANE, *(m.before for m in inside)),
                most(LANE, *(m.after for m in inside)),
            )
        main = self.columns[next(c for c in self.cells if c.place is not None)]
        t: Length = 0.0
        axes: dict[int, Length] = {}
        for column, (before, after) in sizes.items():
            t = t + before
            axes[column] = t
            t = t + (after + ARM)
        shift = axes[main]
        moved = {c: 0.0 if c == main else axis - shift for c, axis in axes.items()}
        return moved, shift, t - ARM - shift

    def _axis(self, cell: Cell) -> Length:
        return self.axes[self.columns[cell]]

    def _side(self, cell: Cell) -> int:
        main = self.columns[next(c for c in self.cells if c.place is not None)]
        column = self.columns[cell]
        return (column > main) - (column < main)

    def _entering(self, cell: Cell) -> Iterator[tuple[int, End]]:
        """The lines into a cell: their sources, and where each enters."""
        ties, starts = self._sources(cell), cell.component.measure.starts
        for i, end in enumerate(starts):
            yield ties[i if len(ties) > 1 else 0].source, end

    def _last(self, source: int, row: int) -> Cell:
        """The cell that a line comes through in a row."""
        for cell in self._row(row):
            if source in (cell.place, cell.lane):
                return cell
        raise AssertionError("a line that goes on has a lane")

    # ----------------------------------------------------------------------------- lines

    def _sources(self, cell: Cell) -> list[Tie]:
        """The lines that a cell takes, in the order of its operands."""
        if cell.lane is not None:
            return [Tie(cell.lane, LAST)]
        return sorted((t for t in self.ties if t.target == cell.place), key=lambda t: t.tag)

    def _bends(self, row: int) -> dict[int, int]:
        """The track in front of a row in which each source's lines go across."""
        found: dict[int, int] = {}
        for cell in self._row(row) if row else []:
            for source, end in self._entering(cell):
                before = self.columns[self._last(source, row - 1)]
                if before != self.columns[cell] or isinstance(end.t, Expr) or end.t:
                    found.setdefault(source, len(found))
        return found

    def _gap(self, row: int) -> float:
        return BEND + TRACK * len(self.tracks[row]) + ARROW

    def place(self, pen: Pen, s: Length, t: Length, lines: list[Line]) -> list[Line]:
        at: dict[int, list[Line]] = {}  # the lines of each source, and where they are
        waiting = list(lines)
        for row in range(self.height):
            start = s + self._gap(row) if row else s
            after: dict[int, list[Line]] = {}
            for cell in self._row(row):
                if row == 0:
                    count = len(cell.component.measure.starts)
                    mine, waiting = waiting[:count], waiting[count:]
                else:
                    mine = self._bent(cell, row, s, t, at)
                out = cell.component.place(pen, start, t + self._axis(cell), mine)
                after[cell.lane if cell.lane is not None else cell.place or 0] = out
            at = after
            s = start + self.lengths[row]
        return [x for tie in self.ties if tie.target == LAST for x in at[tie.source]]

    def _bent(
        self, cell: Cell, row: int, s: Length, t: Length, at: dict[int, list[Line]]
    ) -> list[Line]:
        """The lines into a cell, each in its source's track."""
        coming = [(tie, x) for tie in self._sources(cell) for x in at[tie.source]]
        starts = cell.component.measure.starts
        if len(coming) == 1:
            coming *= len(starts)
        found = []
        for (tie, line), end in zip(coming, starts, strict=False):
            if tie.source not in self.tracks[row]:
                found.append(line)
                continue
            track = s + (BEND + TRACK * self.tracks[row][tie.source])
            across = t + self._axis(cell) + end.t
            found.append(line.to((track, line.points[-1][1]), (track, across)))
        return found
