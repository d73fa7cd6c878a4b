"""Where data is looked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import named_like

LISTED = 20  # files or rows that a message names
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def cache_folder() -> Path:
    """Where archdsl keeps what it downloads: ``~/.cache/archdsl``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "archdsl"


def missing(name: str, reason: str, places: Iterable[Path], help: Iterable[str] = ()) -> ArchError:
    """The error that says where data was looked for, and how to get it."""
    places = list(places)
    notes = [f"looked for in {place}" for place in places]
    near = (line for place in places for line in named_like(place))
    help = [*near, *help]
    return ArchError([diagnose(codes.NO_DATA, notes=notes, help=help, name=name, reason=reason)])


def not_a_file(name: str, place: Path) -> ArchError:
    """The error of a file that is not there, or is a folder, a pipe or a device."""
    if not place.exists():
        return missing(name, "there is no such file", [place])
    kind = "it is a folder" if place.is_dir() else "it is a pipe or a device"
    return unreadable(name, f"{kind}, not a file", place)


def unreadable(name: str, reason: str, place: Path, help: Iterable[str] = ()) -> ArchError:
    """The error that says which file is not what it should be."""
    notes = [f"in {place}"]
    return ArchError([diagnose(codes.BAD_DATA, notes=notes, help=help, name=name, reason=reason)])


def all_bad(
    name: str, problems: Sequence[str], many: str, place: Path, help: Iterable[str] = ()
) -> ArchError:
    """The error that names all problems at once; ``many`` is its first line where there are
    several."""
    if len(problems) == 1:
        return unreadable(name, problems[0], place, help)
    more = len(problems) - LISTED
    listed = [*problems[:LISTED], *([f"and {more:,} more"] if more > 0 else []), f"in {place}"]
    return ArchError([diagnose(codes.BAD_DATA, notes=listed, help=help, name=name, reason=many)])
