"""What a picture shows at most: more could neither be seen nor laid out in a moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.pictures.scene import Scene

MOST_LINES = 4_000  # into the boxes of all different blocks
MOST_SHAPES = 50_000  # of a picture, blocks that stand several times counted each time
MOST_PRINTED = 2_000  # of a .png or .pdf, which take much longer than an .svg
T = TypeVar("T")


def too_large() -> ArchError:
    return ArchError([diagnose(codes.TOO_LARGE_TO_DRAW)])


def check_printed(scene: Scene, path: Path) -> None:
    """Raises ``ArchError`` (A909) for a .png or .pdf of more shapes than are soon drawn."""
    ending = path.suffix.lower()
    if ending in (".png", ".pdf") and len(scene.shapes) > MOST_PRINTED:
        raise ArchError([diagnose(codes.TOO_LARGE_TO_PRINT, name=ending)])


@contextmanager
def drawable() -> Iterator[None]:
    """Raises ``ArchError`` (A906) for a network that is nested deeper than can be laid out."""
    try:
        yield
    except RecursionError:
        raise too_large() from None


def limited(shapes: Iterable[T]) -> Iterator[T]:
    """Shapes, as long as there are not too many. Raises ``ArchError`` (A906)."""
    for number, shape in zip(count(1), shapes, strict=False):
        if number > MOST_SHAPES:
            raise too_large()
        yield shape
