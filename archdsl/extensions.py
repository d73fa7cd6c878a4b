"""What a user adds: from Python files that the user allowed by name, and from packages.

Nothing here runs for a spec's own sake: a spec cannot name a Python file.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from traceback import walk_tb
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import named_like
from archdsl.registered import defined_in
from archdsl.registry import Registry

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS = "archdsl"  # the group of a package's entry points: modules
MODULE = "archdsl_layers_"  # how the modules of Python files are called: this, and a number


def with_files(registry: Registry, files: Iterable[Path]) -> Registry:
    """A registry with what these Python files define: layers, patterns, costs, data sets,
    metrics, formats.

    The files are run. A name that is not a file is that of a package's entry point, see
    ``with_packages``. Raises ``ArchError`` for one that fails or that defines what cannot be used.
    """
    for number, path in enumerate(files):
        if _is_package(path):
            registry = with_packages(registry, [str(path)])
        else:
            registry = _with_module(registry, run_file(path, f"{MODULE}{number}"), str(path))
    return registry


def with_packages(registry: Registry, names: Iterable[str] | None = None) -> Registry:
    """A registry with what installed packages define: modules that are entry points of the group
    ``archdsl``, those with these names or all.

    The modules are run. Raises ``ArchError``.
    """
    points = _points()
    for name in points if names is None else names:
        if name not in points:
            raise _failed(name, NOWHERE)
        try:
            module = points[name].load()
        except Exception as problem:  # whatever the author's code does
            raise _failed(points[name].value, f"{type(problem).__name__}: {problem}") from None
        registry = _with_module(registry, module, points[name].value)
    return registry


def text_of(path: Path) -> str:
    """The text of a Python file, or of the module that a package's entry point names: a study
    keeps its hash. Raises ``ArchError``."""
    if not _is_package(path):
        return path.read_text("utf-8")
    point = _points().get(str(path))
    found = None if point is None else importlib.util.find_spec(point.module)
    if found is None or found.origin is None:
        raise _failed(str(path), NOWHERE)
    return Path(found.origin).read_text("utf-8")


NOWHERE = "there is no such file, and no installed package of this name"


def _is_package(path: Path) -> bool:
    """Whether an entry point is meant, and no file."""
    return not path.suffix and not path.exists() and len(path.parts) == 1


def _points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # slow to load, and most calls need no package

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _with_module(registry: Registry, module: ModuleType, name: str) -> Registry:
    for cls in defined_in(module):
        try:
            registry = registry.with_added([cls])
        except (ValueError, TypeError) as problem:
            raise _failed(name + _line_of(cls, module), str(problem)) from None
    return registry


def _line_of(cls: type, module: ModuleType) -> str:
    """``:12`` for a class that begins in line 12 of its file; nothing where that is not text."""
    try:
        nodes = [*ast.walk(ast.parse(Path(str(module.__file__)).read_text("utf-8")))]
    except (OSError, ValueError, SyntaxError):  # a package need not have its text as a file
        return ""
    lines = (n.lineno for n in nodes if isinstance(n, ast.ClassDef) and n.name == cls.__name__)
    return next((f":{line}" for line in lines), "")


def run_file(path: Path, name: str) -> ModuleType:
    """The module of a Python file. Raises ``ArchError`` where it fails."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise _failed(str(path), "it is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except FileNotFoundError:
        raise _failed(str(path), "there is no such file", named_like(path)) from None
    except (Exception, SystemExit) as problem:  # whatever the author's code does
        lines = [line for frame, line in walk_tb(problem.__traceback__) if _is_in(path, frame)]
        place = f":{lines[-1]}" if lines else ""  # else of a text that is no Python, which says it
        raise _failed(f"{path}{place}", f"{type(problem).__name__}: {problem}") from None
    return module


def _is_in(path: Path, frame: FrameType) -> bool:
    return frame.f_code.co_filename == str(path.absolute())


def _failed(name: str, reason: str, help: Iterable[str] = ()) -> ArchError:
    return ArchError([diagnose(codes.LAYER_FILE, help=help, name=name, reason=reason)])
