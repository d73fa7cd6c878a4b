"""``archdsl error``: the page on a diagnostic."""

from __future__ import annotations

import click

from archdsl.cli.output import say, say_text
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Kind


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain a diagnostic by its code, such as A201; without one, list them all."""
    if code is None:
        for kind in codes.ALL.values():
            say(f"{kind.code}  {template(kind)}")
        return
    found = codes.ALL.get(code.strip("[]").upper())
    if found is None:
        raise click.BadParameter(f"there is no diagnostic {code}; `archdsl error` lists them all")
    say(click.style(f"{found.code}: {template(found)}", bold=True))
    say()
    say_text(found.page.replace("{{", "{").replace("}}", "}"))
    if found.help:
        say()
        say_text(f"help: {found.help.replace('{{', '{').replace('}}', '}')}")


def template(kind: Kind) -> str:
    """A message with its fields shown as blanks."""
    blanks = _Blanks()
    return kind.message.format_map(blanks)


class _Blanks(dict[str, str]):
    def __missing__(self, key: str) -> _Blank:
        return _Blank(key)


class _Blank(str):
    def __format__(self, spec: str) -> str:
        return f"<{str.__str__(self)}>"
