"""Pictures in folders, or named by a table, with classes, labels or values."""

from __future__ import annotations

from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from archdsl.diagnostics.model import ArchError
from archdsl.training.data.decoding import decoded, decoder_of
from archdsl.training.data.file_table import Label, rows_of
from archdsl.training.data.folder_layout import images_of, layout, left_out, no_images
from archdsl.training.data.masks import classes_of, pairs_of, with_masks
from archdsl.training.data.search_path import unreadable
from archdsl.training.data.splits import DRAWN, Images, Splits, parts
from archdsl.training.tasks import CLASSIFICATION, SEGMENTATION, TASKS, Task

if TYPE_CHECKING:
    from archdsl.training.sets import ImageFolder, MaskFolder, Pictures, Table

Labelled = list[tuple[Path, Label]]  # images with their labels


def image_folder(data: ImageFolder, folder: Path) -> Splits:
    """The splits of a folder of images."""
    plan = layout(data, folder)
    found: dict[str, Labelled] = {}
    others: list[Path] = []
    for part, places in plan.parts.items():
        for label, name in enumerate(plan.classes):
            images, rest = images_of(places[name]) if name in places else ([], [])
            if not images and part == "train":
                raise no_images(data, name, rest, plan.root)
            found.setdefault(part, []).extend((path, label) for path in images)
            others += rest
    notes = [left_out(others)] if others else []
    return pictures(data, plan.root, found, plan.given, plan.classes, notes)


def table(data: Table, folder: Path) -> Splits:
    """The splits of a table of files and labels."""
    rows = rows_of(data, folder)
    return pictures(data, rows.root, rows.parts, rows.given, rows.names, [], TASKS[data.task])


def mask_folder(data: MaskFolder, folder: Path) -> Splits:
    """The splits of the folders of pictures and of masks."""
    root = folder / data.path
    found, notes = pairs_of(data, root)
    given = set(found) != {"train"}
    return pictures(data, root, found, given, data.names, notes, SEGMENTATION)


def pictures(
    data: Pictures,
    root: Path,
    found: dict[str, Labelled],
    given: bool,
    names: tuple[str, ...],
    notes: list[str],
    task: Task = CLASSIFICATION,
) -> Splits:
    """The splits of files. What is decoded lies in their order: training, validation, test."""
    try:
        pieces = _split(data, found, given, task)
    except ArchError as error:  # what cannot be read is told as well
        try:
            files = [path for part in found.values() for path, _ in part]
            decoded(files, root, data, decoder_of(data))
        except ArchError as more:
            raise ArchError([*error.diagnostics, *more.diagnostics]) from None
        raise
    ordered = [image for piece in pieces for image in piece]
    classes = len(names)
    if task.dense:
        pixels, labels, bad = with_masks(data, root, ordered)
    else:
        pixels, bad = decoded([path for path, _ in ordered], root, data, decoder_of(data))
    gone = set(bad)
    if task.dense:
        labels, classes, said = classes_of(labels, names, data.name, root)
        notes = [*notes, *said]
    else:
        kept = [label for i, (_, label) in enumerate(ordered) if i not in gone]
        labels = torch.tensor(kept, dtype=torch.int64 if task is CLASSIFICATION else torch.float32)
    ends = [0, *accumulate(len(piece) for piece in pieces)]
    sizes = [sum(i not in gone for i in range(a, b)) for a, b in pairwise(ends)]
    for use, size in zip(("train on", "validate with"), sizes, strict=False):
        if not size:
            why = "that can be read is left" if bad else "is there"
            raise unreadable(data.name, f"no image to {use} {why}", root)
    train, validation, test = map(Images, pixels.split(sizes), labels.split(sizes))
    if bad:
        left = f"{len(bad):,} that cannot be read {'is' if len(bad) == 1 else 'are'} left out"
        notes = [*notes, left]
    files = [path for i, (path, _) in enumerate(ordered) if i not in gone]
    drawn = () if "validation" in found else DRAWN[:2] if given else DRAWN
    return Splits(
        train, validation, lambda: test, classes, names, notes,
        task=task, files=files, drawn=drawn,
    )  # fmt: skip


def _split(data: Pictures, found: dict[str, Labelled], given: bool, task: Task) -> list[Labelled]:
    """The images to train on, to validate with and to test on: by shares, or as they are given.
    Where parts are given, but none to validate with, a share of those to train on is; what tests
    is given, or is not there."""
    pool = found["train"]
    if "validation" in found:
        return [pool, found["validation"], found.get("test", [])]
    test = 0.0 if given else data.test
    layers = [label if isinstance(label, int) else 0 for _, label in pool]
    rows = parts(data.name, layers, data.seed, data.validation, test)
    train, validation, tested = ([pool[row] for row in part] for part in rows)
    return [train, validation, found.get("test", tested)]
