"""Images with classes, in memory: what a data set is, and its splits.

``describe`` and ``load`` take a record of ``archdsl.training.sets``; paths in it start at
``folder``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.training.data.layout import layout
from archdsl.training.data.plugins import made
from archdsl.training.sets import Data, ImageFolder, PluginData

if TYPE_CHECKING:
    from archdsl.training.data.splits import Splits

Image = tuple[int, ...]  # channels, height, width; or channels and one or three sizes


def describe(data: Data, folder: Path) -> tuple[Image, int]:
    """The shape of an image, channels first, and the number of classes. Reads no pixel, and
    needs no PyTorch. Raises ``ArchError`` where a folder or a package is missing."""
    if isinstance(data, ImageFolder):
        return (3, data.size, data.size), len(layout(data, folder).classes)
    source: Any = made(data) if isinstance(data, PluginData) else data
    return tuple(map(int, source.image)), int(source.classes)


def load(data: Data, folder: Path) -> Splits:
    """The images, split by the seed of ``data``.

    Raises ``ArchError`` for data that is missing, cut short, not what it should be, or too
    small for its splits; and where a package that reads it is not installed.
    """
    from archdsl.training.data.sources import SOURCES  # PyTorch is loaded here, not before

    read: Callable[[Any, Path], Splits] = SOURCES[type(data)]
    return read(data, folder)
