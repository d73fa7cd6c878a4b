"""The cell magic of notebooks: ``%%arch small`` compiles the cell's text and leaves the
architecture in the variable ``small``; knobs may stand after the name (``width=32``)."""

from __future__ import annotations

import sys
from shlex import split
from typing import Any

from archdsl.diagnostics.model import ArchError
from archdsl.settings import split_settings
from archdsl.spec import Architecture, parse


def register(shell: Any) -> None:
    """Adds the magic to an IPython shell."""

    def arch(line: str, cell: str) -> Architecture | None:
        """%%arch NAME [KNOB=VALUE ...]: the architecture that the cell describes."""
        name, *settings = split(line) or ["arch"]
        if not name.isidentifier():
            print(f"%%arch: {name!r} is not a name for a variable", file=sys.stderr)
            return None
        try:
            made = parse(cell, f"<{name}>").candidate(split_settings(settings))
        except ArchError as error:
            print(error, file=sys.stderr)
            return None
        shell.user_ns[name] = made
        return made

    shell.register_magic_function(arch, magic_kind="cell", magic_name="arch")
