"""Arrays of images, signals or volumes with classes, in an archive of NumPy (``.npz``)."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.training.data.pictures import reason_of
from archdsl.training.data.places import missing, unreadable
from archdsl.training.packages import need
from archdsl.training.sets import Arrays

LEARNING, TEST = ("images", "labels"), ("test_images", "test_labels")


@dataclass(frozen=True)
class Archive:
    """What an archive has: the shape of an image, and how many classes its labels count. What
    cannot be read is an ``ArchError`` (A801, A802)."""

    path: Path
    image: tuple[int, ...]
    classes: int
    keys: tuple[str, ...]
    validation: float
    test: float
    seed: int

    def read(self, folder: Path) -> tuple[Any, ...]:
        with need("numpy").load(self.path, allow_pickle=False) as found:
            return tuple(found[key] for key in self.keys)


def archive(data: Arrays, folder: Path) -> Archive:
    """Reads the labels, and of the images the shape alone."""
    path = folder / data.path
    if not path.is_file():
        raise missing(data.name, "there is no such file", [path])
    try:
        with need("numpy").load(path, allow_pickle=False) as found:
            absent = [key for key in LEARNING if key not in found]
            both = sum(key in found for key in TEST)
            if absent or both == 1:
                wanted = "`images` and `labels`, and for a test set `test_images` and `test_labels`"
                has = ", ".join(f"`{key}`" for key in found) or "nothing"
                raise unreadable(data.name, f"it has {has}, not {wanted}", path)
            labels = found["labels"]
        shape = _shape(path)
    except (
        OSError,
        ValueError,
        TypeError,
        AttributeError,
        EOFError,
        zipfile.BadZipFile,
    ) as problem:
        reason = f"it is no archive of arrays: {reason_of(problem)}"
        raise unreadable(data.name, reason, path) from None
    whole = labels.dtype.kind in "iu" and labels.ndim == 1 and len(labels)
    if not whole or labels.min() < 0 or len(shape) < 3:
        found_shapes = " and ".join("x".join(map(str, s)) or "one" for s in (shape, labels.shape))
        wanted = "images NxCxHxW, signals NxCxL or volumes, and N whole numbers from 0"
        raise unreadable(data.name, f"it has {found_shapes}, not {wanted}", path)
    keys = (*LEARNING, *TEST) if both else LEARNING
    classes = int(labels.max()) + 1
    return Archive(path, shape[1:], classes, keys, data.validation, data.test, data.seed)


def _shape(path: Path) -> tuple[int, ...]:
    """The shape of the images, from the head of their file."""
    form: Any = need("numpy.lib.format", "numpy")
    with zipfile.ZipFile(path) as packed, packed.open("images.npy") as stream:
        version = form.read_magic(stream)
        read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
        shape, _, _ = read(stream)
    return tuple(shape)
