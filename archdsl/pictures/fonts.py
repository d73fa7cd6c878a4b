"""How much room a text takes.

The widths are those of DejaVu Sans, in hundredths of the font's size. It is what PNG and PDF are
set in, and wider than the fonts that a browser takes for ``sans-serif``: a text that fits here
fits there.
"""

from __future__ import annotations

from functools import lru_cache
from unicodedata import combining, east_asian_width

REGULAR, BOLD = (
    [int(n) for n in line.split()]
    for line in (
        """32 40 46 84 64 95 78 27 39 39 50 84 32 36 32 34 64 64 64 64 64 64 64 64 64 64 34 34
        84 84 84 53 100 68 69 70 77 63 58 77 75 29 29 66 56 86 75 79 60 79 69 63 61 73 68 99
        69 61 69 39 34 39 84 50 50 61 63 55 63 62 35 63 63 28 28 58 28 97 63 61 63 63 41 52
        39 63 59 82 59 59 52 64 34 64 84""",
        """35 46 52 84 70 100 87 31 46 46 52 84 38 42 38 37 70 70 70 70 70 70 70 70 70 70 40 40
        84 84 84 58 100 77 76 73 83 68 68 82 84 37 37 77 64 100 84 85 73 85 77 72 68 81 77
        110 77 72 73 46 37 46 84 50 50 67 72 59 72 68 44 72 71 34 34 67 34 104 71 69 72 72
        49 60 48 71 65 92 65 65 58 71 37 71 84""",
    )
)
OTHERS = {"·": 38, "²": 44, "µ": 74}
FAMILY = "Helvetica Neue, Arial, Liberation Sans, DejaVu Sans, sans-serif"
LINE = 1.25  # the height of a line, in sizes of the font


def text_width(text: str, size: float, bold: bool = False) -> float:
    """How wide a text is, in pixels."""
    return size * _widths(text, bold) / 100


@lru_cache(4096)  # a drawing asks for few texts, many times
def _widths(text: str, bold: bool) -> int:
    table = BOLD if bold else REGULAR
    return sum([_width(c, table) for c in text])


def _width(character: str, table: list[int]) -> int:
    code = ord(character)
    if 32 <= code < 127:
        return table[code - 32]
    if combining(character):
        return 0
    wide = 100 if east_asian_width(character) in ("W", "F") else 84
    return OTHERS.get(character, 100 if character in "…⋮" else wide)


def broken(text: str, size: float, room: float, bold: bool = False) -> list[str]:
    """A text in lines that take no more than this room, broken wherever that is."""
    lines = [""]
    for character in text:
        if lines[-1] and text_width(lines[-1] + character, size, bold) > room:
            lines.append("")
        lines[-1] += character
    return lines


def fit(text: str, size: float, room: float, bold: bool = False) -> str:
    """A text that takes no more than this room, the end of it left out where it must be."""
    if text_width(text, size, bold) <= room:
        return text
    while text and text_width(text + "…", size, bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"
