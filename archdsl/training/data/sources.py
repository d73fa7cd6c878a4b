"""What reads each data set, and splits it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.diagnostics.model import ArchError
from archdsl.layers.base import show_shape
from archdsl.training.data.idx import find_idx, read_idx
from archdsl.training.data.places import DEBIAN, cache_folder, missing, unreadable
from archdsl.training.data.plugins import described, failed, task_of
from archdsl.training.data.splits import Images, Splits, parts, strata
from archdsl.training.packages import need
from archdsl.training.sets import Cifar10, Cifar100, Digits, FashionMnist
from archdsl.training.tasks import (
    CLASSIFICATION,
    IGNORED,
    MULTILABEL,
    REGRESSION,
    SEGMENTATION,
    TASKS,
    Task,
)

UNSIGNED = ("uint16", "uint32", "uint64")
IDX_STEMS = [
    f"{part}-{kind}"
    for part in ("train", "t10k")
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
]


def digits(data: Digits, folder: Path) -> Splits:
    """scikit-learn's images, their values 0..16 as 0..255."""
    found = need("sklearn.datasets", "scikit-learn").load_digits()
    images = torch.tensor(found.images).mul(255 / 16).round().to(torch.uint8)
    whole = Images(images[:, None], torch.tensor(found.target, dtype=torch.int64))
    return whole_split(data.name, whole, 10, data.seed, data.validation, data.test)


def whole_split(
    name: str,
    whole: Images,
    classes: int,
    seed: int,
    validation: float,
    test: float,
    train: int | None = None,
    task: Task = CLASSIFICATION,
) -> Splits:
    """The splits of a set that has no test set of its own."""
    rows = parts(name, strata(whole, task), seed, validation, test, train)
    return Splits(
        whole.at(rows.train), whole.at(rows.validation), lambda: whole.at(rows.test), classes,
        task=task,
    )  # fmt: skip


def fixed_split(
    name: str,
    learning: Images,
    test: Callable[[], Images],
    classes: int,
    seed: int,
    validation: float,
    train: int | None = None,
    task: Task = CLASSIFICATION,
) -> Splits:
    """The splits of a set whose test set is given."""
    rows = parts(name, strata(learning, task), seed, validation, train=train)
    return Splits(learning.at(rows.train), learning.at(rows.validation), test, classes, task=task)


# ------------------------------------------------------------------------ Fashion-MNIST


def fashion_mnist(data: FashionMnist, folder: Path) -> Splits:
    """Four IDX files; the test set is checked with the others."""
    place = fashion_folder(data, folder)
    learning, test = (fashion_part(data, place, part) for part in ("train", "t10k"))
    return fixed_split(
        data.name, learning, lambda: test, data.classes, data.seed, data.validation, data.train
    )


def fashion_part(data: FashionMnist, place: Path, part: str) -> Images:
    tensors = []
    for stem in (s for s in IDX_STEMS if s.startswith(part)):
        path = find_idx(place, stem)
        if path is None:
            raise missing(data.name, f"{stem} is not there", [place], how_to_get_fashion())
        tensors.append(read_idx(path, data.name))
    images, labels = tensors
    if images.shape[1:] != data.image[1:] or labels.shape != images.shape[:1]:
        shapes = " and ".join("x".join(map(str, t.shape)) for t in (images, labels))
        raise unreadable(data.name, f"the {part} files hold {shapes}", place)
    return checked(data.name, Images(images[:, None], labels.long()), data.classes, place)


def checked(name: str, images: Images, classes: int, place: Path) -> Images:
    """The images, if there are any and their labels are classes."""
    labels = images.labels
    if not len(labels) or int(labels.min()) < 0 or int(labels.max()) >= classes:
        found = f"{int(labels.min())}..{int(labels.max())}" if len(labels) else "none"
        raise unreadable(name, f"its labels are {found}, not 0..{classes - 1}", place)
    return images


def fashion_folder(data: FashionMnist, folder: Path) -> Path:
    """The folder that has the files, if any has one of them; else they are downloaded."""
    kept = cache_folder() / "FashionMNIST" / "raw"
    given = folder / data.path
    places = [given, given / "FashionMNIST" / "raw"] if data.path else [DEBIAN, kept]
    for place in places:
        if any(find_idx(place, stem) for stem in IDX_STEMS):
            return place
    if data.path:
        raise missing(data.name, "there are no IDX files", places, how_to_get_fashion())
    try:
        download_fashion(kept.parents[1])
    except ArchError:
        raise
    except Exception as problem:  # torchvision, urllib and the file system raise many kinds
        reason = f"it cannot be downloaded: {str(problem).split(chr(10), 1)[0]}"
        raise missing(data.name, reason, places, how_to_get_fashion()) from None
    return kept


