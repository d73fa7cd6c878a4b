"""A training of the user's own, from the Python file that a search names."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import format_exception
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.render import printable
from archdsl.extensions import run_file
from archdsl.files import named_like
from archdsl.search.request import SearchRequest

NAME = "train"  # of the function
MODULE = "archdsl_own_training"


def check_file(search: SearchRequest, folder: Path) -> None:
    """Raises ``ArchError`` where the file that a search names is not there."""
    own = search.own
    if own is not None and own.file and not (path := folder / own.file).is_file():
        place = search.spans["train"]
        if not path.exists():
            help = named_like(path)
            raise ArchError([diagnose(codes.NO_SUCH_FILE, place, help=help, name=own.file)])
        reason = "it is a folder" if path.is_dir() else "it is a pipe or a device, not a file"
        raise ArchError([diagnose(codes.UNREADABLE, place, name=own.file, reason=reason)])


def function_of(search: SearchRequest, folder: Path, python: Sequence[Path]) -> Any:
    """The function of a search's file; nothing where archdsl trains. The file is run, and that
    only where it is among those that the user allowed; a table of results is looked up.

    Raises ``ArchError``.
    """
    own = search.own
    if own is None or not own.file:
        return None
    check_file(search, folder)
    if own.is_table:
        from archdsl.search.replay import replay

        return replay(search, folder)
    path = folder / own.file
    if path.resolve() not in [p.resolve() for p in python]:
        help = [f"add --allow-python {path}"]
        place = search.spans["train"]
        raise ArchError([diagnose(codes.NOT_ALLOWED, place, help=help, name=own.file)])
    return function_in(path)


def function_in(path: Path) -> Any:
    """The function of a file, which is run. Raises ``ArchError``."""
    module = run_file(path, MODULE)
    sys.modules[MODULE] = module  # workers of a data loader look their classes up there
    found = getattr(module, NAME, None)
    if not callable(found):
        reason = f"it has no function `{NAME}`, which takes a candidate and gives its scores"
        raise ArchError([diagnose(codes.LAYER_FILE, name=str(path), reason=reason)])
    return found


def trace_of(problem: Exception) -> str:
    """A traceback, in lines that move no cursor: what the code of a training raised may quote
    anything."""
    return "\n".join(map(printable, "".join(format_exception(problem)).splitlines()))
