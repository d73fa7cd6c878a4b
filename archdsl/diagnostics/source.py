"""Where text came from, and a place in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Source:
    """One text: its name as a user would write it, and its characters."""

    name: str
    text: str
    _starts: list[int] = field(default_factory=list, repr=False)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character offset, both counted from 1."""
        if not self._starts:
            # At one stroke: another thread may be asking too.
            self._starts[:] = [0, *(i + 1 for i, c in enumerate(self.text) if c == "\n")]
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (counted from 1), without its end."""
        self.position(0)
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@dataclass(frozen=True, slots=True)
class Span:
    """The characters ``start`` to ``end`` (exclusive) of a source."""

    source: Source
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    @property
    def place(self) -> str:
        """``file:line:column``."""
        line, column = self.source.position(self.start)
        return f"{self.source.name}:{line}:{column}"

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def words(self) -> str:
        """The text on one line, however it is broken."""
        return on_one_line(self.text)

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of another."""
        return Span(self.source, self.start, max(self.end, other.end))


def on_one_line(text: str) -> str:
    """A piece of a spec as it is written on one line: by its text, an option is known."""
    return re.sub(r"(?<=[(\[]) | (?=[)\]])", "", " ".join(text.split()))


@dataclass(frozen=True, eq=False)
class Elsewhere(Source):
    """A text that is not at hand, of which one place is known."""

    at: tuple[int, int] = (1, 1)  # line and column

    def position(self, offset: int) -> tuple[int, int]:
        return self.at

    def line(self, number: int) -> str:
        return ""


@dataclass(frozen=True, eq=False)
class Typed(Source):
    """A statement of which the user has typed all but its first characters, ``lead`` of them:
    these are not shown, and no column counts them."""

    lead: int = 0

    def position(self, offset: int) -> tuple[int, int]:
        line, column = super().position(offset)
        return line, max(column - self.lead, 1) if line == 1 else column

    def line(self, number: int) -> str:
        return super().line(number)[self.lead if number == 1 else 0 :]


def span_at(place: str) -> Span:
    """What is known of a place that was written as ``Span.place`` says it. Raises ``ValueError``
    for any other text."""
    name, line, column = place.rsplit(":", 2) if place.count(":") > 1 else ("", "", "")
    if not (line.isdecimal() and column.isdecimal() and len(line + column) < 20):
        raise ValueError(f"`{place[:40]}` is not a place: file:line:column")
    return Span(Elsewhere(name, "", at=(int(line), int(column))), 0, 0)
