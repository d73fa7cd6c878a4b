"""Lays out what is neither in series nor in parallel: in rows by the longest way from the input,
in columns so that lines stay straight where they can."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Container, Iterator, Sequence
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
    DrawnLine,
    End,
    Extent,
)
from archdsl.pictures.lengths import Expr, Length, most
from archdsl.pictures.limits import too_large
from archdsl.pictures.pen import Pen

Source = tuple[int, int]  # a component or a door, and which of its lines
LAST = -1  # the target of lines that leave
MOST = 10_000  # cells of a grid


@dataclass(frozen=True, slots=True)
class Tie:
    """A line from one component to another: by their places, and which operand it is there. A
    line from outside has a negative source: see ``door``. ``port`` is which of the lines it is
    that leave the source."""

    source: int
    target: int
    tag: int = 0
    port: int = 0

    @property
    def line(self) -> Source:
        return self.source, self.port


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
    lane: Source | None = None


class GraphComponent(Component):
    """Components tied to each other in any way that has no cycle; the lines into ``loose`` ones
    are dashed."""

    def __init__(
        self, components: Sequence[Component], ties: Sequence[Tie], loose: Container[int] = ()
    ) -> None:
        self.components = components
        self.loose = loose
        self.ties = ties
        self.into: dict[int, list[Tie]] = defaultdict(list)  # by target, in the order of operands
        for tie in sorted(ties, key=lambda t: t.tag):
            self.into[tie.target].append(tie)
        self.rows = self._ranked()
        self.height = 1 + max(self.rows.values())
        self.cells = self._cells()
        self.by_row: dict[int, list[Cell]] = defaultdict(list)
        self.passed: dict[tuple[int, Source], Cell] = {}  # by the row and whose line it is
        for cell in self.cells:
            self.by_row[cell.row].append(cell)
            for source in self._leaving(cell):
                self.passed[cell.row, source] = cell
        self.main = next(c for c in self.cells if c.place is not None)
        self.columns = self._columns()
        self.axes, before, after = self._axes()
        self.tracks = [self._bends(row) for row in range(self.height)]
        self.lengths = [
            most(*(c.component.measure.length for c in self.by_row[row]))
            for row in range(self.height)
        ]
        length: Length = 0.0
        for row, own in enumerate(self.lengths):
            length = length + own + (self._gap(row) if row else 0.0)
        starts = [
            End(self._axis(cell) + e.t, self._side(cell), -source[0] - 1)
            for cell in self.by_row[0]
            for source, e in self._entering(cell)
        ]
        ends = []
        for t in (t for t in ties if t.target == LAST):
            cell = self._last(t.line, self.height - 1)
            e = cell.component.measure.ends[0 if cell.lane is not None else t.port]
            ends.append(End(self._axis(cell) + e.t, self._side(cell), t.tag))
        super().__init__(Extent(length, before, after, tuple(starts), tuple(ends)))

    # ------------------------------------------------------------------ rows and columns

    def _ranked(self) -> dict[int, int]:
        """The row of each component: after all that it takes from."""
        rows = {t.source: -1 for t in self.ties if t.source < 0}
        waiting = deque(range(len(self.components)))
        while waiting:
            place = waiting.popleft()
            sources = [t.source for t in self.into[place]]
            if all(s in rows for s in sources):
                rows[place] = 1 + max(rows[s] for s in sources)
            else:
                waiting.append(place)
        return rows

    def _cells(self) -> list[Cell]:
        cells = [Cell(self.rows[i], c, place=i) for i, c in enumerate(self.components)]
        ends: dict[Source, int] = defaultdict(int)
        for t in self.ties:
            end = self.height if t.target == LAST else self.rows[t.target]
            ends[t.line] = max(ends[t.line], end)
        for source in sorted(ends):
            lane = range(self.rows[source[0]] + 1, ends[source])
            if len(cells) + len(lane) > MOST:
                raise too_large()
            cells += [Cell(row, Bare(), lane=source) for row in lane]
        return sorted(cells, key=lambda c: c.row)

    def _columns(self) -> dict[Cell, int]:
        """The column of each cell: that of what it comes from, or the nearest free one; side
        outputs make room for what leads to the result. A new lane goes to the right, and not where
        another has just ended."""
        found: dict[Cell, int] = {}
        now = {t.line: 0 for t in self.ties if t.source < 0}  # where each line is
        lanes: dict[Source, int] = {}  # those of the row before, by their sources
        for row in range(self.height):
            taken: set[int] = set()
            left = set(lanes.values())
            cells = sorted(
                self.by_row[row],
                key=lambda c: (c.lane not in lanes, c.lane is not None, c.place in self.loose),
            )
            for cell in cells:
                if cell.lane is None:
                    wanted = now[self._sources(cell)[0].line]
                    column = next(c for c in _near(wanted) if c not in taken)
                elif cell.lane in lanes:
                    column = lanes[cell.lane]
                else:
                    column = next(c for c in count(now[cell.lane] + 1) if c not in taken | left)
                taken.add(column)
                found[cell] = column
            lanes = {c.lane: found[c] for c in cells if c.lane is not None}
            now.update(lanes)
            now.update((s, found[c]) for c in cells if c.lane is None for s in self._leaving(c))
        return found

    def _axes(self) -> tuple[dict[int, Length], Length, Length]:
        """Where the axis of each column is, and how far the grid reaches."""
        sizes: dict[int, tuple[Length, Length]] = {}
        inside: dict[int, list[Extent]] = defaultdict(list)
        for cell in self.cells:
            inside[self.columns[cell]].append(cell.component.measure)
        for column in sorted(inside):
            sizes[column] = (
                most(LANE, *(m.before for m in inside[column])),
                most(LANE, *(m.after for m in inside[column])),
            )
        main = self.columns[self.main]
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
        main = self.columns[self.main]
        column = self.columns[cell]
        return (column > main) - (column < main)

    def _entering(self, cell: Cell) -> Iterator[tuple[Source, End]]:
        """The lines into a cell: their sources, and where each enters."""
        ties, starts = self._sources(cell), cell.component.measure.starts
        for i, end in enumerate(starts):
            yield ties[i if len(ties) > 1 else 0].line, end

    def _leaving(self, cell: Cell) -> list[Source]:
        """The lines that leave a cell."""
        if cell.lane is not None:
            return [cell.lane]
        assert cell.place is not None
        return [(cell.place, port) for port in range(len(cell.component.measure.ends) or 1)]

    def _last(self, source: Source, row: int) -> Cell:
        """The cell that a line comes through in a row."""
        return self.passed[row, source]

    # ----------------------------------------------------------------------------- lines

    def _sources(self, cell: Cell) -> list[Tie]:
        """The lines that a cell takes, in the order of its operands."""
        if cell.lane is not None:
            return [Tie(cell.lane[0], LAST, port=cell.lane[1])]
        assert cell.place is not None
        return self.into[cell.place]

    def _bends(self, row: int) -> dict[Source, int]:
        """The track in front of a row in which each source's lines go across."""
        found: dict[Source, int] = {}
        for cell in self.by_row[row] if row else []:
            for source, end in self._entering(cell):
                before = self.columns[self._last(source, row - 1)]
                if before != self.columns[cell] or isinstance(end.t, Expr) or end.t:
                    found.setdefault(source, len(found))
        return found

    def _gap(self, row: int) -> float:
        return BEND + TRACK * len(self.tracks[row]) + ARROW

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        at: dict[Source, DrawnLine] = {}  # the lines of each source, and where they are
        waiting = list(lines)
        for row in range(self.height):
            start = s + self._gap(row) if row else s
            after: dict[Source, DrawnLine] = {}
            for cell in self.by_row[row]:
                if row == 0:
                    count = len(cell.component.measure.starts)
                    mine, waiting = waiting[:count], waiting[count:]
                else:
                    mine = self._bent(cell, row, s, t, at)
                if cell.place in self.loose:
                    mine = [DrawnLine(line.points, True) for line in mine]
                out = cell.component.place(pen, start, t + self._axis(cell), mine)
                after.update(zip(self._leaving(cell), out, strict=False))
            at = after
            s = start + self.lengths[row]
        return [at[tie.line] for tie in self.ties if tie.target == LAST]

    def _bent(
        self, cell: Cell, row: int, s: Length, t: Length, at: dict[Source, DrawnLine]
    ) -> list[DrawnLine]:
        """The lines into a cell, each in its source's track."""
        coming = [(tie.line, at[tie.line]) for tie in self._sources(cell)]
        starts = cell.component.measure.starts
        if len(coming) == 1:
            coming *= len(starts)
        found = []
        for (source, line), end in zip(coming, starts, strict=True):
            if source not in self.tracks[row]:
                found.append(line)
                continue
            track = s + (BEND + TRACK * self.tracks[row][source])
            across = t + self._axis(cell) + end.t
            found.append(line.to((track, line.points[-1][1]), (track, across)))
        return found
