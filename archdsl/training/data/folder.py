"""Folders of images: decoded once, kept as plain bytes, and mapped into memory.

So a set may be larger than the memory, the second run starts at once, and several processes
share one copy.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.data.places import cache_folder, class_folders, missing, unreadable
from archdsl.training.data.splits import Images, Splits, parts
from archdsl.training.packages import need
from archdsl.training.sets import ImageFolder

ENDINGS = frozenset(".bmp .gif .jpeg .jpg .pgm .png .ppm .tif .tiff .webp".split())
CHUNK = 512  # images that are decoded before they are written


def image_folder(data: ImageFolder, folder: Path) -> Splits:
    """The splits of a folder. The bytes lie in their order: training, validation, test."""
    classes = class_folders(data, folder)
    found = [(path, label) for label, place in enumerate(classes) for path in images_of(place)]
    empty = sorted({c.name for c in classes} - {classes[label].name for _, label in found})
    if empty:
        reason = f"no image is in the folder of the class {empty[0]}"
        raise missing(data.name, reason, [folder / data.path])
    rows = parts(data.name, [label for _, label in found], data.seed, data.validation, data.test)
    ordered = [found[row] for part in rows for row in part]
    pixels = decoded([path for path, _ in ordered], folder / data.path, data)
    labels = torch.tensor([label for _, label in ordered], dtype=torch.int64)
    sizes = [len(part) for part in rows]
    train, validation, test = map(Images, pixels.split(sizes), labels.split(sizes))
    return Splits(train, validation, lambda: test, len(classes))


def images_of(place: Path) -> list[Path]:
    """The images in a folder and below it, in an order that every system agrees on."""
    found = (p for p in place.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
    return sorted(found, key=lambda p: p.relative_to(place).as_posix())


def decoded(paths: list[Path], root: Path, data: ImageFolder) -> Tensor:
    """The pixels of files, ``(N, 3, size, size)`` bytes, mapped from the cache."""
    kept = cache_folder() / f"images-{fingerprint(paths, root, data.size)}.bytes"
    shape = (len(paths), 3, data.size, data.size)
    total = len(paths) * 3 * data.size * data.size
    if not kept.is_file() or kept.stat().st_size != total:
        write(kept, total, squares(paths, data))
    pixels = torch.from_file(str(kept), shared=False, size=total, dtype=torch.uint8)
    return pixels.reshape(shape)


def fingerprint(paths: list[Path], root: Path, size: int) -> str:
    """What the bytes were made of: names, sizes and times of the files, in their order."""
    found = blake2b(f"{size}".encode(), digest_size=12)
    for path in paths:
        stat = path.stat()
        name = path.relative_to(root).as_posix()
        found.update(f"\n{name} {stat.st_size} {stat.st_mtime_ns}".encode())
    return found.hexdigest()


def squares(paths: list[Path], data: ImageFolder) -> Iterator[bytes]:
    """The middle square of each image, resized, its channels one after the other."""
    pillow: Any = need("PIL.Image", "pillow")
    fit = need("PIL.ImageOps", "pillow").fit
    read = partial(_square, pillow, fit, data)
    waiting = iter(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while chunk := list(islice(waiting, CHUNK)):
            yield from pool.map(read, chunk)


def _square(pillow: Any, fit: Any, data: ImageFolder, path: Path) -> bytes:
    try:
        with pillow.open(path) as image:
            image.draft("RGB", (2 * data.size, 2 * data.size))  # a large JPEG needs no more
            square = fit(image.convert("RGB"), (data.size, data.size), pillow.Resampling.BILINEAR)
    except Exception as problem:  # Pillow raises many kinds for a file that is no image
        reason = str(problem).replace(f"'{path}'", "the file") or type(problem).__name__
        raise unreadable(data.name, f"{path.name}: {reason}", path.parent) from None
    interleaved: bytes = square.tobytes()
    return b"".join(interleaved[channel::3] for channel in range(3))


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
