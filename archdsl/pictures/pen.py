"""Draws into a template: shapes whose places may depend on which blocks are open.

A layout speaks of the way along the flow (``s``) and across it (``t``, 0 on its axis). The pen
turns that into x and y, for a flow down the page or to the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archdsl.pictures.lengths import Length, LengthProgram

Place = tuple[Length, Length]  # along and across the flow
SMALL = 9.5  # font sizes: of what goes with a thing, of layers, of blocks
PLAIN = 11.0
STRONG = 11.5


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way a network runs: down the page, or to the right."""

    down: bool = True

    def xy(self, s: Any, t: Any) -> tuple[Any, Any]:
        return (t, s) if self.down else (s, t)

    def along(self, width: float, height: float) -> tuple[float, float]:
        """A size of the page as one along and one across the flow."""
        return (height, width) if self.down else (width, height)


@dataclass(slots=True)
class Template:
    """A picture of a part with open questions, as plain data: ``Program.code``, the shapes over
    it, where the blocks stand that can be opened, and its own size (along, before, after)."""

    program: LengthProgram = field(default_factory=LengthProgram)
    shapes: list[list[Any]] = field(default_factory=list)
    slots: list[list[Any]] = field(default_factory=list)
    size: list[Any] = field(default_factory=lambda: [0, 0, 0])


class Pen:
    """Adds shapes to a template."""

    def __init__(self, flow: Direction) -> None:
        self.flow = flow
        self.template = Template()

    def _put(self, kind: str, *values: Any, **extra: Any) -> None:
        shown = {k: v for k, v in extra.items() if v is not None and v is not False}
        self.template.shapes.append([kind, *values, shown])

    def _at(self, s: Length, t: Length) -> list[Any]:
        x, y = self.flow.xy(s, t)
        return [self.template.program.add(x), self.template.program.add(y)]

    def box(
        self, s: Length, t: Length, along: Length, across: Length, fill: str, **extra: Any
    ) -> None:
        """A rectangle that begins at ``s`` and whose lower side across the flow is ``t``."""
        size = self._at(along, across)
        self._put("box", *self._at(s, t), *size, fill, **extra)

    def words(self, s: Length, t: Length, text: str, **extra: Any) -> None:
        """A line of text whose middle is there (or its start: ``anchor``)."""
        self._put("words", *self._at(s, t), text, **extra)

    def wire(self, points: list[Place], **extra: Any) -> None:
        """A line through these points."""
        self._put("wire", [self._at(*p) for p in points], **extra)

    def arc(self, start: list[Place], end: list[Place], colour: str) -> None:
        """An arc with an arrow: a place, where the curve begins, and what it bends toward; the
        same for its end, in the order of the way."""
        points = [self._at(*p) for p in (*start, *end)]
        self._put("wire", points, colour=colour, curved=True, arrow=True, stroke=1)

    def disc(self, s: Length, t: Length, radius: float, **extra: Any) -> None:
        """A circle around a place."""
        self._put("disc", *self._at(s, t), radius, **extra)

    def slot(self, s: Length, t: Length, number: int) -> None:
        """The block ``number`` begins here, its axis at ``t``."""
        self.template.slots.append([*self._at(s, t), number])
