"""IDX files, as the sets of the MNIST family have them: packed with gzip, or not."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from archdsl.training.data.search_path import unreadable

UNSIGNED_BYTE = 8  # the type of the elements, in the third byte of a file


def find_idx(folder: Path, stem: str) -> Path | None:
    """The file of a folder, plain or packed; nothing where there is none."""
    for path in (folder / stem, folder / f"{stem}.gz"):
        if path.is_file():
            return path
    return None


def read_idx(path: Path, name: str) -> Tensor:
    """The bytes of a file in its shape. Raises ``ArchError`` for a file that is cut short or
    is no such file; ``name`` is the data set's."""
    try:
        packed = path.read_bytes()
        data = gzip.decompress(packed) if path.suffix == ".gz" else packed
    except (OSError, EOFError, zlib.error) as problem:
        reason = f"{path.name}: {getattr(problem, 'strerror', None) or problem}".lower()
        raise unreadable(name, reason, path.parent) from None
    axes = data[3] if len(data) > 4 and data[:3] == bytes([0, 0, UNSIGNED_BYTE]) else 0
    start = 4 + 4 * axes
    if not 1 <= axes <= 4 or len(data) < start:
        raise unreadable(name, f"{path.name} is not an IDX file of bytes", path.parent)
    shape = [int.from_bytes(data[at : at + 4], "big") for at in range(4, start, 4)]
    if len(data) - start != prod(shape):
        sizes = f"{len(data) - start:,} bytes of images or labels, not {prod(shape):,}"
        raise unreadable(name, f"{path.name} has {sizes}", path.parent)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8)[start:].reshape(shape)
