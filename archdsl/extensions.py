"""A user's own layers: from Python files that the user allowed by name, and from packages.

Nothing here runs for a spec's own sake: a spec cannot name a Python file.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.layers.table import Table, layers_of

ENTRY_POINTS = "archdsl.layers"
MODULE = "archdsl_layers_"  # how the modules of Python files are called: this, and a number


def table_with(table: Table, files: Iterable[Path]) -> Table:
    """A table with the layers that these Python files define.

    The files are run. Raises ``ArchError`` for one that fails or whose layers do not do.
    """
    for number, path in enumerate(files):
        module = _run(path, f"{MODULE}{number}")
        try:
            table = table.with_layers(layers_of(module))
        except (ValueError, TypeError) as problem:
            raise _failed(str(path), str(problem)) from None
    return table


def table_of_packages(table: Table) -> Table:
    """A table with the layers of installed packages: modules under ``archdsl.layers``.

    Loading them runs them: nothing calls this but who wants them.
    """
    from importlib.metadata import entry_points  # slow to load, and most calls need no package

    for point in entry_points(group=ENTRY_POINTS):
        try:
            table = table.with_layers(layers_of(point.load()))
        except Exception as problem:
            raise _failed(point.value, f"{type(problem).__name__}: {problem}") from None
    return table


def _run(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise _failed(str(path), "it is no Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError:
        raise _failed(str(path), "there is no such file") from None
    except (Exception, SystemExit) as problem:  # whatever the author's code does
        raise _failed(str(path), f"{type(problem).__name__}: {problem}") from None
    return module


def _failed(name: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.LAYER_FILE, name=name, reason=reason)])
