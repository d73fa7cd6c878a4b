"""``archdsl fmt``: one way for specs and searches to look."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import click

from archdsl.cli.output import say, show_diagnostics
from archdsl.diagnostics.model import ArchError, Fault
from archdsl.diagnostics.render import printable
from archdsl.diagnostics.source import Source
from archdsl.files import ARCH, SEARCH, read_standard_input, read_text, refuse_others
from archdsl.syntax.format import format_source
from archdsl.syntax.language import language_of
from archdsl.writing import write_text


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Write nothing; fail where something would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
@click.option(
    "--stdin-name",
    default="<stdin>",
    metavar="NAME",
    help="Name of standard input; one that ends in .search is read as a search.",
)
def command(files: tuple[str, ...], check: bool, diff: bool, stdin_name: str) -> int:
    """Format specs and searches in place, comments kept. A folder stands for those in it; -
    reads standard input and prints."""
    failed = changed = 0
    for name in _expand(files):
        called = stdin_name if name == "-" else name
        shown = printable(called)
        try:
            before = _read(name)
            after = format_source(Source(shown, before), language_of(called))
            changed += after != before
            if diff:
                click.echo("".join(_diff(shown, before, after)).encode(), nl=False)
            elif name == "-" and not check:
                click.echo(after.encode(), nl=False)  # as UTF-8, whatever the terminal takes
            elif after != before:
                if not check:
                    write_text(Path(name), after)
                say(f"{shown} {'would be ' if check else ''}formatted")
        except (Fault, ArchError) as error:
            told = ArchError([error.diagnostic]) if isinstance(error, Fault) else error
            show_diagnostics(told.diagnostics, complete=told.complete)
            failed += 1
    return 1 if failed or (changed and check) else 0


def _expand(files: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for name in files:
        path = Path(name)
        if name != "-" and path.is_dir():
            below = (p for ending in (ARCH, SEARCH) for p in path.rglob(f"*{ending}"))
            found.extend(str(p) for p in sorted(below) if p.is_file())
        else:
            found.append(name)
    return found


def _read(name: str) -> str:
    if name == "-":
        return read_standard_input()
    refuse_others(name, ARCH, SEARCH)
    return read_text(Path(name), name)


def _diff(name: str, before: str, after: str) -> list[str]:
    old, new = (re.findall(r"[^\n]*\n|[^\n]+$", text) for text in (before, after))
    return [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in difflib.unified_diff(old, new, name, f"{name} (formatted)")
    ]
