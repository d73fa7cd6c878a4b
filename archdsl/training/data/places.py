"""Where data is looked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def cache_folder() -> Path:
    """Where archdsl keeps what it downloads: ``~/.cache/archdsl``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "archdsl"


def missing(name: str, reason: str, places: Iterable[Path], help: Iterable[str] = ()) -> ArchError:
    """The error that says where data was looked for, and how to get it."""
    notes = [f"looked for in {place}" for place in places]
    return ArchError([diagnose(codes.NO_DATA, notes=notes, help=help, name=name, reason=reason)])


def unreadable(name: str, reason: str, place: Path, help: Iterable[str] = ()) -> ArchError:
    """The error that says which file is not what it should be."""
    notes = [f"in {place}"]
    return ArchError([diagnose(codes.BAD_DATA, notes=notes, help=help, name=name, reason=reason)])
