"""Places of a text as the protocol counts them: lines from 0, and code units of UTF-16 (or
what was agreed on)."""

from __future__ import annotations

from collections.abc import Callable

from lsprotocol import types

from archdsl.diagnostics.source import Source, Span

UNITS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "utf-16": lambda text: len(text) + sum(c > "\uffff" for c in text),
    "utf-32": len,
}


class TextPositions:
    """Offsets of one text to positions of the protocol, and back."""

    def __init__(self, source: Source, encoding: str = "utf-16") -> None:
        self.source = source
        self.units = UNITS.get(encoding, UNITS["utf-16"])

    def position(self, offset: int) -> types.Position:
        offset = max(0, min(offset, len(self.source.text)))
        line, column = self.source.position(offset)
        start = offset - (column - 1)
        return types.Position(line - 1, self.units(self.source.text[start:offset]))

    def range(self, span: Span) -> types.Range:
        return types.Range(self.position(span.start), self.position(span.end))

    def line_end(self, line: int) -> types.Position:
        """The end of a line that is counted from 1."""
        return types.Position(line - 1, self.units(self.source.line(line)))

    def offset(self, position: types.Position) -> int:
        """The offset of a position; of one that lies outside the text, the nearest."""
        lines = self.source.text.split("\n")
        if position.line >= len(lines):
            return len(self.source.text)
        text = lines[position.line]
        before = sum(len(line) + 1 for line in lines[: position.line])
        units = 0
        for at, character in enumerate(text):
            if units >= position.character:
                return before + at
            units += self.units(character)
        return before + len(text)
