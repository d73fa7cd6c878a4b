"""Writes a scene as the ending of a file's name says."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.outputs import write_output
from archdsl.pictures.page import still
from archdsl.pictures.raster import raster
from archdsl.pictures.scene import Scene
from archdsl.pictures.svg import svg
from archdsl.pictures.tikz import tikz

FORMATS = (".svg", ".png", ".pdf", ".tex", ".html")


def check_format(path: Path, known: tuple[str, ...] = FORMATS) -> None:
    """Raises ``ArchError`` for a file whose ending names no format of pictures."""
    if path.suffix.lower() not in known:
        shown = ", ".join(known)
        raise ArchError([diagnose(codes.UNKNOWN_PICTURE, name=str(path), known=shown)])


def save(scene: Scene, path: Path, more: str = "") -> None:
    """Writes a scene; ``more`` is markup that a page has below it. Raises ``ArchError``."""
    check_format(path)
    suffix = path.suffix.lower()
    if suffix == ".svg":
        write_output(path, svg(scene))
    elif suffix == ".tex":
        write_output(path, tikz(scene))
    elif suffix == ".html":
        write_output(path, still(scene, more))
    else:
        write_output(path, raster(scene, suffix[1:]))
