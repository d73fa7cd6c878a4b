"""Arrays of images, signals or volumes with classes, in an archive of NumPy (``.npz``)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError
from archdsl.training.data.pictures import reason_of
from archdsl.training.data.places import missing, unreadable
from archdsl.training.packages import need
from archdsl.training.sets import Arrays
from archdsl.training.tasks import CLASSIFICATION, IGNORED, MULTILABEL, REGRESSION, TASKS, Task

LEARNING, TEST = ("images", "labels"), ("test_images", "test_labels")
MOST_CLASSES = 100_000
UNREADABLE = (  # what NumPy and zipfile raise for files that are damaged, or are something else
    OSError, ValueError, TypeError, AttributeError, EOFError, KeyError, MemoryError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


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
    task: str = CLASSIFICATION.name

    def read(self, folder: Path) -> tuple[Any, ...]:
        try:
            with need("numpy").load(self.path, allow_pickle=False) as found:
                return tuple(found[key] for key in self.keys)
        except UNREADABLE as problem:
            raise unreadable(Arrays.name, reason_of(problem), self.path) from None


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """What an archive has is judged as what a package's data has; its faults are the file's. Raises
    ``ArchError`` (A802) for them."""
    try:
        yield
    except ArchError as problem:
        (found, *_) = problem.diagnostics
        if found.kind is not codes.BAD_PLUGIN:
            raise
        raise unreadable(Arrays.name, str(found.fields["reason"]), path) from None


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
            keys = (*LEARNING, *TEST) if both else LEARNING
            heads = {key: _head(path, key) for key in keys}
            for key in keys:
                _check_head(data, path, key, *heads[key])
            labels = found["labels"]
    except UNREADABLE as problem:
        said = str(problem)
        plain = "it is damaged, or something else" if "pickle" in said else reason_of(problem)
        raise unreadable(data.name, f"it is not an archive of arrays: {plain}", path) from None
    shape = heads["images"][0]
    task = TASKS[data.task]
    classes = _classes(labels, task)
    if not classes or len(shape) < 3:
        found_shapes = " and ".join("x".join(map(str, s)) or "one" for s in (shape, labels.shape))
        wanted = f"images NxCxHxW, signals NxCxL or volumes, and {task.labels}"
        other = next((t for t in TASKS.values() if t is not task and _classes(labels, t)), None)
        help = [f"task = {other.name} is for such labels"] if other and not classes else []
        raise unreadable(data.name, f"it has {found_shapes}, not {wanted}", path, help)
    if classes > MOST_CLASSES:
        reason = f"a label is {classes - 1:,}, and there may be {MOST_CLASSES:,} classes"
        raise unreadable(data.name, reason, path)
    if len(labels) != shape[0]:
        raise unreadable(data.name, f"it has {shape[0]:,} images and {len(labels):,} labels", path)
    image = shape[1:]
    return Archive(path, image, classes, keys, data.validation, data.test, data.seed, data.task)


def _classes(labels: Any, task: Task) -> int:
    """How many classes, labels or values there are; none where they are not of the task."""
    if not labels.size:
        return 0
    whole, axes = labels.dtype.kind in "iu", labels.ndim
    if task.dense:
        known = labels[labels != IGNORED]
        return int(known.max(initial=0)) + 1 if whole and axes > 2 and labels.min() >= 0 else 0
    if task is CLASSIFICATION:
        return int(labels.max()) + 1 if whole and axes == 1 and labels.min() >= 0 else 0
    fits = axes == 2 or (axes == 1 and task is REGRESSION)
    if task is MULTILABEL:
        fits = fits and (
            labels.dtype.kind == "b" or (whole and 0 <= labels.min() <= labels.max() <= 1)
        )
    else:
        fits = fits and labels.dtype.kind in "iuf"
    return (labels.shape[1] if axes == 2 else 1) if fits else 0


def _head(path: Path, key: str) -> tuple[tuple[int, ...], Any, int]:
    """The shape and the type of an array, and how many bytes of it are there: of its head alone."""
    form: Any = need("numpy.lib.format", "numpy")
    with zipfile.ZipFile(path) as packed, packed.open(f"{key}.npy") as stream:
        version = form.read_magic(stream)
        read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
        shape, _, kind = read(stream)
        there = packed.getinfo(f"{key}.npy").file_size - stream.tell()
    return tuple(shape), kind, there


def _check_head(
    data: Arrays, path: Path, key: str, shape: tuple[int, ...], kind: Any, there: int
) -> None:
    """Raises ``ArchError`` for an array of another type, and for one whose head says that it is
    larger than it is: before a byte of it is read."""
    if key in (LEARNING[0], TEST[0]) and kind != "uint8":
        raise unreadable(data.name, f"its `{key}` are {kind}, and uint8 is wanted: 0 to 255", path)
    claimed = prod(shape) * kind.itemsize
    if min(shape, default=1) < 0 or claimed > there:
        reason = f"its `{key}` are said to take {claimed:,} bytes, and there are {there:,}"
        raise unreadable(data.name, reason, path)
