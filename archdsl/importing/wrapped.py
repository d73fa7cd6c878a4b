"""Lines of a spec that are too long, broken within their parentheses."""

from __future__ import annotations

import re
from collections.abc import Sequence

INDENT = "  "
LONG = 96  # characters of a line
OPEN, CLOSE = "([{", ")]}"
LEFT = re.compile(r'["#]')  # strings and comments, whose lines stay as they are


def wrapped(lines: list[str]) -> list[str]:
    """The lines of a spec, those that are too long with their longest list of arguments in lines of
    its own, as many to a line as it takes; those with strings or comments stay."""
    single = "\n".join(lines).split("\n")
    return [part for line in single for part in (_broken(line) if _is_long(line) else [line])]


def _is_long(line: str) -> bool:
    return len(line) > LONG and not LEFT.search(line)


def _broken(line: str) -> list[str]:
    start, end = _longest(line)
    if end - start < 2:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    rows = packed(_parts(line[start + 1 : end]), indent + INDENT)
    return [line[: start + 1], *wrapped(rows), indent + line[end:]]


def packed(parts: Sequence[str], indent: str) -> list[str]:
    """What commas separate in lines, as many to a line as it takes."""
    rows = [""]
    for part in parts:
        joined = f"{rows[-1]}, {part}" if rows[-1] else part
        if rows[-1] and len(indent + joined) >= LONG:
            rows[-1] += ","
            rows.append(part)
        else:
            rows[-1] = joined
    return [indent + row for row in rows]


def _longest(line: str) -> tuple[int, int]:
    """Where the longest parentheses that stand in no others begin and end."""
    found, opened = (0, 0), list[int]()
    for place, char in enumerate(line):
        if char in OPEN:
            opened.append(place)
        elif char in CLOSE and opened:
            start = opened.pop()
            outer = not opened and char == ")"
            if outer and place - start > found[1] - found[0]:
                found = start, place
    return found


def _parts(text: str) -> list[str]:
    """What commas separate, but for those within parentheses."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in OPEN) - (char in CLOSE)
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts]
