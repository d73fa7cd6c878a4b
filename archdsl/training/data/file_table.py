"""A table of files and labels, CSV or Parquet: its rows, checked, and nothing of the images."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.model import did_you_mean
from archdsl.parquet import PARQUET, columns_of
from archdsl.training.data.folder_layout import PARTS
from archdsl.training.data.labels import MOST_CLASSES
from archdsl.training.data.search_path import all_bad, not_a_file, unreadable
from archdsl.training.packages import DATA_EXTRA, need
from archdsl.training.tasks import CLASSIFICATION, MULTILABEL, SEGMENTATION

if TYPE_CHECKING:
    from archdsl.training.sets import Table

SEPARATORS = ",;\t"  # between columns, one of these
YES = {"1": 1.0, "1.0": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0}

Label = int | tuple[float, ...] | Path  # a class; labels of 0 and 1, or values; a mask
Row = tuple[int, Mapping[str, str] | str]  # its number in the file, and its cells or its fault


@dataclass(frozen=True)
class Rows:
    """The files of each part with their labels, ``train`` alone where no parts are ``given``; and
    the names of the classes, labels or values."""

    root: Path
    parts: dict[str, list[tuple[Path, Label]]]
    names: tuple[str, ...]
    given: bool


class _Bad(Exception):
    """What is the matter with a row."""


def rows_of(data: Table, folder: Path) -> Rows:
    """Reads a table. Raises ``ArchError`` where it is not there (A801), and with all rows that are
    not what they should be (A802)."""
    path = folder / data.path
    if not path.is_file():
        raise not_a_file(data.name, path)
    root = folder / data.root if data.root else path.parent
    header, rows = _parquet(data, path) if path.suffix.lower() in PARQUET else _csv(data, path)
    _check_columns(data, path, header)
    has_parts = data.split in header
    problems: list[str] = []
    read: list[tuple[str, Path, tuple[str, ...]]] = []
    places: dict[Path, str] = {}
    for number, row in rows:
        try:
            if isinstance(row, str):
                raise _Bad(row)
            part = _part(row[data.split]) if has_parts else "train"
            file = _inside(root, row[data.file])
            if places.setdefault(file, part) != part:
                raise _Bad(f"{row[data.file]} is in the part {places[file]} already")
            read.append((part, file, tuple(row[name] for name in data.labels)))
            _check_labels(data, root, read[-1][2])
        except _Bad as problem:
            problems.append(f"row {number}: {problem}")
    if problems:
        many = f"{len(problems):,} of its rows are wrong"
        raise all_bad(data.name, problems, many, path)
    if not any(part == "train" for part, _, _ in read):
        raise unreadable(data.name, "it has no rows to train on", path)
    names = _names(data, path, read)
    places_of = {name: at for at, name in enumerate(names)}
    found: dict[str, list[tuple[Path, Label]]] = {}
    for part, file, cells in read:
        found.setdefault(part, []).append((file, _label(data, root, cells, places_of)))
    return Rows(root, found, names, has_parts)


def _csv(data: Table, path: Path) -> tuple[list[str], Iterator[Row]]:
    """The header, and all rows with the number of their line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            stream.seek(0)
            between = max(SEPARATORS, key=first.count)
            lines = csv.reader(stream, delimiter=between, strict=True)
            header = [cell.strip() for cell in next(lines, [])]
            rows = [(lines.line_num, line) for line in lines if any(map(str.strip, line))]
    except (OSError, ValueError, csv.Error) as problem:
        reason = f"it is not a table of text: {getattr(problem, 'strerror', None) or problem}"
        raise unreadable(data.name, reason, path) from None
    return header, ((number, _cells(header, line)) for number, line in rows)


def _cells(header: Sequence[str], line: Sequence[str]) -> Mapping[str, str] | str:
    """The cells of a row by their columns, or why it is none."""
    if len(line) != len(header):
        return f"it has {len(line)} cells, and the header {len(header)}"
    return dict(zip(header, map(str.strip, line), strict=True))


def _parquet(data: Table, path: Path) -> tuple[list[str], Iterator[Row]]:
    need("pyarrow.parquet", extra=DATA_EXTRA)
    try:
        columns = columns_of(path)
    except (OSError, ValueError) as problem:
        reason = str(getattr(problem, "strerror", None) or problem)
        raise unreadable(data.name, reason, path) from None
    lines = zip(*columns.values(), strict=True)
    texts = ([_text(cell) for cell in line] for line in lines)
    return list(columns), (
        (number, dict(zip(columns, line, strict=True))) for number, line in enumerate(texts, 1)
    )


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip()


