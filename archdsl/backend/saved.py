"""What ``torch.save`` wrote, read as if anybody might have made it: nothing in it is run, it takes
no more memory than the file is large, and every tensor in it is one that can be loaded."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from archdsl.files import opened
from archdsl.outputs import is_seal

if TYPE_CHECKING:
    import torch


# What torch says of a pickle with more in it than tensors.
NOT_TORCHS = "it was not written by torch.save"
FAULTS = (UnpicklingError, LookupError, TypeError, AttributeError, EOFError, ValueError)
MORE = re.compile("GLOBAL|safe_globals")


class Refused(ValueError):
    """A file is not what ``torch.save`` writes of tensors; the text says why."""


def read_saved(path: Path, device: Any = "cpu") -> Any:
    """The content of a file. Raises ``Refused``, ``OSError``, and what torch does for a file that
    it did not write."""
    import torch

    with opened(path) as stream:  # a pipe would be waited for
        if stream.read(2) == b"PK":
            _check_archive(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old formats of pickle
        return torch.load(path, map_location=device, weights_only=True)


def refusal(problem: Exception) -> str:
    """Why torch refuses a file, where what it says would mislead: it advises to read a file as a
    program. Nothing for other problems."""
    if "legacy .tar" in str(problem):
        return "it is a tar archive, as PyTorch before 0.2 wrote; read it there and save it anew"
    if isinstance(problem, Refused) or not isinstance(problem, FAULTS):
        return ""
    if MORE.search(str(problem)):
        return "it holds more than tensors, and reading that would run it"
    return NOT_TORCHS


def _check_archive(path: Path) -> None:
    """Raises ``Refused`` for records that are larger once they are read than in the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            records, comment = archive.infolist(), archive.comment
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise Refused("its list of records is damaged") from None
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise Refused("its records are compressed, which torch.save never does")
    if comment and not is_seal(comment):  # readers differ in where such an archive ends
        raise Refused("it has a comment, which torch.save never writes")
    if sum(record.file_size for record in records) > path.stat().st_size:
        raise Refused("its records are larger than the file")


def trouble(tensor: torch.Tensor, size: int | None = None) -> str:
    """Why a tensor cannot be loaded into a network; nothing where it can. ``size`` is that of the
    file in bytes: without one, a tensor without values is let pass."""
    import torch

    if tensor.layout != torch.strided or tensor.is_nested:
        return "sparse or nested"
    if tensor.is_quantized:
        return "quantised"
    if tensor.is_complex():
        return "complex"
    if size is None:
        return ""
    if tensor.is_meta:
        return "without values (on the meta device)"
    if tensor.numel() * tensor.element_size() > size:
        return "larger than the file"
    return ""


def tensors_in(content: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors of nested tables and lists, with where they are. Each table is seen once."""
    import torch

    seen: set[int] = set()
    left: list[tuple[str, Any]] = [(name, content)]
    while left:
        place, value = left.pop()
        if isinstance(value, torch.Tensor):
            yield place, value
        if not isinstance(value, (Mapping, list, tuple)) or id(value) in seen:
            continue
        seen.add(id(value))
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        left += [(f"{place}.{key}".lstrip("."), part) for key, part in parts]
