"""Pictures with masks: the class of each pixel, in a file beside that of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from archdsl.diagnostics.model import ArchError
from archdsl.layers.base import show_shape
from archdsl.training.data.decoding import CHUNK, decoded, decoder_of
from archdsl.training.data.file_table import Label
from archdsl.training.data.folder_layout import PARTS, folders, images_of
from archdsl.training.data.images import (
    ARRAYS,
    BadPicture,
    Decoder,
    array_of,
    check_size,
    size_of,
)
from archdsl.training.data.search_path import all_bad, missing, unreadable
from archdsl.training.tasks import IGNORED, SEGMENTATION

if TYPE_CHECKING:
    from archdsl.training.sets import MaskFolder, Pictures

Pairs = dict[str, list[tuple[Path, Label]]]  # by their parts: pictures and their masks

LOSSY = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k", ".jpf", ".jpx"})
SUFFIXES = ("", "_mask")  # what the name of a mask has after that of its picture


@dataclass
class MaskDecoder(Decoder):
    """Reads masks as ``(height, width)`` of bytes: the middle, as that of the picture, each pixel
    one of the mask's own. ``pictures`` are those that masks belong to."""

    pictures: Mapping[Path, Path] = field(default_factory=dict)
    noun: ClassVar[str] = "masks"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.height, self.width

    def decode(self, path: Path) -> bytes:
        import numpy

        if path.suffix.lower() in LOSSY:
            raise BadPicture("JPEG changes the classes of pixels: save masks as PNG")
        found = self._numbers(path)
        if found.dtype.kind not in "bui":
            raise BadPicture(f"it has {found.dtype}: a mask has whole numbers")
        wrong = found.min() if found.min() < 0 else found.max()
        if not 0 <= wrong <= IGNORED:
            most = IGNORED - 1
            raise BadPicture(
                f"it has {wrong}: classes are 0 to {most}, and {IGNORED} means no class"
            )
        self._check_size(found.shape, self.pictures[path])
        one = self.pillow.fromarray(found.astype(numpy.uint8))
        nearest = self.pillow.Resampling.NEAREST
        fitted: bytes = self.ops.fit(one, (self.width, self.height), nearest).tobytes()
        return fitted

    def _check_size(self, size: tuple[int, ...], picture: Path) -> None:
        there = size_of(picture, self.pillow)
        if there is None or there.upright == size:
            return
        of_mask, of_picture = show_shape(size), show_shape(there.upright)
        reason = f"the mask has {of_mask} pixels, and its picture {of_picture}"
        if there.stored == size:
            reason += ", as its EXIF orientation turns it: turn the mask too"
        raise BadPicture(reason)

    def _numbers(self, path: Path) -> Any:
        """One number for each pixel; those of a palette are the places in it."""
        import numpy

        if path.suffix.lower() == ARRAYS:
            found = array_of(path)
        else:
            with self.pillow.open(path) as image:
                check_size(image.size, path)
                found = numpy.asarray(self.ops.exif_transpose(image))
        if found.ndim == 3 and found.shape[2] == 3 and (found == found[:, :, :1]).all():
            return found[:, :, 0]  # grey, written as colours
        if found.ndim != 2 or not found.size:
            raise BadPicture(f"it is {show_shape(found.shape)}: a mask has one number for a pixel")
        return found


def with_masks(
    data: Pictures, root: Path, ordered: Sequence[tuple[Path, Label]]
) -> tuple[Tensor, Tensor, list[int]]:
    """The pixels of pictures and their masks ``(N, height, width)``, without the pairs of which one
    cannot be read; and which these are. Raises ``ArchError`` with all of them."""
    pairs = [(path, mask) for path, mask in ordered if isinstance(mask, Path)]
    files, below = [path for path, _ in pairs], [mask for _, mask in pairs]
    decoder = MaskDecoder(data.shape[1:], pictures=dict(zip(below, files, strict=True)))
    try:
        pixels, blind = decoded(files, root, data, decoder_of(data))
    except ArchError as error:
        try:
            decoded(below, root, data, decoder)
        except ArchError as more:
            raise ArchError([*error.diagnostics, *more.diagnostics]) from None
        raise
    masks, bare = decoded(below, root, data, decoder)
    bad = sorted({*blind, *bare})
    return _without(pixels, blind, bad), _without(masks, bare, bad), bad


def _without(kept: Tensor, gone: Sequence[int], bad: Sequence[int]) -> Tensor:
    """Of the files that are not ``gone``, which are ``kept``, those that are not ``bad``."""
    out, dropped = set(gone), set(bad)
    there = [place for place in range(len(kept) + len(out)) if place not in out]
    rows = [row for row, place in enumerate(there) if place not in dropped]
    return kept if len(rows) == len(kept) else kept[torch.tensor(rows, dtype=torch.int64)]


