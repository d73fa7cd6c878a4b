"""``archdsl error``: the page on a diagnostic."""

from __future__ import annotations

import click

from archdsl.cli import completing
from archdsl.cli.output import WIDTH, Styled, cut, say, say_text
from archdsl.diagnostics import codes


@click.command()
@click.argument("code", required=False, shell_complete=completing.errors)
def command(code: str | None) -> None:
    """Explain a diagnostic by its code, such as A201; without one, list them all."""
    if code is None:
        for kind in codes.ALL.values():
            say(cut(f"{kind.code}  {kind.template}", WIDTH))
        return
    found = codes.ALL.get(code.strip("[]").upper())
    if found is None:
        raise click.BadParameter(f"there is no diagnostic {code}; `archdsl error` lists them all")
    say(Styled(f"{found.code}: {found.template}", bold=True))
    say()
    say_text(found.page)
    if found.help:
        say()
        say_text(f"help: {found.advice}")
