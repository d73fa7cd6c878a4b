"""How large the files of a set are, before their middle is resized: from their headers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archdsl.layers.base import show_shape
from archdsl.training.data.images import size_of
from archdsl.training.packages import need

if TYPE_CHECKING:
    from archdsl.training.data.splits import Splits

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


def words_of(splits: Splits) -> tuple[str, str]:
    """How large the files of a set are, and, where they are of another size than what is read of
    them, what becomes of them; nothing where its images come from no files."""
    found = sizes_of(splits.files) if splits.files else None
    if found is None:
        return "", ""
    count = len(splits.files)
    of = "the files are" if found.files == count else f"{found.files:,} of the {count:,} files are"
    read = show_shape(splits.image[1:])
    resized = f"the middle of each is resized to {read}" if found.words != read else ""
    return f"{of} {found.words}", resized


def resizing(splits: Splits) -> list[str]:
    """What is said before a training on files of another size than what is read of them."""
    files, resized = words_of(splits)
    return [f"{files}; {resized}: `size` says another"] if resized else []


def sizes_of(files: Sequence[Path]) -> ImageSizes | None:
    """The sizes of some of the files, from first to last; nothing where none says its own."""
    pillow = need("PIL.Image", "pillow")
    step = -(-len(files) // MOST) or 1
    found = [size.upright for path in files[::step] if (size := size_of(path, pillow))]
    if not found:
        return None
    heights, widths = zip(*found, strict=True)
    return ImageSizes((min(heights), max(heights)), (min(widths), max(widths)), len(found))
