"""``archdsl lsp``: the language server, for editors."""

from __future__ import annotations

import os
import sys

import click

from archdsl.cli.output import check_streams
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose


@click.command()
@click.option("--stdio", is_flag=True, help="Use standard input and output, as it always does.")
def command(stdio: bool) -> None:
    """Run the language server for .arch and .search files, over standard input and output.

    An editor starts it: see docs/editors.md.
    """
    try:
        from archdsl.server.features import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise ArchError([diagnose(codes.NEEDS_PACKAGE, package="pygls", extra="lsp")]) from None
    check_streams()
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")  # the server closes it
    make_server().start_io(stdout=output)
