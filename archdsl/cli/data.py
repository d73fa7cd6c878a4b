"""``archdsl data``: what a data set is, before anything is trained on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.cli import completing
from archdsl.cli.options import json_option, python_option, read_registry
from archdsl.cli.output import harmless, say, say_json, table
from archdsl.cli.progress import LOADING, told
from archdsl.layers.base import show_shape
from archdsl.modelcard import TOKENS
from archdsl.training.packages import need
from archdsl.training.records import read_data
from archdsl.training.sets import Data
from archdsl.training.tasks import CLASSIFICATION, IGNORED, MULTILABEL, REGRESSION

if TYPE_CHECKING:
    from torch import Tensor

    from archdsl.training.data.sizes import ImageSizes
    from archdsl.training.data.splits import Splits

PARTS = ("train", "validation", "test")
SHOWN = 30  # classes, up to which each has a line; of more, the largest and the smallest have
RARE = 10  # times as many images as the smallest class: from here on, a word about accuracy


@click.command()
@click.argument("data", metavar="DATA", shell_complete=completing.data)
@json_option
@python_option
def command(data: str, as_json: bool, python: tuple[Path, ...]) -> None:
    """Read a data set, and say what is in it: classes and counts, sizes, mean and deviation.

    DATA is what `archdsl train --data` takes, or a folder of images. All files that cannot be
    read are named at once.
    """
    record = read_data(data, "DATA", read_registry(python))
    with told("" if as_json else LOADING):
        need("torch")
        from archdsl.training.data import load

    splits = load(record, Path())
    if as_json:
        say_json(_plain(record, splits))
    else:
        _say(record, splits)


def _counts(splits: Splits) -> dict[str, list[int]]:
    """How many images of each class the parts have, by the names of the classes."""
    names = splits.names or tuple(map(str, range(splits.classes)))
    parts = (getattr(splits, part).labels for part in PARTS)
    columns = [labels.bincount(minlength=splits.classes).tolist() for labels in parts]
    return {name: list(row) for name, *row in zip(names, *columns, strict=True)}


def _plain(record: Data, splits: Splits) -> dict[str, Any]:
    parts = {part: getattr(splits, part) for part in PARTS}
    if splits.task is not CLASSIFICATION:
        labels: dict[str, Any] = {splits.task.counted: _told(splits)}
    else:
        labels = {
            "classes": {
                name: dict(zip(PARTS, row, strict=True)) for name, row in _counts(splits).items()
            },
            "largest_class": {p: images.largest for p, images in parts.items() if len(images)},
        }
    return {
        "data": record.written(full=True),
        "task": splits.task.name,
        "image": list(splits.image),
        "values": splits.values,
        "files": _plain_sizes(splits),
        "parts": {part: len(images) for part, images in parts.items()},
        **labels,
        "mean": splits.mean.tolist(),
        "std": splits.std.tolist(),
        "notes": list(splits.notes),
        "digest": splits.digest,
    }


def _plain_sizes(splits: Splits) -> dict[str, Any] | None:
    found = _sizes(splits)
    return None if found is None else found._asdict()


def _sizes(splits: Splits) -> ImageSizes | None:
    """How large the files are, where the images come from files."""
    from archdsl.training.data.sizes import sizes_of

    return sizes_of(splits.files) if splits.files else None


def _say_sizes(splits: Splits) -> None:
    """How large the files are, beside what is read of them."""
    from archdsl.training.data.sizes import words_of

    if said := "; ".join(filter(None, words_of(splits))):
        say(said)


def _say(record: Data, splits: Splits) -> None:
    sizes = " and ".join(
        f"{len(getattr(splits, part)):,} {use}"
        for part, use in zip(PARTS, ("to train on", "to validate with", "to test on"), strict=True)
    )
    task = splits.task
    many = task.counted if splits.classes > 1 else task.counted.removesuffix("s")
    what = {"classes": "in {} {}", "tokens": "of {} {}"}.get(task.counted, "with {} {}")
    where = what.format(splits.classes, many) + (" of pixels" if task.dense else "")
    kinds = {"uint8": "images", "uint16": "images of 16 bits", "float32": "images in floats"}
    kinds[TOKENS] = "pieces"
    rows = len(splits.image) == 1 and not task.words
    of = f"{kinds[splits.values]} of {show_shape(splits.image)}"
    say(f"{record.written()}: {f'rows of {splits.image[0]} numbers' if rows else of} {where}")
    say(sizes.replace(" and ", ", ", 1))
    _say_sizes(splits)
    for note in splits.notes:
        say(note)
    say()
    if task is not CLASSIFICATION:
        for line in table(*_of_labels(splits), (1, 2, 3)):
            say(line)
        say()
        if not task.words:
            _say_moments(splits)
        return
    counts = _counts(splits)
    for line in table(["class", *PARTS], _rows(counts), (1, 2, 3)):
        say(line)
    say()
    _say_moments(splits)
    trained = [row[0] for row in counts.values()]
    least, most = min(trained), max(trained)
    say(
        f"balance    the largest class has {most / sum(trained):.2%} of the images to train on, "
        f"the smallest {least / sum(trained):.2%}"
    )
    validated = len(splits.validation)
    say(f"accuracy   one validation image is {1 / validated:.2%}; always saying the largest class "
        f"is right in {splits.validation.largest:.2%}")  # fmt: skip
    if most >= RARE * least:
        say("           look at the balanced accuracy too, which `archdsl evaluate` prints")


def _say_moments(splits: Splits) -> None:
    scale = "black 0 and white 1" if splits.train.white > 1 else "as the values are"
    say(f"mean       {_numbers(splits.mean.tolist())}  of each channel, {scale}")
    say(f"deviation  {_numbers(splits.std.tolist())}")


def _of_labels(splits: Splits) -> tuple[list[str], list[list[str]]]:
    """A header, and a row for each label, value or class of pixels: the share of the images that
    have the label, or of the pixels; of a value, its mean over the images to train on, and the
    least and the most there. Very many that do not occur are counted."""
    found = _told(splits)
    value = splits.task is REGRESSION
    head = ["value", "mean", "least", "most"] if value else [
        splits.task.counted.removesuffix("es" if splits.task.counted == "classes" else "s"), *PARTS
    ]  # fmt: skip
    absent = [name for name, row in found.items() if not (value or any(row.values()))]
    left = {} if len(absent) <= SHOWN else dict.fromkeys(absent)
    rows = [
        [harmless(name), *(f"{row[key]:.4g}" if value else _share(row, key) for key in head[1:])]
        for name, row in found.items()
        if name not in left
    ]
    if left:
        rows.append([f"({len(left):,} do not occur)", "", "", ""])
    return head, rows


def _share(row: dict[str, float], part: str) -> str:
    return f"{row[part]:.2%}" if part in row else "-"


def _told(splits: Splits) -> dict[str, dict[str, float]]:
    """What is known of each label, value or class of pixels, by its name."""
    names = splits.names or tuple(map(str, range(splits.classes)))
    if splits.task is REGRESSION:
        values = splits.train.labels
        columns = {"mean": values.mean(0), "least": values.amin(0), "most": values.amax(0)}
    else:
        columns = {
            part: _shares(splits, getattr(splits, part).labels)
            for part in PARTS
            if len(getattr(splits, part))
        }
    return {
        name: {key: float(column[at]) for key, column in columns.items()}
        for at, name in enumerate(names)
    }


def _shares(splits: Splits, labels: Tensor) -> Tensor:
    """The share of images with each label, or of the pixels that are of each class."""
    if splits.task is MULTILABEL:
        return labels.mean(0)
    counts = labels.flatten().bincount(minlength=max(IGNORED + 1, splits.classes))
    counts = counts[: splits.classes]
    return counts / counts.sum().clamp(min=1)


def _rows(counts: dict[str, list[int]]) -> list[list[str]]:
    """A line for each class; where there are many, those with most and with fewest images."""
    named = list(counts.items())
    if len(named) > SHOWN:
        ranked = sorted(named, key=lambda pair: -pair[1][0])
        half = SHOWN // 2
        left = len(named) - 2 * half
        named = [*ranked[:half], (f"({left:,} classes between)", []), *ranked[-half:]]
    return [[harmless(name), *(f"{n:,}" for n in row), *[""] * (3 - len(row))]
            for name, row in named]  # fmt: skip


def _numbers(values: list[float]) -> str:
    return ", ".join(f"{value:.4f}" if abs(value) >= 0.001 else f"{value:.3g}" for value in values)
