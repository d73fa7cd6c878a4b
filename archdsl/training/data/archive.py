"""Arrays of images, signals or volumes with labels: in an archive of NumPy (``.npz``), or in two
files (``.npy``)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError
from archdsl.training.data.images import reason_of
from archdsl.training.data.labels import MOST_CLASSES, count_of
from archdsl.training.data.search_path import not_a_file, unreadable
from archdsl.training.packages import need
from archdsl.training.tasks import CLASSIFICATION, REGRESSION, TASKS

if TYPE_CHECKING:
    from archdsl.training.sets import Arrays

LEARNING, TEST = ("images", "labels"), ("test_images", "test_labels")
IMAGES = ("uint8", "uint16", "float32", "float16", "float64")  # types of images
NAMES = "names"
MOST_BYTES = 1 << 28  # that a part of an archive may unpack to, if it is as well packed as PER_BYTE
PER_BYTE = 200
UNREADABLE = (  # what NumPy and zipfile raise for files that are damaged, or are something else
    OSError, ValueError, TypeError, AttributeError, EOFError, KeyError, MemoryError, RuntimeError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Archive:
    """What an archive has, or two files of an array each: the shape of an image, how many classes
    its labels count, and their names, if it has names. What cannot be read is an ``ArchError``
    (A801, A802), under the ``name`` of the data set."""

    name: str
    path: Path
    image: tuple[int, ...]
    classes: int
    keys: tuple[str, ...]
    names: tuple[str, ...]
    labels: Path | None
    validation: float
    test: float
    seed: int
    task: str = CLASSIFICATION.name

    def read(self, folder: Path) -> tuple[Any, ...]:
        try:
            if self.labels is not None:
                return _plain(self.path), _plain(self.labels)
            with need("numpy").load(self.path, allow_pickle=False) as found:
                return tuple(found[key] for key in self.keys)
        except UNREADABLE as problem:
            raise unreadable(self.name, reason_of(problem), self.path) from None


@contextmanager
def faults_of(name: str, path: Path) -> Iterator[None]:
    """What an archive has is judged as what a package's data has; its faults are the file's. Raises
    ``ArchError`` (A802) for them."""
    try:
        yield
    except ArchError as problem:
        (found, *_) = problem.diagnostics
        if found.kind is not codes.BAD_PLUGIN:
            raise
        raise unreadable(name, str(found.fields["reason"]), path) from None


@dataclass(frozen=True)
class ArchiveLabels:
    """The labels of an archive; of its images the shape; and what else it has."""

    shape: tuple[int, ...]
    labels: Any
    keys: tuple[str, ...] = LEARNING
    names: tuple[str, ...] = ()


def archive(data: Arrays, folder: Path) -> Archive:
    """Reads the labels, and of the images the shape alone."""
    path = folder / data.path
    beside = folder / data.labels if data.labels else None
    for place in (path, beside):
        if place is not None and not place.is_file():
            raise not_a_file(data.name, place)
    if (path.suffix.lower() == ".npy") != (beside is not None):
        reason = "a file of labels is for images in .npy only"
        help = [f'arrays("{data.path}", labels = "labels.npy")'] if beside is None else []
        raise unreadable(data.name, reason, path, help)
    found = _of_archive(data, path) if beside is None else _of_files(data, path, beside)
    task = TASKS[data.task]
    classes = count_of(found.labels, task)
    if not classes or len(found.shape) < 2:
        shapes = (found.shape, found.labels.shape)
        found_shapes = " and ".join("x".join(map(str, s)) or "one" for s in shapes)
        wanted = f"images NxCxHxW, signals NxCxL, volumes or rows NxC, and {task.labels}"
        others = (t for t in TASKS.values() if t is not task and count_of(found.labels, t))
        other = next(others, None)
        help = [f"task = {other.name} is for such labels"] if other and not classes else []
        if found.labels.dtype.kind in "US":
            help = [f"number its labels from 0, and name them in an array `{NAMES}`"]
        raise unreadable(data.name, f"it has {found_shapes}, not {wanted}", path, help)
    if found.names and task is not REGRESSION and len(found.names) >= classes:
        classes = len(found.names)
    if found.names and len(found.names) != classes:
        reason = f"it has {len(found.names):,} `{NAMES}`, and {classes:,} {task.counted}"
        raise unreadable(data.name, reason, path)
    if classes > MOST_CLASSES:
        reason = f"a label is {classes - 1:,}, and at most {MOST_CLASSES:,} classes are allowed"
        raise unreadable(data.name, reason, path)
    if len(found.labels) != found.shape[0]:
        reason = f"it has {found.shape[0]:,} images and {len(found.labels):,} labels"
        raise unreadable(data.name, reason, path)
    return Archive(
        data.name, path, found.shape[1:], classes, found.keys, found.names, beside,
        data.validation, data.test, data.seed, data.task,
    )  # fmt: skip


def _of_archive(data: Arrays, path: Path) -> ArchiveLabels:
    """What a ``.npz`` has."""
    try:
        with need("numpy").load(path, allow_pickle=False) as found:
            absent = [key for key in LEARNING if key not in found]
            both = sum(key in found for key in TEST)
            if absent or both == 1:
                wanted = "`images` and `labels`, and for a test set `test_images` and `test_labels`"
                has = ", ".join(f"`{key}`" for key in found) or "nothing"
                raise unreadable(data.name, f"it has {has}, not {wanted}", path)
            keys = (*LEARNING, *TEST) if both else LEARNING
            named = (*keys, NAMES) if NAMES in found else keys
            heads = {key: _head(path, key) for key in named}
            for key in named:
                _check_head(data, path, key, *heads[key])
            names = found[NAMES].tolist() if NAMES in found else []
            labels = found["labels"]
    except UNREADABLE as problem:
        raise _no_arrays(data, path, problem) from None
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise unreadable(data.name, f"its `{NAMES}` are not a list of texts", path)
    return ArchiveLabels(heads["images"][0], labels, keys, tuple(names))


def _of_files(data: Arrays, path: Path, beside: Path) -> ArchiveLabels:
    """What two ``.npy`` have."""
    read = []
    for place in (path, beside):
        try:
            read.append(_plain(place, mapped=True))
        except UNREADABLE as problem:
            raise _no_arrays(data, place, problem) from None
    images, labels = read
    _check_type(data, path, LEARNING[0], images.dtype)
    return ArchiveLabels(tuple(images.shape), labels)


def _plain(path: Path, mapped: bool = False) -> Any:
    """An array in ``.npy``; what is an archive is refused. As it is mapped, NumPy checks that the
    file is as long as its head says."""
    found = need("numpy").load(path, mmap_mode="r", allow_pickle=False)
    if not hasattr(found, "dtype"):
        raise ValueError("it is an archive")
    return found if mapped else found.copy()


def _no_arrays(data: Arrays, path: Path, problem: Exception) -> ArchError:
    plain = "it is damaged, or something else" if "pickle" in str(problem) else reason_of(problem)
    if "Object arrays" in str(problem):
        reason = "an array in it is of Python objects, which only running a pickle would read"
        return unreadable(data.name, reason, path, ["save numbers, or texts of a fixed length"])
    kind = "archive of arrays" if path.suffix.lower() != ".npy" else "array"
    return unreadable(data.name, f"it is not an {kind}: {plain}", path)


def _check_type(data: Arrays, path: Path, key: str, kind: Any) -> None:
    """Raises ``ArchError`` for images of another type."""
    if str(kind.newbyteorder("=")) not in IMAGES:
        wanted = f"{', '.join(IMAGES[:-1])} or {IMAGES[-1]}"
        raise unreadable(data.name, f"its `{key}` are {kind}, and not {wanted}", path)


def _head(path: Path, key: str) -> tuple[tuple[int, ...], Any, int, int]:
    """The shape and the type of an array, how many bytes of it are there, and how many of the file
    they take: of its head alone."""
    form: Any = need("numpy.lib.format", "numpy")
    with zipfile.ZipFile(path) as packed, packed.open(f"{key}.npy") as stream:
        version = form.read_magic(stream)
        read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
        shape, _, kind = read(stream)
        info = packed.getinfo(f"{key}.npy")
        there = info.file_size - stream.tell()
    return tuple(shape), kind, there, info.compress_size


def _check_head(
    data: Arrays, path: Path, key: str, shape: tuple[int, ...], kind: Any, there: int, packed: int
) -> None:
    """Raises ``ArchError`` for an array of another type, for one whose head says that it is larger
    than it is, and for one that few bytes would unpack to: before a byte of it is read."""
    if key in (LEARNING[0], TEST[0]):
        _check_type(data, path, key, kind)
    claimed = prod(shape) * kind.itemsize
    if min(shape, default=1) < 0 or claimed > there:
        reason = f"its `{key}` should take {claimed:,} bytes, and there are {there:,}"
        raise unreadable(data.name, reason, path)
    if there > max(MOST_BYTES, PER_BYTE * packed):
        reason = f"{packed:,} bytes of its `{key}` unpack to {there:,}"
        help = ["`numpy.savez` writes the same without packing it"]
        raise unreadable(data.name, reason, path, help)
