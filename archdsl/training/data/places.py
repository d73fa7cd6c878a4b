"""Where data is looked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.sets import ImageFolder

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def cache_folder() -> Path:
    """Where archdsl keeps what it downloads: ``~/.cache/archdsl``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "archdsl"


def class_folders(data: ImageFolder, folder: Path) -> list[Path]:
    """The folders of the classes, in the order of their names. Raises ``ArchError``."""
    root = folder / data.path
    try:
        found = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError as problem:
        raise missing(data.name, (problem.strerror or str(problem)).lower(), [root]) from None
    if not found:
        reason = "there is no folder for each class in it"
        raise missing(data.name, reason, [root])
    return found


def missing(name: str, reason: str, places: Iterable[Path], help: Iterable[str] = ()) -> ArchError:
    """The error that says where data was looked for, and how to get it."""
    notes = [f"looked for in {place}" for place in places]
    return ArchError([diagnose(codes.NO_DATA, notes=notes, help=help, name=name, reason=reason)])


def unreadable(name: str, reason: str, place: Path, help: Iterable[str] = ()) -> ArchError:
    """The error that says which file is not what it should be."""
    notes = [f"in {place}"]
    return ArchError([diagnose(codes.BAD_DATA, notes=notes, help=help, name=name, reason=reason)])
