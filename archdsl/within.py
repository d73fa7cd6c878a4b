"""What a name that somebody else wrote may mean: a file within a folder, and never one outside.

Every name of a file that stands in a spec, in the card of a study or in a trial comes through
here before anything is read, written or removed by it.
"""

from __future__ import annotations

import os
from pathlib import Path

from archdsl.diagnostics.render import HIDDEN

LONGEST = 255  # characters of a name between two slashes


OUT = "it lies outside {}"


class Outside(ValueError):
    """A name leads out of its folder, or is none that such a file may have; the text says why."""


def plain(name: str, ending: str, folder: str = "its folder") -> str:
    """A relative path of plain names, as it may stand in a text: no part of it is hidden or goes
    up, and it ends as files of its kind do. Raises ``Outside``; ``folder`` is said there."""
    parts = name.split("/")
    if name.startswith(("/", "~")) or ".." in parts or set(name) & set("\\:"):
        raise Outside(OUT.format(folder))
    if HIDDEN.search(name) or set(name) & set("\n\t") or max(map(len, parts)) > LONGEST:
        raise Outside("it is not the name of a file")
    if any(part.startswith(".") and part != "." for part in parts):
        raise Outside("a part of it begins with a dot")
    if not name.endswith(ending):
        raise Outside(f"its name does not end in {ending}")
    return name


def bare(name: str, ending: str) -> str:
    """The name of a file without any folder. Raises ``Outside``."""
    if "/" in name:
        raise Outside("it is in a folder")
    return plain(name, ending)


def within(folder: Path, name: str, ending: str, called: str = "its folder") -> Path:
    """The file of a plain name in a folder. Raises ``Outside`` for another name, and where a link
    leads out of the folder."""
    try:
        inside = (folder / plain(name, ending, called)).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links that lead to each other
        raise Outside("its links lead nowhere") from None
    if not inside:
        raise Outside(OUT.format(called))
    return folder / name


def link_out(folder: Path) -> Path | None:
    """The first link below a folder that leads out of it; nothing where there is none."""
    root = folder.resolve()
    for place, folders, files in os.walk(folder):
        for name in sorted((*folders, *files)):
            path = Path(place, name)
            if not path.is_symlink():
                continue
            try:
                if path.resolve().is_relative_to(root):
                    continue
            except (OSError, RuntimeError):
                pass
            return path
    return None
