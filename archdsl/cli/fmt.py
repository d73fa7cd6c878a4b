"""``archdsl fmt``: one way for specs to look."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import click

from archdsl.cli.output import say, show_diagnostics
from archdsl.diagnostics.model import ArchError, Fault
from archdsl.diagnostics.render import printable
from archdsl.diagnostics.source import Source
from archdsl.files import MAX_BYTES, decode, read_text
from archdsl.syntax.format import format_source
from archdsl.writing import write_text


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--check", is_flag=True, help="Write nothing; fail where something would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change.")
def command(files: tuple[str, ...], check: bool, diff: bool) -> int:
    """Format specs in place, comments kept. A folder stands for the specs in it; - reads
    standard input and prints."""
    failed = changed = 0
    for name in _expand(files):
        try:
            before = _read(name)
            after = format_source(Source(name, before))
        except Fault as error:
            show_diagnostics([error.diagnostic])
            failed += 1
            continue
        except ArchError as error:
            show_diagnostics(error.diagnostics)
            failed += 1
            continue
        changed += after != before
        if diff:
            sys.stdout.writelines(_diff(name, before, after))
        elif check:
            if after != before:
                say(f"{printable(name)} would be formatted")
        elif name == "-":
            sys.stdout.write(after)
        elif after != before:
            write_text(Path(name), after)
            say(f"{printable(name)} formatted")
    return 1 if failed or (changed and check) else 0


def _expand(files: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for name in files:
        path = Path(name)
        if name != "-" and path.is_dir():
            found.extend(str(p) for p in sorted(path.rglob("*.arch")))
        else:
            found.append(name)
    return found


def _read(name: str) -> str:
    if name == "-":
        return decode(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>")
    return read_text(Path(name), name)


def _diff(name: str, before: str, after: str) -> list[str]:
    return list(
        difflib.unified_diff(
            before.splitlines(keepends=True),
            after.splitlines(keepends=True),
            name,
            f"{name} (formatted)",
        )
    )