def _check_columns(data: Table, path: Path, header: Sequence[str]) -> None:
    for name in (data.file, *data.labels):
        if name not in header:
            help = did_you_mean(name, header) or [
                f"it has {', '.join(header) or 'nothing'}: name them by `file` and `labels`"
            ]
            raise unreadable(data.name, f"it has no column `{name}`", path, help)
    for name in (data.file, *data.labels, data.split):
        if header.count(name) > 1:
            raise unreadable(data.name, f"there are two columns `{name}`", path)
    if data.task in (CLASSIFICATION.name, SEGMENTATION.name) and len(data.labels) > 1:
        kind = "masks" if data.task == SEGMENTATION.name else "classes"
        reason = f"{kind} are one column, and `labels` are several"
        help = ["task = multilabel is for several labels, task = regression for values"]
        raise unreadable(data.name, reason, path, help)
    if data.names and data.task != SEGMENTATION.name:
        reason = "`names` are those of the classes of masks: task = segmentation"
        raise unreadable(data.name, reason, path)


def _part(cell: str) -> str:
    part = PARTS.get(cell.lower())
    if part is None:
        raise _Bad(f"`{cell}` is not a part: train, val and test are")
    return part


def _inside(root: Path, cell: str) -> Path:
    """The path of a cell. One that leads out of the folder is refused: a table from elsewhere names
    no other files."""
    if not cell:
        raise _Bad("it names no file")
    found = Path(os.path.normpath(root / cell))
    if not found.is_relative_to(os.path.normpath(root)) or "\0" in cell:
        raise _Bad(f"{cell!r} is not in the folder {root}: `root` names another")
    return found


def _check_labels(data: Table, root: Path, cells: Sequence[str]) -> None:
    if data.task == CLASSIFICATION.name:
        if not cells[0]:
            raise _Bad("its label is empty")
    elif data.task == SEGMENTATION.name:
        _inside(root, cells[0])
    elif data.task == MULTILABEL.name:
        for name, cell in zip(data.labels, cells, strict=True):
            if len(cells) > 1 and cell.lower() not in YES:
                raise _Bad(f"`{name}` is {cell!r}, and not 0 or 1")
    else:
        for name, cell in zip(data.labels, cells, strict=True):
            if _number(cell) is None:
                raise _Bad(f"`{name}` is {cell!r}, and not a number")


def _number(cell: str) -> float | None:
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if isfinite(found) else None


def _names(
    data: Table, path: Path, read: Sequence[tuple[str, Path, tuple[str, ...]]]
) -> tuple[str, ...]:
    """The classes in the order of their names, or of their numbers; the labels; or the values.
    Those of other parts are among those to train on."""
    if data.task == SEGMENTATION.name:
        return data.names
    if len(data.labels) > 1 or data.task not in (CLASSIFICATION.name, MULTILABEL.name):
        return data.labels
    trained: set[str] = set()
    others: set[str] = set()
    for part, _, (cell,) in read:
        (trained if part == "train" else others).update(_said(data, cell))
    if unknown := sorted(others - trained):
        reason = f"`{unknown[0]}` is not one of the labels to train on"
        raise unreadable(data.name, reason, path)
    if len(trained) < (2 if data.task == CLASSIFICATION.name else 1):
        there = f"one, `{trained.pop()}`" if trained else "none"
        raise unreadable(data.name, f"at least two classes are needed, and there is {there}", path)
    if len(trained) > MOST_CLASSES:
        reason = f"there are {len(trained):,} classes, and at most {MOST_CLASSES:,} are allowed"
        help = ["task = regression is for values"]
        raise unreadable(data.name, reason, path, help)
    whole = all(name.isdecimal() for name in trained)
    return tuple(sorted(trained, key=(lambda name: (int(name), name)) if whole else None))


def _said(data: Table, cell: str) -> list[str]:
    """The labels that a cell names."""
    if data.task == CLASSIFICATION.name:
        return [cell]
    return [name.strip() for name in cell.split(data.separator or None) if name.strip()]


def _label(data: Table, root: Path, cells: Sequence[str], places: Mapping[str, int]) -> Label:
    if data.task == SEGMENTATION.name:
        return _inside(root, cells[0])
    if data.task == CLASSIFICATION.name:
        return places[cells[0]]
    if data.task == MULTILABEL.name:
        if len(cells) > 1:
            return tuple(YES[cell.lower()] for cell in cells)
        said = {places[name] for name in _said(data, cells[0])}
        return tuple(float(at in said) for at in range(len(places)))
    return tuple(float(cell) for cell in cells)
