"""Boxes: stacks of layers, blocks that open, bodies of loops, and dense connections."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.pictures.components import BAR, BEND, PORT, Component, DrawnLine, End, Extent
from archdsl.pictures.fonts import text_width
from archdsl.pictures.glyphs import Stack, Strip
from archdsl.pictures.lengths import AFTER, BEFORE, LENGTH, Length, most, size
from archdsl.pictures.pen import PLAIN, SMALL, STRONG, Direction, Pen

HEAVY, LIGHT = 24.0, 15.0  # heights of strips
PAD, HEADER = 12.0, 22.0  # of a frame
TIMES = 6.0  # from a box to how often it is repeated


def times(count: int) -> str:
    return f"x {count}" if count > 1 else ""


def strip_size(strip: Strip, flow: Direction) -> tuple[float, float]:
    """Width and height of a strip with its text."""
    font = SMALL if strip.light else PLAIN
    width = text_width(strip.words, font) + 16
    return width, (LIGHT if strip.light else HEAVY) if flow.down else HEAVY + 4


class StackBox(Component):
    """Layers in a row, as strips of one box."""

    def __init__(self, stack: Stack, flow: Direction, width: float, about: Sequence[int]) -> None:
        self.stack = stack
        self.flow = flow
        self.about = about
        self.sizes = [strip_size(s, flow) for s in stack.strips]
        if flow.down:
            length, across = sum(h for _, h in self.sizes), width
        else:
            length, across = sum(w for w, _ in self.sizes), max(h for _, h in self.sizes)
        self.across = across
        self.times = times(stack.repeat)
        room = text_width(self.times, STRONG, True) + TIMES if self.times else 0
        half = across / 2
        after = half + (room if flow.down else 16 * bool(self.times))
        super().__init__(Extent(length, half, after))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        lines[0].end(pen, (s, t))
        half = self.across / 2
        if self.times:  # as if more of them lay behind
            pen.box(s + 3, t - half + 3, self.measure.length, self.across, "block")
        along = s
        for strip, (width, height), about in zip(
            self.stack.strips, self.sizes, self.about, strict=True
        ):
            step = height if self.flow.down else width
            font = SMALL if strip.light else PLAIN
            pen.box(along, t - half, step, self.across, strip.layer.kind, about=about, radius=0)
            pen.words(along + step / 2, t, strip.words, size=font, anchor="middle")
            along = along + step
        if self.times and self.flow.down:
            middle = s + self.measure.length * 0.5
            pen.words(middle, t + half + TIMES, self.times, size=STRONG, bold=True)
        elif self.times:
            middle = s + self.measure.length * 0.5
            pen.words(middle, t + half + 10, self.times, size=STRONG, bold=True, anchor="middle")
        return [DrawnLine(((along, t),))]


class Slot(Component):
    """A block, whose size is open. ``doors``: how many lines enter it."""

    def __init__(self, number: int, doors: int) -> None:
        self.number = number
        ends = tuple(End((i - (doors - 1) / 2) * PORT, 0, i) for i in range(doors))
        super().__init__(
            Extent(size(number, LENGTH), size(number, BEFORE), size(number, AFTER), ends)
        )

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        for line, door in zip(lines, self.measure.starts, strict=True):
            line.end(pen, (s, t + door.t))
        pen.slot(s, t, self.number)
        return [DrawnLine(((s + self.measure.length, t),))]


class Terminal(Component):
    """The input or a result of the network; ``lead`` is how long the arrow into it is, ``tag``
    which operand it is of what lines end in."""

    def __init__(
        self, text: str, flow: Direction, into: bool, lead: float = 0.0, tag: int = 0
    ) -> None:
        self.text = text
        self.flow = flow
        self.into = into
        self.lead = lead
        along, self.across = flow.along(text_width(text, SMALL) + 20, 20)
        self.box = along
        half = self.across / 2
        super().__init__(Extent(along + lead, half, half, ends=(End(tag=tag),)))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        s = s + self.lead
        if self.into:
            t = lines[0].points[-1][1]  # beside the axis, where the last line ends there
            lines[0].end(pen, (s, t))
        along = self.box
        pen.box(s, t - self.across / 2, along, self.across, "paper", radius=10)
        pen.words(s + along * 0.5, t, self.text, size=SMALL, anchor="middle")
        return [DrawnLine(((s + along, t),))]


class TitledBox(Component):
    """A box around another component, with a title: an open block, or the body of a loop."""

    def __init__(
        self,
        inside: Component,
        title: str,
        flow: Direction,
        doors: tuple[End, ...] = (End(),),
        fill: str = "frame",
        dashed: bool = False,
        about: int | None = None,
    ) -> None:
        self.inside = inside
        self.title = title
        self.flow = flow
        self.fill = fill
        self.dashed = dashed
        self.about = about
        m = inside.measure
        wide = text_width(title, STRONG, True) + 20
        before = most(m.before, *[-door.t for door in doors])  # lines enter within the frame
        after = most(m.after, *[door.t for door in doors])
        if flow.down:
            low: Length = most(wide / 2, before + PAD)
            high: Length = most(wide / 2, after + PAD)
            super().__init__(Extent(m.length + HEADER, low, high, doors))
        else:
            length = most(wide, m.length)
            super().__init__(Extent(length, before + (PAD + HEADER), after + PAD, doors))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        for line, door in zip(lines, self.measure.starts, strict=True):
            line.end(pen, (s, t + door.t))
        self.draw(pen, s, t)
        return [DrawnLine(((s + self.measure.length, t),))]

    def draw(self, pen: Pen, s: Length, t: Length) -> None:
        """The frame and what is in it, its axis at ``t``."""
        m = self.measure
        across = m.before + m.after
        extra = {"dashed": self.dashed, "about": self.about, "radius": 7}
        pen.box(s, t - m.before, m.length, across, self.fill, line="rule", **extra)
        if self.flow.down:
            pen.words(s + HEADER / 2 + 1, t, self.title, size=STRONG, bold=True, anchor="middle")
            start = s + HEADER
        else:
            top = t - m.before + (HEADER / 2 + 2)
            pen.words(s + 9, top, self.title, size=STRONG, bold=True)
            start = s
        doors = [DrawnLine(((start, t + d.t),)) for d in m.starts]
        for line in self.inside.place(pen, start, t, doors):
            line.end(pen, (s + m.length, t), arrow=False)


class More(Component):
    """What stands for many steps of a dense block that are not drawn one by one."""

    def __init__(self, lines: tuple[str, str], flow: Direction, about: int) -> None:
        self.lines = lines
        self.about = about
        wide = max(text_width(lines[0], STRONG, True), text_width(lines[1], SMALL)) + 24
        along, self.across = flow.along(wide, 42)
        self.flow = flow
        super().__init__(Extent(along, self.across / 2, self.across / 2))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        lines[0].end(pen, (s, t))
        along, half = self.measure.length, self.across / 2
        pen.box(s, t - half, along, self.across, "block", dashed=True, about=self.about, radius=5)
        two_lines(pen, self.flow, s + along * 0.5, t, self.lines)
        return [DrawnLine(((s + along, t),))]


def two_lines(pen: Pen, flow: Direction, s: Length, t: Length, lines: tuple[str, str]) -> None:
    """A title and what is said below it, around a place."""
    up, low = (-8.0, 8.0) if lines[1] else (0.0, 0.0)
    for text, shift, style in (
        (lines[0], up, {"size": STRONG, "bold": True}),
        (lines[1], low, {"size": SMALL, "colour": "faint"}),
    ):
        if text:
            place = (s + shift, t) if flow.down else (s, t + shift)
            pen.words(*place, text, anchor="middle", **style)


class DenseArcs(Component):
    """Steps each of which takes what all before it give, and the input: arcs from each to
    every later one, and to the concatenation at the end."""

    GAP = 26.0
    STUB = 8.0  # between the edge of a box and its arc

    def __init__(self, steps: Sequence[Component], flow: Direction, about: int) -> None:
        self.steps = steps
        self.flow = flow
        self.about = about
        sizes = [p.measure for p in steps]
        length: Length = BEND
        for m in sizes:
            length = length + (m.length + self.GAP)
        self.half = (text_width("concat", SMALL) + 14) / 2
        edge = most(self.half, *(m.after for m in sizes))
        self.edge = edge + self.STUB
        reach = self.edge + (self.bulge(len(steps) + 1) + 4)
        before = most(self.half, *(m.before for m in sizes))
        super().__init__(Extent(length + (self.GAP + BAR + 12), before, reach))

    def bulge(self, steps: int) -> float:
        return 6.0 + 10.0 * (steps - 1)

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        dot = s + BEND
        lines[0].end(pen, (dot, t), arrow=False)
        leave: list[tuple[Length, Length]] = [(dot, 0.0)]
        enter: list[tuple[Length, Length]] = []
        line = DrawnLine(((dot, t),))
        along = dot + self.GAP
        for step in self.steps:
            after = step.measure.after
            enter.append((along + 7, after))
            (line,) = step.place(pen, along, t, [line])
            along = along + step.measure.length
            leave.append((along - 7, after))
            along = along + self.GAP
        line.end(pen, (along, t))
        enter.append((along + BAR / 2, self.half))
        for i, (s1, t1) in enumerate(leave):
            for j in range(i + 1, len(enter)):
                self._arc(pen, t, (s1, t1), enter[j], j - i, f"curve{i % 8 + 1}")
        pen.disc(dot, t, 3, fill="wire", line="wire")
        pen.box(along, t - self.half, BAR, 2 * self.half, "join", about=self.about)
        upright = not self.flow.down
        pen.words(along + BAR / 2, t, "concat", size=SMALL, anchor="middle", upright=upright)
        return [DrawnLine(((along + BAR, t),))]

    def _arc(
        self,
        pen: Pen,
        t: Length,
        start: tuple[Length, Length],
        end: tuple[Length, Length],
        steps: int,
        colour: str,
    ) -> None:
        far = t + self.edge
        out = far + self.bulge(steps) * 4 / 3
        pen.arc(
            [(start[0], t + start[1]), (start[0], far), (start[0], out)],
            [(end[0], out), (end[0], far), (end[0], t + end[1])],
            colour,
        )
