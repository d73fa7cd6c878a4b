"""What a user's own object gives: arrays, a data set of PyTorch or Hugging Face, or one of these
for each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.diagnostics.model import ArchError
from archdsl.layers.base import show_shape
from archdsl.modelcard import TOKENS, WHITE
from archdsl.training.data.datasets import items_of
from archdsl.training.data.folder_layout import PARTS
from archdsl.training.data.labels import MOST_CLASSES, count_of
from archdsl.training.data.moments import values_of
from archdsl.training.data.plugins import checked, failed, says_nothing, task_of
from archdsl.training.data.splits import Images, Splits, fixed_split, whole_split
from archdsl.training.tasks import (
    CLASSIFICATION,
    IGNORED,
    MULTILABEL,
    NEXT_TOKEN,
    REGRESSION,
    SEGMENTATION,
    TASKS,
    Task,
)

UNSIGNED = ("uint32", "uint64")
FLOATS = ("float16", "bfloat16", "float64")  # beside float32, which they are turned into


@dataclass(frozen=True, slots=True)
class Collected:
    """Images and labels of the parts that an object gives, and the names of its classes, labels or
    values, if it has names."""

    parts: Mapping[str, tuple[Tensor, Tensor]]
    names: tuple[str, ...]


class LastRead:
    """The last object that was read to be described: it is not read again to be loaded."""

    source: Any = None
    found: Collected | None = None


def described_by_reading(name: str, source: Any, folder: Path) -> tuple[tuple[int, ...], int]:
    """The shape of an image and the number of classes, as they are read from a user's object.
    Raises ``ArchError``."""
    if LastRead.found is None or LastRead.source != source:
        LastRead.source, LastRead.found = source, collected(name, source, folder)
    return found_in(name, LastRead.found, TASKS[task_of(name, source)])


def found_in(name: str, found: Collected, task: Task) -> tuple[tuple[int, ...], int]:
    """The shape of the images and the number of classes of what was read."""
    images = found.parts["train"][0]
    counts = [count_of(labels.numpy(), task) for _, labels in found.parts.values()]
    if not len(images) or not all(counts):
        raise failed(name, f"its labels are not those of {task.name}: {task.labels}")
    count = max(*counts, len(found.names))
    if count > MOST_CLASSES:
        raise failed(
            name, f"a label is {count - 1:,}, and at most {MOST_CLASSES:,} classes are allowed"
        )
    image = tuple(images.shape[1:])
    return checked(name, _Said(image, count, task.name))


@dataclass(frozen=True)
class _Said:
    image: tuple[int, ...]
    classes: int
    task: str


def collected(name: str, source: Any, folder: Path) -> Collected:
    """What ``read`` of a user's object gives. Raises ``ArchError`` (A804) for whatever goes wrong
    in it, and for what is no data."""
    try:
        found = source.read(folder)
    except ArchError:
        raise
    except Exception as problem:  # whatever the author's code does
        raise failed(name, f"{type(problem).__name__}: {problem}") from None
    gives = "it is" if isinstance(source, GivenData) else "`read` gives"
    wanted = f"{gives} images and labels, and those of a test set if it has one; a data set " \
        "of PyTorch or Hugging Face; or a dict of these by their parts"  # fmt: skip
    names = tuple(map(str, getattr(source, "names", ())))
    if isinstance(found, tuple) or (isinstance(found, list) and not _has_items(found)):
        if len(found) not in (2, 4):
            raise failed(name, wanted)
        if any(map(_is_set, found)):
            raise failed(name, "several data sets go by their parts: {'train': ..., 'test': ...}")
        try:
            read = [_tensor(a) for a in found]
        except Exception as problem:  # whatever is no array
            raise failed(name, f"{type(problem).__name__}: {problem}") from None
        keys = ("train", "test")[: len(found) // 2]
        parts = {key: (read[2 * at], read[2 * at + 1]) for at, key in enumerate(keys)}
        return Collected(parts, names)
    sets = found if isinstance(found, Mapping) else {"train": found}
    parts = {}
    for key, some in sets.items():
        part = PARTS.get(str(key).lower())
        if part is None or part in parts:
            raise failed(name, f"`{key}` is not a part: train, validation and test are")
        if not _is_set(some) and not isinstance(some, (list, tuple)):
            raise failed(name, f"{wanted}; and not a {type(some).__name__}")
        images, labels, own = items_of(name, some, key if len(sets) > 1 else "")
        parts[part] = images, labels
        names = names or own
    if "train" not in parts:
        raise failed(name, "it does not have a part `train`")
    return Collected(parts, names)


def _is_set(found: Any) -> bool:
    """Whether something is a data set: no array, and no list, which may be an array's numbers."""
    items = hasattr(found, "__len__") and hasattr(found, "__getitem__")
    return items and not isinstance(found, (list, tuple)) and not hasattr(found, "dtype")


def _has_items(found: list[Any]) -> bool:
    """Whether a list is a data set itself: of pairs or mappings."""
    return not found or isinstance(found[0], (tuple, Mapping))


@dataclass(frozen=True, eq=False)
class GivenData:
    """A data set of a program, in the place of a class that reads one."""

    found: Any
    validation: float
    test: float
    seed: int
    task: str

    def read(self, folder: Path) -> Any:
        return self.found


