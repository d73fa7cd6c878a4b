"""How results look in a terminal: numbers, tables, colours."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Any, TextIO

import click

from archdsl.diagnostics.model import Diagnostic
from archdsl.diagnostics.render import HIDDEN, render
from archdsl.units import human as human
from archdsl.units import human_bytes as human_bytes

WIDTH = 80
COLORS = r"\x1b\[(?:[0124]|22|[39][0-7])m"  # as `click.style` writes them
ACTING = re.compile(rf"({COLORS})|{HIDDEN.pattern}|\r")


def wants_color(stream: TextIO) -> bool:
    """Colour goes to a terminal, unless ``NO_COLOR`` is set."""
    if os.environ.get("NO_COLOR"):
        return False
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def harmless(text: str) -> str:
    """A text with whatever would act on a terminal, or hide what is there, written out; but for
    the colours of ``click.style``. What is printed may come from a study of somebody else."""
    return ACTING.sub(lambda m: m[0] if m[1] else rf"\u{ord(m[0]):04x}", text)


def say(text: str = "", *, error: bool = False) -> None:
    """Prints a line; ``text`` may hold ``click.style`` colours, which only a terminal gets."""
    stream = sys.stderr if error else sys.stdout
    click.echo(harmless(text), err=error, color=wants_color(stream))


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
            say(click.style(bold, bold=True) + line.removeprefix(bold) if bold else line)


def cut(text: str, width: int) -> str:
    """A text of at most so many characters, the rest of it left out."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def say_json(value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    click.echo(HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text))


SHOWN = 20  # mistakes of a spec in a terminal


class ReaderGone(Exception):
    """Nobody reads on, as with `head`: nothing more can be said, and the command ends."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


def show_diagnostics(diagnostics: Iterable[Diagnostic], *, error: bool = True) -> None:
    """Prints diagnostics with their source lines: the first of very many."""
    found = list(diagnostics)
    text = render(found[:SHOWN])
    say(paint(text) if wants_color(sys.stderr if error else sys.stdout) else text, error=error)
    if len(found) > SHOWN:
        more = len(found) - SHOWN
        say(f"\n{more} more are not shown: `archdsl check --json` has all", error=error)


def paint(text: str) -> str:
    """Colours for the text of diagnostics."""
    lines = []
    for line in text.split("\n"):
        if match := re.match(r"(error|warning)(\[\w+\])(: .*)", line):
            color = "red" if match[1] == "error" else "yellow"
            line = click.style(match[1] + match[2], fg=color, bold=True) + click.style(
                match[3], bold=True
            )
        elif match := re.match(r"( *--> )(.*)", line):
            line = click.style(match[1], fg="blue", bold=True) + match[2]
        elif match := re.match(r"( *\| *)(\^+)(.*)", line):
            line = click.style(match[1], fg="blue") + click.style(
                match[2] + match[3], fg="red", bold=True
            )
        elif match := re.match(r"( *\| *)(-+ .*)", line):
            line = click.style(match[1], fg="blue") + click.style(match[2], fg="blue", bold=True)
        elif match := re.match(r"( *\d* \|)(.*)", line):
            line = click.style(match[1], fg="blue") + match[2]
        elif match := re.match(r"( *= help: )(.*)", line):
            line = click.style(match[1], fg="green", bold=True) + match[2]
        lines.append(line)
    return "\n".join(lines)


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

    head = [click.style(line, bold=True) for line in lines(header)]
    return [*head, *(line for row in rows for line in lines(row))]
