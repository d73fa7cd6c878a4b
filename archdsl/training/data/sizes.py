"""How large the files of a set are, before their middle is resized: from their headers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from archdsl.training.data.images import size_of
from archdsl.training.packages import need

MOST = 1000  # files whose headers are read


class ImageSizes(NamedTuple):
    """The least and the most pixels of a side, and how many files they are of."""

    height: tuple[int, int]
    width: tuple[int, int]
    files: int

    @property
    def words(self) -> str:
        """``20x30``, or from which to which."""
        if self.height[0] == self.height[1] and self.width[0] == self.width[1]:
            return f"{self.height[0]}x{self.width[0]}"
        sides = zip(("high", "wide"), (self.height, self.width), strict=True)
        return ", ".join(f"{a:,} to {b:,} {side}" for side, (a, b) in sides)


def sizes_of(files: Sequence[Path]) -> ImageSizes | None:
    """The sizes of some of the files, from first to last; nothing where none says its own."""
    pillow = need("PIL.Image", "pillow")
    step = -(-len(files) // MOST) or 1
    found = [size.upright for path in files[::step] if (size := size_of(path, pillow))]
    if not found:
        return None
    heights, widths = zip(*found, strict=True)
    return ImageSizes((min(heights), max(heights)), (min(widths), max(widths)), len(found))
