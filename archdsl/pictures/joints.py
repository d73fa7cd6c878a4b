"""Where lines meet and divide: between two components of a row."""

from __future__ import annotations

from archdsl.pictures.components import (
    ARROW,
    BAR,
    BEND,
    LABEL,
    LANE,
    RADIUS,
    TRACK,
    Component,
    DrawnLine,
    End,
    Extent,
)
from archdsl.pictures.fonts import text_width
from archdsl.pictures.glyphs import DrawnJoin
from archdsl.pictures.lengths import Expr, Length, most
from archdsl.pictures.pen import SMALL, Direction, Pen


class LineLabel:
    """What is written beside a line, and the room it takes: along, and beside the line."""

    def __init__(self, text: str, flow: Direction) -> None:
        self.text = text
        self.flow = flow
        width = text_width(text, SMALL)
        self.along = 0.0 if not text else LABEL if flow.down else width + 10
        self.across = 0.0 if not text else width + 9 if flow.down else LABEL

    def write(self, pen: Pen, s: Length, t: Length) -> None:
        if self.text and self.flow.down:
            pen.words(s + LABEL / 2 + 1, t + 7, self.text, size=SMALL, colour="faint")
        elif self.text:
            pen.words(s + 5, t + LABEL / 2, self.text, size=SMALL, colour="faint")


class Joint(Component):
    """A value between what comes and what goes on: a plain line, one that divides, a join, or
    a block that several lines enter, which are dashed if it is a side output. Either side is
    nothing at the ends of a part; a part with imports has a ``door`` for each line that enters."""

    def __init__(
        self,
        hub: DrawnJoin | Component | None,
        label: LineLabel,
        coming: Component | None,
        going: Component | None,
        doors: tuple[End, ...] = (End(),),
        note: int = 0,
        dashed: bool = False,
    ) -> None:
        self.hub = hub
        self.dashed = dashed
        self.label = label
        self.note = note
        self.coming = coming.measure.ends if coming else doors
        self.going = going.measure.starts if going else (End(),)
        self.last = going is None
        self.sign = hub.sign if isinstance(hub, DrawnJoin) else ""
        self.name = hub.words if isinstance(hub, DrawnJoin) else ""
        self.is_bar = isinstance(hub, DrawnJoin) and not self.sign
        beside_bare = (coming is not None and coming.bare) or (going is not None and going.bare)
        single = hub is None and len(self.going) == len(self.coming) == 1
        self.passes = single and beside_bare
        self.straight = len(self.going) == 1 and (hub is not None or len(self.coming) == 1)
        if self.passes or (self.is_bar and len(self.going) > 1):
            self.label = LineLabel("", label.flow)
        super().__init__(self._measured())

    def _measured(self) -> Extent:
        if self.passes:
            return Extent(0.0, LANE, LANE)
        before: Length = LANE
        after: Length = most(LANE, self.label.across)
        length: Length = self.out
        if isinstance(self.hub, Component):
            size = self.hub.measure
            length = length + size.length + (BEND + TRACK * len(self.coming) + ARROW)
            before, after = most(before, size.before), most(after, size.after)
        elif self.is_bar:
            low, high = self._span()
            length = length + ARROW + BAR
            before, after = most(before, -low), most(after, high)
        elif self.hub is not None:
            length = length + ARROW + 2 * RADIUS
            before, after = most(before, RADIUS), most(after, RADIUS)
        return Extent(length, before, after)

    @property
    def out(self) -> float:
        """The way from the knot to what comes next."""
        if self.straight or self.is_bar:
            return max(ARROW - 5 * self.last, self.label.along + 8)
        tracks = TRACK * len(self.going) if len(self.coming) > 1 and self.hub is None else 0
        return self.label.along + BEND + tracks + ARROW

    def _span(self) -> tuple[Length, Length]:
        """How far a bar reaches: over all lines that enter or leave it, and its name."""
        width = text_width(self.name, SMALL) + 14
        ends = [*self.coming, *self.going]
        low = most(width / 2, *(8 - e.t for e in ends))
        return -low, most(width / 2, *(8 + e.t for e in ends))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        if self.passes:
            return lines
        if isinstance(self.hub, Component):
            s, lines = self._block(self.hub, pen, s, t, lines)
        elif self.is_bar:
            s, lines = self._bar(pen, s, t, lines)
        elif self.hub is not None:
            s, lines = self._circle(pen, s, t, lines)
        self.label.write(pen, s, t)
        if self.straight or self.is_bar:
            return lines
        return self._divided(s, t, lines)

    def _divided(self, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        """A line for each that goes on: all from the one that comes, or each from its door."""
        found = []
        several = len(lines) > 1
        places = {end.tag: i for i, end in enumerate(self.coming)}
        for place, end in enumerate(self.going):
            line = lines[places[end.tag] if several else 0]
            row = s + (self.label.along + BEND + (TRACK * place if several else 0))
            ahead = end.side == 0 and not several and not isinstance(end.t, Expr) and end.t == 0
            across = line.points[-1][1]
            found.append(line if ahead else line.to((row, across), (row, t + end.t)))
        return found

    def _circle(
        self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]
    ) -> tuple[Length, list[DrawnLine]]:
        middle = s + (ARROW + RADIUS)
        for end, line in zip(self.coming, lines, strict=True):
            if end.side == 0:
                line.end(pen, (middle - RADIUS, t))
            else:
                line.end(pen, (middle, t + end.t), (middle, t + end.side * RADIUS))
        pen.disc(middle, t, RADIUS, sign=self.sign, about=self.note)
        return middle + RADIUS, [DrawnLine(((middle + RADIUS, t),))]

    def _bar(
        self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]
    ) -> tuple[Length, list[DrawnLine]]:
        top = s + ARROW
        for end, line in zip(self.coming, lines, strict=True):
            line.end(pen, (top, t + end.t))
        low, high = self._span()
        pen.box(top, t + low, BAR, high - low, "join", about=self.note)
        middle, upright = t + (low + high) * 0.5, not self.label.flow.down
        pen.words(top + BAR / 2, middle, self.name, size=SMALL, anchor="middle", upright=upright)
        return top + BAR, [DrawnLine(((top + BAR, t + e.t),)) for e in self.going]

    def _block(
        self, block: Component, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]
    ) -> tuple[Length, list[DrawnLine]]:
        doors = block.measure.starts
        entering = [DrawnLine(())] * len(doors)
        for place, (end, line) in enumerate(zip(self.coming, lines, strict=True)):
            row = s + (BEND + TRACK * place)
            door = t + doors[end.tag].t
            whole = line.to((row, t + end.t), (row, door))
            entering[end.tag] = DrawnLine(whole.points, self.dashed)
        top = s + (BEND + TRACK * len(self.coming) + ARROW)
        return top + block.measure.length, block.place(pen, top, t, entering)