def splits_of(
    dataset: Any,
    *,
    validation: float = 0.1,
    test: float = 0.1,
    seed: int = 0,
    task: str = CLASSIFICATION.name,
) -> Splits:
    """A data set of PyTorch or Hugging Face, a dict of these by their parts, or arrays of images
    and labels, split: what ``read`` of a class gives. Raises ``ArchError`` (A803, A804).

        splits = splits_of(torchvision.datasets.CIFAR10("."))
        module, outcome = train_candidate(arch, splits, read_recipe("cifar"), seed=0)
    """
    source = GivenData(dataset, float(validation), float(test), seed, task)
    return arrays("dataset", source, Path())


def arrays(name: str, source: Any, folder: Path) -> Splits:
    """What a user's object reads, split: into the parts that it has, or by shares."""
    if says_nothing(source):
        image, classes = described_by_reading(name, source, folder)
    else:
        image, classes = checked(name, source)
    task = TASKS[task_of(name, source)]
    if LastRead.found is not None and LastRead.source == source:
        found, LastRead.source, LastRead.found = LastRead.found, None, None
    else:
        found = collected(name, source, folder)
    pairs = {
        part: user_part(name, image, classes, *pair, task) for part, pair in found.parts.items()
    }
    names = found.names if len(found.names) == classes else ()
    seed, train = getattr(source, "seed", 0), getattr(source, "train", None)
    learning, test = pairs["train"], pairs.get("test")
    if "validation" in pairs:
        rest = learning.at([])
        return Splits(
            learning, pairs["validation"], lambda: test or rest, classes, names, task=task
        )
    validation = getattr(source, "validation", 0.1)
    if test is not None:
        tested = test
        made = fixed_split(name, learning, lambda: tested, classes, seed, validation, train, task)
    else:
        share = getattr(source, "test", 0.1)
        made = whole_split(name, learning, classes, seed, validation, share, train, task)
    made.names = names
    return made


def user_part(
    name: str,
    shape: tuple[int, ...],
    classes: int,
    images: Tensor,
    labels: Tensor,
    task: Task = CLASSIFICATION,
) -> Images:
    """Images, floats among them as float32, and labels as the task has them. Raises ``ArchError``
    (A804)."""
    if task.words and not images.is_floating_point():
        images = images.long()
    types = (TOKENS,) if task.words else (*WHITE, *FLOATS)
    if values_of(images) not in types or tuple(images.shape[1:]) != shape:
        wanted = " or ".join(t for t in types if t not in FLOATS)
        wanted += f" of {'x'.join(map(str, ('N', *shape)))}"
        given = f"{values_of(images)} of {'x'.join(map(str, images.shape))}"
        raise failed(name, f"its images are {given}, not {wanted}")
    if not len(images):
        raise failed(name, "one of its sets has no images")
    if images.is_floating_point():
        images = images.float()
        if not bool(images.isfinite().all()):
            raise failed(name, "not all values of its images are finite in float32")
    if task is REGRESSION and labels.dim() == 1:
        labels = labels[:, None]
    each = {CLASSIFICATION: (), SEGMENTATION: shape[1:], NEXT_TOKEN: shape}.get(task, (classes,))
    if labels.dtype == torch.uint16:  # which PyTorch can hardly compute with
        labels = labels.int()
    whole = not labels.is_floating_point() and not labels.is_complex()
    if task is MULTILABEL and labels.is_floating_point():
        whole = bool(((labels == 0) | (labels == 1)).all())
    if tuple(labels.shape) != (len(images), *each) or not (whole or task is REGRESSION):
        kind = str(labels.dtype).removeprefix("torch.")
        raise _bad_labels(name, f"{kind} {show_shape(tuple(labels.shape))}", images, task, classes)
    if task is REGRESSION:
        values = labels.float()
        if not bool(values.isfinite().all()):
            raise _bad_labels(name, "not all finite in float32", images, task, classes)
        return Images(images, values)
    known = labels[labels != IGNORED] if task.dense else labels
    if task is MULTILABEL:
        classes = 2
    low, high = (int(known.min()), int(known.max())) if known.numel() else (0, 0)
    if not 0 <= low <= high < classes:
        raise _bad_labels(name, f"{low}..{high}", images, task, classes)
    if task.words and not 0 <= int(images.min()) <= int(images.max()) < classes:
        raise failed(name, f"its token ids are not in 0..{classes - 1}")
    kinds = {MULTILABEL: torch.float32, SEGMENTATION: torch.uint8}
    return Images(images, labels.to(kinds.get(task, torch.int64)))


def _bad_labels(name: str, found: str, images: Tensor, task: Task, classes: int) -> ArchError:
    wanted = f"{len(images):,} whole numbers in 0..{classes - 1}"
    if task is not CLASSIFICATION:
        wanted = f"those of {task.name} with N = {len(images):,}: {task.labels}"
    return failed(name, f"its labels are {found}, not {wanted}")


def _tensor(values: Any) -> Tensor:
    """An array as a tensor; one that cannot be written to, such as a mapped file, as a copy."""
    flags = getattr(values, "flags", None)
    if flags is not None and not values.dtype.isnative:
        values = values.astype(values.dtype.newbyteorder("="))
    elif flags is not None and not flags.writeable:
        values = values.copy()
    if getattr(values, "dtype", None) in UNSIGNED:  # which PyTorch can hardly compute with
        values = values.astype("int64")
    return torch.as_tensor(values)