def classes_of(
    masks: Tensor, names: Sequence[str], name: str, root: Path
) -> tuple[Tensor, int, list[str]]:
    """Masks whose classes are from 0, how many there are, and what is to be said of them. Raises
    ``ArchError`` (A802) where there is one class, or one without a name."""
    counts = torch.zeros(IGNORED + 1, dtype=torch.int64)
    for some in masks.split(CHUNK):
        counts += some.reshape(-1).int().bincount(minlength=IGNORED + 1)
    occur = counts.nonzero().flatten().tolist()
    notes = []
    if occur == [0, IGNORED]:
        masks, occur = masks.clamp(max=1), [0, 1]
        notes.append(f"the masks have 0 and {IGNORED} alone: {IGNORED} is the class 1")
    known = [number for number in occur if number != IGNORED]
    classes = max(known, default=-1) + 1
    if names:
        if classes > len(names):
            reason = f"a mask has the class {classes - 1}, and `names` has {len(names)}"
            raise unreadable(name, reason, root)
        classes = len(names)
    if classes < SEGMENTATION.least:
        raise unreadable(
            name, f"at least two classes are needed, and the masks have {classes}", root
        )
    if len(known) < classes:
        notes.append(f"of {classes} classes, {len(known)} occur in the masks")
        if len(known) * 4 <= classes:  # shades that are to be seen, rather than numbers
            some = ", ".join(map(str, known[:8])) + (", ..." if len(known) > 8 else "")
            last = len(known) - 1
            notes[-1] += f": {some}; if these are shades, save the masks with 0 to {last} instead"
    return masks, classes, notes


def pairs_of(data: MaskFolder, root: Path) -> tuple[Pairs, list[str]]:
    """The pictures of each part and their masks, ``train`` alone where there are no parts; and what
    is left out. Raises ``ArchError`` where folders are not there (A801), and with all pictures
    without a mask (A802)."""
    found: Pairs = {}
    lonely: list[str] = []
    unused = 0
    for part, (images, masks) in _places(data, root).items():
        found[part], without, more = _paired(data, images, masks)
        lonely += [path.relative_to(root).as_posix() for path in without]
        unused += more
    if lonely:
        many = f"{len(lonely):,} pictures have no mask"
        problems = [f"{lonely[0]} has no mask"] if len(lonely) == 1 else lonely
        example = f"{data.images}/a/1.jpg is {data.masks}/a/1.png, or {data.masks}/a/1_mask.png"
        raise all_bad(data.name, problems, many, root, [f"the mask of {example}"])
    if not found["train"]:
        reason = f"there is no picture in {data.images}"
        raise missing(data.name, reason, [root])
    notes = (
        [f"{unused:,} of the masks {'is' if unused == 1 else 'are'} of no picture"]
        if unused
        else []
    )
    return found, notes


def _places(data: MaskFolder, root: Path) -> dict[str, tuple[Path, Path]]:
    """The folders of pictures and of masks of each part: ``train/images`` or ``images/train``."""
    for name in (data.images, data.masks):
        if "/" in name or name in ("", ".", ".."):
            raise unreadable(data.name, f"{name!r} is not the name of a folder", root)
    below = _parts(data, root)
    if not (root / data.images).is_dir() and "train" in below:
        return {part: (place / data.images, place / data.masks) for part, place in below.items()}
    images, masks = root / data.images, root / data.masks
    if not images.is_dir():
        help = ['images = "..." and masks = "..." name other folders']
        raise missing(data.name, f"there is no folder `{data.images}` in it", [root], help)
    inner = _parts(data, images)
    if "train" in inner and len(inner) == len(folders(data, images)):
        return {part: (place, masks / place.name) for part, place in inner.items()}
    return {"train": (images, masks)}


def _parts(data: MaskFolder, place: Path) -> dict[str, Path]:
    """The folders that are called as parts are."""
    return {
        PARTS[name.lower()]: path
        for name, path in folders(data, place).items()
        if name.lower() in PARTS
    }


def _paired(
    data: MaskFolder, images: Path, masks: Path
) -> tuple[list[tuple[Path, Label]], list[Path], int]:
    """The pictures with their masks, those without, and how many masks are of no picture."""
    for place in (images, masks):
        if not place.is_dir():
            help = ['images = "..." and masks = "..." name other folders']
            raise missing(data.name, "there is no such folder", [place], help)
    there = {path.relative_to(masks).with_suffix(""): path for path in images_of(masks)[0]}
    pairs: list[tuple[Path, Label]] = []
    without: list[Path] = []
    for path in images_of(images)[0]:
        name = path.relative_to(images).with_suffix("")
        called = (name.with_name(name.name + suffix) for suffix in SUFFIXES)
        mask = next((there[one] for one in called if one in there), None)
        if mask is None:
            without.append(path)
        else:
            pairs.append((path, mask))
    return pairs, without, len(there) - len(pairs)
