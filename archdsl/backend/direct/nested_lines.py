"""Statements of Python with those below them, and which of them nothing needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archdsl.backend.python import INDENT, Code

WORD = re.compile(r"(?<![.\w])[^\W\d]\w*")


@dataclass(slots=True, eq=False)
class Line:
    """A statement: what stands before and after an expression, and its body. ``target`` is set for
    an assignment that is left out where nothing reads it."""

    prefix: str
    code: Code | None = None
    suffix: str = ""
    body: list[Line] = field(default_factory=list)
    target: str = ""

    def shown(self, indent: int) -> list[str]:
        if self.code is None:
            lines = [f"{INDENT * indent}{self.prefix}{self.suffix}"]
        else:
            lines = self.code.lines(indent, self.prefix, self.suffix)
        return [*lines, *shown(self.body, indent + 1)]

    @property
    def text(self) -> str:
        return f"{self.prefix}{'' if self.code is None else self.code.flat()}{self.suffix}"


def shown(lines: Sequence[Line], indent: int) -> list[str]:
    return [text for line in lines for text in line.shown(indent)]


def walk(lines: Sequence[Line]) -> Iterator[Line]:
    for line in lines:
        yield line
        yield from walk(line.body)


def words(lines: Sequence[Line]) -> set[str]:
    """The names that statements read."""
    found: set[str] = set()
    for line in walk(lines):
        found.update(WORD.findall(line.text.removeprefix(f"{line.target} = ")))
    return found


def pruned(lines: list[Line]) -> list[Line]:
    """Without the assignments that nothing reads."""
    while True:
        read = words(lines)
        kept = _read(lines, read)
        if len(list(walk(kept))) == len(list(walk(lines))):
            return kept
        lines = kept


def _read(lines: Sequence[Line], names: set[str]) -> list[Line]:
    """Without the assignments to other names than these, and without statements that had no others
    below them."""
    kept: list[Line] = []
    for line in reversed(lines):
        if line.target and line.target not in names:
            continue
        body = _read(line.body, names)
        if line.body and all(below.text == "pass" for below in body):
            if not (kept and kept[-1].prefix.startswith(("elif ", "else:"))):
                continue
            body = [Line("pass")]
        kept.append(Line(line.prefix, line.code, line.suffix, body, line.target))
    return kept[::-1]
