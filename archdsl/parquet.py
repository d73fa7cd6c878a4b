"""Parquet files: their columns, of a bounded size."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from archdsl.files import opened

PARQUET = (".parquet", ".pq")
ROWS = 256  # that are unpacked at once
MOST_BYTES, PER_BYTE = 1 << 28, 20  # that a table may unpack to, and for a byte of its file


def room(there: int) -> int:
    """The bytes that a table in a file of so many may unpack to."""
    return max(MOST_BYTES, PER_BYTE * there)


def too_large(there: int, most: int) -> ValueError:
    """What is said of a table that unpacks to more."""
    return ValueError(f"its {there:,} bytes unpack to more than {most:,}")


def columns_of(path: Path) -> dict[str, list[Any]]:
    """The columns of a file. Raises ``ImportError`` where pyarrow is not installed, ``OSError``
    where the file cannot be opened, and ``ValueError`` where it is damaged, has two columns of one
    name, or unpacks to too much."""
    parquet = import_module("pyarrow.parquet")
    with opened(path) as stream:  # what keeps it from being opened is the system's to say
        there = path.stat().st_size
        left = most = room(there)
        try:
            file = parquet.ParquetFile(stream)
            names = list(file.schema_arrow.names)
            columns: dict[str, list[Any]] = {name: [] for name in names}
            for batch in file.iter_batches(ROWS) if len(columns) == len(names) else ():
                for name, cells in batch.to_pydict().items():
                    columns[name] += cells
                    left -= sum(map(_size, cells))
                if left < 0:
                    break
        except Exception as problem:  # pyarrow raises many kinds for a file that is damaged
            reason = str(problem).split("\n", 1)[0]
            raise ValueError(f"it is not a Parquet file: {reason}") from None
    if left < 0:
        raise too_large(there, most)
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise ValueError(f"there are two columns `{twice}`")
    return columns


def _size(cell: Any) -> int:
    """The bytes that a cell takes, or somewhat fewer."""
    if isinstance(cell, (str, bytes)):
        return len(cell)
    return 8 * max(1, len(cell)) if isinstance(cell, (list, dict)) else 8