def download_fashion(root: Path) -> None:
    """Downloads with torchvision beside the place, and renames what is whole."""
    datasets = need("torchvision.datasets", "torchvision")
    root.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".download-", dir=root))
    try:
        datasets.FashionMNIST(aside, download=True)
        target = root / "FashionMNIST"
        if not target.exists():  # another process may have been faster
            (aside / "FashionMNIST").rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def how_to_get_fashion() -> list[str]:
    command = python_download("FashionMNIST", cache_folder())
    return ["sudo apt install dataset-fashion-mnist", command]


def python_download(name: str, root: Path) -> str:
    code = f"from torchvision.datasets import {name}; {name}('{root}', download=True)"
    return f'python -c "{code}"'


# -------------------------------------------------------------------------------- CIFAR


def cifar(data: Cifar10 | Cifar100, folder: Path) -> Splits:
    """torchvision's batches, which it checks against their sums."""
    name, files = (
        ("CIFAR10", "cifar-10-batches-py")
        if isinstance(data, Cifar10)
        else ("CIFAR100", "cifar-100-python")
    )
    root = folder / data.path if data.path else cache_folder()
    if root.name == files:
        root = root.parent
    make = getattr(need("torchvision.datasets", "torchvision"), name)
    if not (root / files).is_dir():
        raise missing(
            data.name, f"there is no folder {files}", [root], [python_download(name, root)]
        )

    def read(train: bool) -> Images:
        try:
            found = make(root, train=train, download=False)
        except Exception as problem:  # torchvision raises many kinds for files that are wrong
            reason = f"{files} is not as it was published: {str(problem).split('.', 1)[0]}"
            raise unreadable(data.name, reason, root, [python_download(name, root)]) from None
        images = torch.from_numpy(found.data).permute(0, 3, 1, 2).contiguous()
        return Images(images, torch.tensor(found.targets, dtype=torch.int64))

    learning = read(True)
    assert data.classes is not None
    return fixed_split(
        data.name,
        learning,
        lambda: read(False),
        data.classes,
        data.seed,
        data.validation,
        data.train,
    )


# ----------------------------------------------------------------------- a user's own


def arrays(name: str, source: Any, folder: Path) -> Splits:
    """What a user's object reads: images and labels, and a test set if it has one."""
    image, classes = described(name, source)
    task = TASKS[task_of(name, source)]
    try:
        found = source.read(folder)
        read = [_tensor(a) for a in found] if isinstance(found, (tuple, list)) else []
    except Exception as problem:  # whatever the author's code does
        raise failed(name, f"{type(problem).__name__}: {problem}") from None
    if len(read) not in (2, 4):
        raise failed(name, "`read` gives images and labels, and those of a test set if it has one")
    pairs = [
        user_part(name, image, classes, read[at], read[at + 1], task)
        for at in range(0, len(read), 2)
    ]
    seed, train = getattr(source, "seed", 0), getattr(source, "train", None)
    validation = getattr(source, "validation", 0.1)
    if len(pairs) == 2:
        learning, test = pairs
        return fixed_split(name, learning, lambda: test, classes, seed, validation, train, task)
    tested = getattr(source, "test", 0.1)
    return whole_split(name, pairs[0], classes, seed, validation, tested, train, task)


def user_part(
    name: str,
    shape: tuple[int, ...],
    classes: int,
    images: Tensor,
    labels: Tensor,
    task: Task = CLASSIFICATION,
) -> Images:
    """Images and labels as the task has them. Raises ``ArchError`` (A804)."""
    if images.dtype != torch.uint8 or tuple(images.shape[1:]) != shape:
        wanted = "x".join(map(str, ("N", *shape)))
        given = "x".join(map(str, images.shape))
        raise failed(name, f"its images are {images.dtype} {given}, not torch.uint8 {wanted}")
    if not len(images):
        raise failed(name, "one of its sets has no images")
    if task is REGRESSION and labels.dim() == 1:
        labels = labels[:, None]
    each = {CLASSIFICATION: (), SEGMENTATION: shape[1:]}.get(task, (classes,))
    whole = not labels.is_floating_point() and not labels.is_complex()
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
    if flags is not None and not flags.writeable:
        values = values.copy()
    if getattr(values, "dtype", None) in UNSIGNED:  # which PyTorch can hardly compute with
        values = values.astype("int64")
    return torch.as_tensor(values)
