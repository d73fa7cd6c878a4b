"""Images to train on, to validate with and to test on: split once, by a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.modelcard import WHITE
from archdsl.training.data.moments import moments, values_of
from archdsl.training.tasks import CLASSIFICATION, Task

CHUNK = 4096  # images that are taken at once
DRAWN = ("train", "validation", "test")


@dataclass(frozen=True, slots=True)
class Images:
    """Images ``(N, C, H, W)``, signals ``(N, C, L)`` or volumes, of ``uint8``, ``uint16`` or
    ``float32``, or token ids ``(N, L)`` of int64; and their labels: classes ``(N,)`` of int64;
    several labels of 0 and 1, or values, ``(N, count)`` of float32; masks ``(N, H, W)`` of bytes;
    or the tokens that follow, ``(N, L)``."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def values(self) -> str:
        """What each value is: one of the types in ``archdsl.modelcard.WHITE``."""
        return values_of(self.images)

    @property
    def white(self) -> int:
        """The value that is told as 1: floats are told as they are."""
        return WHITE.get(self.values, 1)

    @property
    def largest(self) -> float:
        """The share of the class that most images have: what knows nothing is right that often."""
        return int(self.labels.bincount().max()) / len(self) if len(self) else 0.0

    def at(self, rows: Sequence[int]) -> Images:
        """Those of some rows, as a copy."""
        index = torch.tensor(rows, dtype=torch.int64)
        if self.images.dtype == torch.uint16:  # which older versions of PyTorch do not index
            return Images(
                self.images.view(torch.int16)[index].view(torch.uint16), self.labels[index]
            )
        return Images(self.images[index], self.labels[index])


def strata(images: Images, task: Task) -> list[int]:
    """By what a set is split evenly: by the classes of the images, where each has one."""
    return images.labels.tolist() if task is CLASSIFICATION else [0] * len(images)


class Splits:
    """A data set in its parts. ``test`` is made when it is asked for, and not before. ``classes``
    counts the classes, labels or values of its ``task``; ``names`` are theirs, where they have
    names; ``notes`` what was found out in reading; ``fold`` which one of how many it is (see
    ``archdsl.training.data.folds``); ``files`` those that the images were read from, if any;
    ``drawn`` the parts that were drawn by shares, where others are given."""

    def __init__(
        self,
        train: Images,
        validation: Images,
        test: Callable[[], Images],
        classes: int,
        names: Sequence[str] = (),
        notes: Sequence[str] = (),
        fold: tuple[int, int] | None = None,
        task: Task = CLASSIFICATION,
        files: Sequence[Path] = (),
        drawn: Sequence[str] = (),
    ) -> None:
        self.train = train
        self.validation = validation
        self.classes = classes
        self.task = task
        self.names = tuple(names)
        self.notes = tuple(notes)
        self.fold = fold
        self.files = tuple(files)
        self.drawn = tuple(drawn)
        self._test = test

    @cached_property
    def test(self) -> Images:
        """The images that no decision may look at; there may be none."""
        return self._test()

    @property
    def which(self) -> str:
        """Which of its folds it is, as words to add to the name of the data; mostly none."""
        return "" if self.fold is None else ", fold {} of {}".format(*self.fold)

    @property
    def image(self) -> tuple[int, ...]:
        """The shape of an image: channels, height, width; of a signal, channels and length; of
        a volume, channels and three sizes."""
        return tuple(self.train.images.shape[1:])

    @property
    def values(self) -> str:
        """What each value of an image is: a type in ``archdsl.modelcard.WHITE``."""
        return self.train.values

    @property
    def mean(self) -> Tensor:
        """The mean of each channel ``(C,)`` of the training images, black 0 and white 1; of floats
        that of the values."""
        return self._moments[0].float()

    @property
    def std(self) -> Tensor:
        """The standard deviation of each channel ``(C,)`` of the training images."""
        return self._moments[1].float()

    @cached_property
    def _moments(self) -> tuple[Tensor, Tensor]:
        return moments(self.train.images)

    @cached_property
    def digest(self) -> str:
        """What the splits are made of, as a hash: their sizes, task and names, and all pixels and
        labels, those of the test images too."""
        about = f"{self.image} {self.classes} {self.task.name} {self.values} {self.names}"
        found = blake2b(about.encode(), digest_size=16)
        for part in (self.train, self.validation, self.test):
            found.update(f" {len(part)}".encode())
            for values in (part.images, part.labels):
                for chunk in values.split(CHUNK):
                    found.update(chunk.contiguous().numpy())
        return found.hexdigest()


class Parts(NamedTuple):
    """The rows of each part, in their order."""

    train: list[int]
    validation: list[int]
    test: list[int]


def parts(
    name: str,
    labels: Sequence[int],
    seed: int,
    validation: float,
    test: float = 0.0,
    train: int | None = None,
) -> Parts:
    """Splits rows by shares, class by class.

    The order is that of a hash of seed and row, so it is the same on every machine and with
    every version of every library; and a smaller training set is a part of a larger one.
    Raises ``ArchError`` (A803) where a part would be empty, or ``train`` is not left.
    """
    classes: dict[int, list[int]] = {}
    for row, label in enumerate(labels):
        classes.setdefault(label, []).append(row)
    left = [sorted(classes[c], key=lambda row: _place(seed, row)) for c in sorted(classes)]

    def take(total: int) -> list[int]:
        counts = proportional([len(rows) for rows in left], total)
        taken = [row for rows, n in zip(left, counts, strict=True) for row in rows[:n]]
        left[:] = [rows[n:] for rows, n in zip(left, counts, strict=True)]
        return sorted(taken)

    total = len(labels)
    counts = round(total * test), round(total * validation)
    rest = total - sum(counts)
    if rest < 1:
        raise _bad_split(name, f"of {total:,} images, none is left to train on")
    if counts[1] < 1:
        raise _bad_split(name, f"of {total:,} images, none is left to validate with")
    if train is not None and train > rest:
        raise _bad_split(name, f"of {total:,} images, {rest:,} are left to train on, not {train:,}")
    tested, validated = take(counts[0]), take(counts[1])
    return Parts(take(rest if train is None else train), validated, tested)


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
        task=task, drawn=DRAWN,
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
    return Splits(
        learning.at(rows.train), learning.at(rows.validation), test, classes,
        task=task, drawn=DRAWN[:2],
    )  # fmt: skip


def together(first: Images, second: Images) -> Images:
    """Two parts as one."""
    return Images(
        torch.cat([first.images, second.images]), torch.cat([first.labels, second.labels])
    )


def order_of(rows: Sequence[int]) -> list[int]:
    """Rows in the order of a hash, the same on every machine."""
    return sorted(rows, key=lambda row: _place(0, row))


def _place(seed: int, row: int) -> bytes:
    return blake2b(f"{seed} {row}".encode(), digest_size=8).digest()


def _bad_split(name: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_SPLIT, name=name, reason=reason)])


def proportional(sizes: Sequence[int], total: int) -> list[int]:
    """How many of each size make up ``total``: in proportion, by the largest remainders."""
    whole = sum(sizes)
    counts = [size * total // whole for size in sizes]
    remainders = [-(size * total % whole) for size in sizes]
    order = sorted(range(len(sizes)), key=lambda i: (remainders[i], i))
    for place in order[: total - sum(counts)]:
        counts[place] += 1
    return counts
