"""Images with classes, in memory: what a data set is, and its splits.

``describe`` and ``load`` take a record of ``archdsl.training.sets``; paths in it start at
``folder``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archdsl.training.sets import Data, Pictures

if TYPE_CHECKING:
    from archdsl.training.data.splits import Splits

Image = tuple[int, ...]  # channels, height, width; or channels and one or three sizes


def describe(data: Data, folder: Path) -> tuple[Image, int]:
    """The shape of an image, channels first, and the number of classes. Reads no pixel, and
    needs no PyTorch. Raises ``ArchError`` where a folder or a package is missing."""
    return data.describe(folder)


def prepare(data: Data, folder: Path) -> None:
    """Reads every image of a folder once, before anything is made that needs them: what was decoded
    is kept, and whoever loads the data afterwards reads that. Raises ``ArchError`` as ``load``."""
    if isinstance(data, Pictures):
        load(data, folder)


def load(data: Data, folder: Path) -> Splits:
    """The images, split by the seed of ``data``.

    Raises ``ArchError`` for data that is missing, cut short, not what it should be, or too
    small for its splits; and where a package that reads it is not installed.
    """
    return data.load(folder)
