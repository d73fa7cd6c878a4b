"""What a drawing is put together from: things that can be measured and placed.

A component is measured first: how long it is along the flow, how far it reaches on both sides of
its axis, and where lines enter and leave it. Then it is placed, with the lines that come in, and
gives back those that go out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from archdsl.pictures.lengths import Length, most
from archdsl.pictures.pen import Pen, Place

ARM = 16.0  # between arms
LANE = 4.0  # half of what a bare line takes
ARROW = 17.0  # the way of a line into a box
BEND = 9.0  # from a box to where its line divides
LABEL = 14.0  # of what is written beside a line
RADIUS = 8.5  # of a sum
BAR = 16.0  # a concatenation, along the flow
PORT = 14.0  # between the lines that enter one block
TRACK = 6.0  # between lines that bend beside each other


@dataclass(frozen=True, slots=True)
class End:
    """Where a line enters or leaves: its place across, on which side of the axis (-1, 0, 1),
    and which operand it is."""

    t: Length = 0.0
    side: int = 0
    tag: int = 0


@dataclass(frozen=True, slots=True)
class Extent:
    """How much room a component takes."""

    length: Length
    before: Length
    after: Length
    starts: tuple[End, ...] = (End(),)
    ends: tuple[End, ...] = (End(),)


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line that is being drawn, so far."""

    points: tuple[Place, ...]
    dashed: bool = False

    def to(self, *points: Place) -> DrawnLine:
        return DrawnLine((*self.points, *points), self.dashed)

    def end(self, pen: Pen, *points: Place, arrow: bool = True) -> None:
        """Draws it, with these points at last."""
        pen.wire([*self.points, *points], arrow=arrow, dashed=self.dashed)


class Component:
    """Something that can be measured and placed. ``bare``: a line and nothing on it."""

    bare = False

    def __init__(self, measure: Extent) -> None:
        self.measure = measure

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        """Draws itself from ``s`` on, its axis at ``t``. The lines that leave it."""
        raise NotImplementedError(type(self).__name__)


class Bare(Component):
    """A line that passes; ``tag`` is which operand it is."""

    bare = True

    def __init__(self, tag: int = 0) -> None:
        end = (End(tag=tag),)
        super().__init__(Extent(0.0, LANE, LANE, end, end))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        return lines


class Series(Component):
    """Components one after the other, on one axis."""

    def __init__(self, parts: Sequence[Component]) -> None:
        self.parts = parts
        sizes = [p.measure for p in parts]
        length: Length = 0.0
        for m in sizes:
            length = length + m.length
        before = most(*(m.before for m in sizes))
        after = most(*(m.after for m in sizes))
        super().__init__(Extent(length, before, after, sizes[0].starts, sizes[-1].ends))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        for part in self.parts:
            lines = part.place(pen, s, t, lines)
            s = s + part.measure.length
        return lines


class Parallel(Component):
    """Components beside each other. ``main`` stays on the axis; ``loose`` ones, whose lines are
    dashed, end in nothing."""

    def __init__(
        self, arms: Sequence[Component], main: int | None, loose: frozenset[int] = frozenset()
    ) -> None:
        self.arms = arms
        self.loose = loose
        sizes = [a.measure for a in arms]
        self.offsets = _offsets(arms, main)
        self.length = most(*(m.length for m in sizes))
        starts: list[End] = []
        ends: list[End] = []
        for i, (m, offset) in enumerate(zip(sizes, self.offsets, strict=True)):
            side = 0 if main is None or i == main else (1 if i > main else -1)
            starts += [End(e.t + offset, side or e.side, e.tag) for e in m.starts]
            if i not in loose:
                ends += [End(e.t + offset, side or e.side, e.tag) for e in m.ends]
        before = sizes[0].before - self.offsets[0]
        after = sizes[-1].after + self.offsets[-1]
        super().__init__(Extent(self.length, before, after, tuple(starts), tuple(ends)))

    def place(self, pen: Pen, s: Length, t: Length, lines: list[DrawnLine]) -> list[DrawnLine]:
        found: list[DrawnLine] = []
        for i, (arm, offset) in enumerate(zip(self.arms, self.offsets, strict=True)):
            count = len(arm.measure.starts)
            mine, lines = lines[:count], lines[count:]
            if i in self.loose:
                arm.place(pen, s, t + offset, [DrawnLine(x.points, True) for x in mine])
            else:
                room = (self.length - arm.measure.length) * 0.5
                found += arm.place(pen, s + room, t + offset, mine)
        return found


def _offsets(arms: Sequence[Component], main: int | None) -> list[Length]:
    """Where the axis of each arm is, from that of the whole."""
    offsets: list[Length] = [0.0]
    for a, b in pairwise(arms):
        offsets.append(offsets[-1] + a.measure.after + ARM + b.measure.before)
    if main is not None:
        axis = offsets[main]
    else:
        real = [i for i, a in enumerate(arms) if not a.bare] or [0, len(arms) - 1]
        axis = (offsets[real[0]] + offsets[real[-1]]) * 0.5
    return [0.0 if i == main else offset - axis for i, offset in enumerate(offsets)]
