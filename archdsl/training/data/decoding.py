"""Files of pictures, decoded once, kept as plain bytes, and mapped into memory.

So a set may be larger than the memory, the second run starts at once, and several processes
share one copy.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import islice
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.data.images import Decoder
from archdsl.training.data.search_path import all_bad, cache_folder

if TYPE_CHECKING:
    from archdsl.training.sets import Pictures

CHUNK = 512  # images that are decoded before they are written


def decoder_of(data: Pictures) -> Decoder:
    """What reads the pictures of a set."""
    return Decoder(data.shape[1:], data.channels, data.bits)


def decoded(
    paths: Sequence[Path], root: Path, data: Pictures, decoder: Decoder
) -> tuple[Tensor, list[int]]:
    """The pixels of files, ``(N, *decoder.shape)`` of bytes or 16 bits, mapped from the cache; and
    which files are not among them, because they cannot be read and may be left out."""
    about = f"{decoder.about} {data.skip_unreadable}"
    kept = cache_folder() / f"images-{fingerprint(paths, root, about)}.bytes"
    beside = kept.with_suffix(".bad")  # the places of those that were left out
    bad = [int(number) for number in beside.read_text().split()] if beside.is_file() else []
    numbers, kind = prod(decoder.shape), torch.uint8 if decoder.bits == 8 else torch.uint16
    one = numbers * kind.itemsize
    if not kept.is_file() or kept.stat().st_size != one * (len(paths) - len(bad)):
        bad = []
        write(kept, one * len(paths), fitted(paths, root, data, bad, decoder))
        if bad:
            write(beside, 0, iter([" ".join(map(str, bad)).encode()]))
    total = len(paths) - len(bad)
    if not total:
        return torch.empty(0, *decoder.shape, dtype=kind), bad
    pixels = torch.from_file(str(kept), shared=False, size=numbers * total, dtype=kind)
    return pixels.reshape(total, *decoder.shape), bad


def fingerprint(paths: Sequence[Path], root: Path, about: str) -> str:
    """What the bytes were made of: names, sizes and times of the files, in their order."""
    found = blake2b(about.encode(), digest_size=12)
    for path in paths:
        name = os.path.relpath(path, root)
        try:
            stat = path.stat()
        except OSError:
            found.update(f"\n{name} -".encode())
            continue
        found.update(f"\n{name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return found.hexdigest()


def fitted(
    paths: Sequence[Path], root: Path, data: Pictures, bad: list[int], decoder: Decoder
) -> Iterator[bytes]:
    """The middle of each image. The places of those that cannot be read go into ``bad``; all of
    them are an error at the end, unless they may be left out."""
    problems: list[str] = []
    waiting = iter(paths)
    place = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while chunk := list(islice(waiting, CHUNK)):
            for path, found in zip(chunk, pool.map(decoder.read, chunk), strict=True):
                if isinstance(found, bytes):
                    yield found
                else:
                    bad.append(place)
                    problems.append(f"{Path(os.path.relpath(path, root)).as_posix()}: {found}")
                place += 1
    if problems and not data.skip_unreadable:
        many = f"{len(problems):,} of {len(paths):,} files are not {decoder.noun}"
        help = ["`skip_unreadable = true` (in `new`: `--skip-unreadable`) leaves them out"]
        raise all_bad(data.name, problems, many, root, help)


def write(path: Path, total: int, pieces: Iterator[bytes]) -> None:
    """Writes a file beside its place, and renames it when it is whole."""
    aside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            for piece in pieces:
                stream.write(piece)
        Path(aside).replace(path)
    except OSError as problem:
        help = [f"decoded images take {total:,} bytes there; XDG_CACHE_HOME names another place"]
        reason = (problem.strerror or str(problem)).lower()
        error = diagnose(codes.CANNOT_WRITE, help=help, name=str(path), reason=reason)
        raise ArchError([error]) from None
    finally:
        if aside:
            Path(aside).unlink(missing_ok=True)
