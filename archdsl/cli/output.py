"""How results look in a terminal: numbers, tables, colours."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, TextIO

import click

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.diagnostics.render import HIDDEN, render
from archdsl.units import human as human
from archdsl.units import human_bytes as human_bytes

WIDTH = 80
ACTING = re.compile(rf"{HIDDEN.pattern}|\r")


def wants_color(stream: TextIO) -> bool:
    """Colour goes to a terminal, unless ``NO_COLOR`` is set."""
    if os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def harmless(text: str) -> str:
    """A text with whatever would act on a terminal, or hide what is there, written out. What is
    printed may come from a study of somebody else, or from an exception of anybody's code."""
    return ACTING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class Styled(str):
    """A text that stands out on a terminal; its characters are no others for that."""

    looks: Mapping[str, Any]

    def __new__(cls, text: str, **looks: Any) -> Styled:
        """``looks`` are those of ``click.style``."""
        made = super().__new__(cls, text)
        made.looks = looks
        return made


def say(*parts: str, error: bool = False) -> None:
    """Prints a line of these parts, whose colours only a terminal gets: those of ``Styled`` parts.
    Whatever else would act on it is written out."""
    stream = sys.stderr if error else sys.stdout
    coloured = wants_color(stream)
    texts = (
        click.style(harmless(p), **p.looks) if isinstance(p, Styled) and p else harmless(p)
        for p in parts
    )
    click.echo("".join(texts), err=error, color=coloured)


def columns() -> int:
    """The columns of a text: 80, or fewer on a terminal that has fewer."""
    return columns_of(sys.stdout)


def columns_of(stream: TextIO) -> int:
    """The columns of a text on a stream: 80, or fewer on a terminal that has fewer."""
    if not stream.isatty():
        return WIDTH
    try:
        given = os.environ.get("COLUMNS", "")
        found = int(given) if given.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):  # a stream that is no file, or a terminal that does not know
        found = 0
    return min(WIDTH, found or WIDTH)


def say_below(text: str) -> None:
    """Prints a line that stands below another one, indented; what does not fit is indented more."""
    for line in wrap(text.strip(), columns(), initial_indent="  ", subsequent_indent="    "):
        say(line)


def say_text(text: str, *, title: str = "") -> None:
    """Prints a text in lines of 80 columns at most: an empty line parts its paragraphs. A title
    stands before the first of them, and what follows it is indented."""
    indent = "  " if title else ""
    for number, paragraph in enumerate(text.split("\n\n") if text else [""]):
        if number:
            say()
        lead = f"{title}  " if title and not number else indent
        lines = wrap(lead + " ".join(paragraph.split()), columns(), subsequent_indent=indent)
        for place, line in enumerate(lines):
            bold = title if title and not number and not place else ""
            say(Styled(bold, bold=True), line.removeprefix(bold))


def cut(text: str, width: int) -> str:
    """A text of at most so many characters, the rest of it left out."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def say_json(value: Any) -> None:
    click.echo(shown_json(value, indent=1))


def shown_json(value: Any, indent: int | None = None) -> str:
    """JSON in which nothing is hidden: characters that would act on a terminal are escaped."""
    return harmless(json.dumps(value, indent=indent, ensure_ascii=False))


SHOWN = 20  # mistakes of a spec in a terminal


class ReaderGone(Exception):
    """Nobody reads on, as with `head`: nothing more can be said, and the command ends."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


def show_diagnostics(
    diagnostics: Iterable[Diagnostic], *, complete: bool = True, error: bool = True
) -> None:
    """Prints diagnostics with their source lines: the first of very many. ``complete`` says
    whether there are no others than these."""
    found = list(diagnostics)
    say(*paint(render(found[:SHOWN])), error=error)
    if len(found) > SHOWN:
        more = len(found) - SHOWN
        which = "all" if complete else f"the first {len(found)}"
        say(f"\n{more} more are not shown: `archdsl check --json` has {which}", error=error)


LOOKS: tuple[
    tuple[str, dict[str, Any], dict[str, Any]], ...
] = (  # of the lines of diagnostics: what they begin with, and how that looks
    (r"(error\[\w+\])(: .*)", {"fg": "red", "bold": True}, {"bold": True}),
    (r"(warning\[\w+\])(: .*)", {"fg": "yellow", "bold": True}, {"bold": True}),
    (r"( *--> )(.*)", {"fg": "blue"}, {}),
    (r"( *\| *)(\^+.*)", {"fg": "blue"}, {"fg": "red", "bold": True}),
    (r"( *\| *)(-+ .*)", {"fg": "blue"}, {"fg": "blue", "bold": True}),
    (r"( *\d* \|)(.*)", {"fg": "blue"}, {}),
    (r"( *= help: )(.*)", {"fg": "green", "bold": True}, {}),
)


def paint(text: str) -> Iterator[str]:
    """The text of diagnostics in parts, which have their colours."""
    for number, line in enumerate(text.split("\n")):
        yield "\n" * (number > 0)
        for pattern, first, rest in LOOKS:
            if match := re.match(pattern, line):
                yield Styled(match[1], **first)
                yield Styled(match[2], **rest) if rest else match[2]
                break
        else:
            yield line


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    width: int = WIDTH,
) -> list[str]:
    """Lines of a table without frames. Columns in ``right`` are aligned to the right; where the
    whole is wider than ``width``, the first column is narrower and takes several lines: what
    is cut off may be what two rows differ in."""
    columns = len(header)
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(columns)]
    over = sum(widths) + 2 * (columns - 1) - width
    if over > 0:
        widths[0] = max(8, widths[0] - over)

    def lines(row: Sequence[str]) -> Iterator[str]:
        indent = " " * (len(row[0]) - len(row[0].lstrip()) + 2)
        first, *more = wrap(row[0], widths[0], subsequent_indent=indent) or [""]
        cells = [
            cell.rjust(widths[i]) if i in right else cell.ljust(widths[i])
            for i, cell in enumerate([first, *row[1:]])
        ]
        yield "  ".join(cells).rstrip()
        yield from more

    head = [Styled(line, bold=True) for line in lines(header)]
    return [*head, *(line for row in rows for line in lines(row))]


def check_streams() -> None:
    """Raises ``ArchError`` (A002, A008) where standard input or output is closed, over which a
    server is asked and answers."""
    if sys.stdin is None:
        raise ArchError([diagnose(codes.UNREADABLE, name="<stdin>", reason="it is closed")])
    if sys.__stdout__ is None:  # in whose place another stands by now
        raise ArchError([diagnose(codes.CANNOT_WRITE, name="<stdout>", reason="it is closed")])
