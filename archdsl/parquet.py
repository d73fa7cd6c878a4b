"""Parquet files: their columns, of a bounded size."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

PARQUET = (".parquet", ".pq")
ROWS = 256  # that are unpacked at once
MOST_BYTES, PER_BYTE = 1 << 28, 20  # that a table may unpack to, and for a byte of its file


def columns_of(path: Path) -> dict[str, list[Any]]:
    """The columns of a file. Raises ``ImportError`` where pyarrow is not installed, ``OSError``
    where the file cannot be opened, and ``ValueError`` where it is damaged, has two columns of one
    name, or unpacks to too much."""
    parquet = import_module("pyarrow.parquet")
    with path.open("rb") as stream:  # what keeps it from being opened is the system's to say
        there = path.stat().st_size
        left = max(MOST_BYTES, PER_BYTE * there)
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
        raise ValueError(f"its {there:,} bytes unpack to more than {MOST_BYTES:,}")
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        raise ValueError(f"there are two columns `{twice}`")
    return columns


def _size(cell: Any) -> int:
    """The bytes that a cell takes, or somewhat fewer."""
    if isinstance(cell, (str, bytes)):
        return len(cell)
    return 8 * max(1, len(cell)) if isinstance(cell, (list, dict)) else 8
