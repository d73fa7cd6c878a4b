"""Files that hold a table: CSV, columns of numpy (.npz), and Parquet."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from archdsl.files import opened
from archdsl.parquet import PARQUET, columns_of, room, too_large

MOST_FIELD = 1 << 26  # characters of a field: what is known of each example is long


def rows_of_file(path: Path) -> list[Mapping[str, Any]]:
    """The rows of a file. Raises ``ValueError`` where it cannot be read, or is no table."""
    try:
        kind = path.suffix.lower()
        if kind in PARQUET:
            return _parquet(path)
        return _numpy(path) if kind == ".npz" else _csv(path)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ValueError(f"{path.name} cannot be read: {reason}") from None


def check_names(names: Sequence[str]) -> None:
    """Raises ``ValueError`` where two columns have one name."""
    for place, name in enumerate(names):
        if name in names[:place]:
            raise ValueError(f"there are two columns `{name}`")


def _csv(path: Path) -> list[Mapping[str, Any]]:
    try:
        with opened(path) as stream:
            text = stream.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is not text in UTF-8") from None
    before = csv.field_size_limit(MOST_FIELD)
    try:
        rows = list(csv.reader(StringIO(text)))
    except csv.Error as problem:
        raise ValueError(f"{path.name} is not a CSV file: {problem}") from None
    finally:
        csv.field_size_limit(before)
    names, *found = [row for row in rows if row] or [[]]
    check_names(names)
    for number, row in enumerate(found, 1):
        if len(row) != len(names):
            raise ValueError(
                f"row {number} has {len(row)} fields, and there are {len(names)} columns"
            )
    return [dict(zip(names, row, strict=True)) for row in found]


def _numpy(path: Path) -> list[Mapping[str, Any]]:
    columns: dict[str, Any] = {}
    with opened(path) as stream:
        there = path.stat().st_size
        left = most = room(there)
        try:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):  # a single array, by another name
                raise ValueError
            with file, zipfile.ZipFile(stream) as parts:
                claimed = sum(part.file_size for part in parts.infolist())
                for name in file.files if claimed <= left else ():
                    column = file[name]
                    left -= 8 * column.size  # a text of no length takes no byte of the file
                    columns[name] = column.tolist() if left >= 0 else []
        except (ValueError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error):
            raise ValueError(f"{path.name} is not a .npz file of plain columns") from None
    if left < 0 or claimed > most:
        raise ValueError(f"{path.name}: {too_large(there, most)}")
    check_names(file.files)
    lengths = {len(c) if isinstance(c, list) else -1 for c in columns.values()}
    if len(lengths) != 1 or -1 in lengths:
        raise ValueError("the columns of the table are not of one length")
    return _rows(columns)


def _parquet(path: Path) -> list[Mapping[str, Any]]:
    try:
        return _rows(columns_of(path))
    except ImportError:
        raise ValueError("a Parquet file takes pyarrow: pip install 'archdsl[data]'") from None
    except ValueError as problem:
        raise ValueError(f"{path.name}: {problem}") from None


def _rows(columns: Mapping[str, Sequence[Any]]) -> list[Mapping[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
