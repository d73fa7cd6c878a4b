"""Files of images, in folders or named by a table: decoded once, kept as plain bytes, and mapped
into memory.

So a set may be larger than the memory, the second run starts at once, and several processes
share one copy.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import accumulate, islice, pairwise
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.data.layout import images_of, layout, left_out, no_images
from archdsl.training.data.pictures import Decoder
from archdsl.training.data.places import cache_folder, unreadable
from archdsl.training.data.rows import rows_of
from archdsl.training.data.splits import Images, Splits, parts
from archdsl.training.tasks import CLASSIFICATION, TASKS, Task

if TYPE_CHECKING:
    from archdsl.training.sets import ImageFolder, Pictures, Table

CHUNK = 512  # images that are decoded before they are written
READING = 3  # of the bytes in the cache: another where pictures are decoded otherwise
LISTED = 20  # files that a message names


Label = int | tuple[float, ...]  # a class; or labels of 0 and 1, or values
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
            decoded([path for part in found.values() for path, _ in part], root, data)
        except ArchError as more:
            raise ArchError([*error.diagnostics, *more.diagnostics]) from None
        raise
    ordered = [image for piece in pieces for image in piece]
    pixels, bad = decoded([path for path, _ in ordered], root, data)
    gone = set(bad)
    kept = [label for i, (_, label) in enumerate(ordered) if i not in gone]
    kind = torch.int64 if task is CLASSIFICATION else torch.float32
    labels = torch.tensor(kept, dtype=kind)
    ends = [0, *accumulate(len(piece) for piece in pieces)]
    sizes = [sum(i not in gone for i in range(a, b)) for a, b in pairwise(ends)]
    if not sizes[0] or not sizes[1]:
        raise unreadable(data.name, "no image is left that can be read", root)
    train, validation, test = map(Images, pixels.split(sizes), labels.split(sizes))
    if bad:
        left = f"{len(bad):,} that cannot be read {'is' if len(bad) == 1 else 'are'} left out"
        notes = [*notes, left]
    return Splits(train, validation, lambda: test, len(names), names, notes, task=task)


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


def decoded(paths: list[Path], root: Path, data: Pictures) -> tuple[Tensor, list[int]]:
    """The pixels of files, ``(N, *data.shape)`` of bytes or 16 bits, mapped from the cache; and
    which files are not among them, because they cannot be read and may be left out."""
    kept = cache_folder() / f"images-{fingerprint(paths, root, data)}.bytes"
    beside = kept.with_suffix(".bad")  # the places of those that were left out
    bad = [int(number) for number in beside.read_text().split()] if beside.is_file() else []
    numbers, kind = prod(data.shape), torch.uint8 if data.bits == 8 else torch.uint16
    one = numbers * kind.itemsize
    if not kept.is_file() or kept.stat().st_size != one * (len(paths) - len(bad)):
        bad = []
        write(kept, one * len(paths), fitted(paths, root, data, bad))
        if bad:
            write(beside, 0, iter([" ".join(map(str, bad)).encode()]))
    total = len(paths) - len(bad)
    if not total:
        return torch.empty(0, *data.shape, dtype=kind), bad
    pixels = torch.from_file(str(kept), shared=False, size=numbers * total, dtype=kind)
    return pixels.reshape(total, *data.shape), bad


def fingerprint(paths: list[Path], root: Path, data: Pictures) -> str:
    """What the bytes were made of: names, sizes and times of the files, in their order."""
    about = f"{READING} {data.shape} {data.bits} {data.skip_unreadable}"
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


def fitted(paths: list[Path], root: Path, data: Pictures, bad: list[int]) -> Iterator[bytes]:
    """The middle of each image. The places of those that cannot be read go into ``bad``; all of
    them are an error at the end, unless they may be left out."""
    read = Decoder(data.shape[1:], data.channels, data.bits).read
    problems: list[str] = []
    waiting = iter(paths)
    place = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while chunk := list(islice(waiting, CHUNK)):
            for path, found in zip(chunk, pool.map(read, chunk), strict=True):
                if isinstance(found, bytes):
                    yield found
                else:
                    bad.append(place)
                    problems.append(f"{Path(os.path.relpath(path, root)).as_posix()}: {found}")
                place += 1
    if problems and not data.skip_unreadable:
        raise _all_unreadable(data, problems, len(paths), root)


def _all_unreadable(data: Pictures, problems: list[str], total: int, root: Path) -> ArchError:
    """All files that cannot be read, at once."""
    more = len(problems) - LISTED
    notes = [*problems[:LISTED], *([f"and {more:,} more"] if more > 0 else []), f"in {root}"]
    one = len(problems) == 1
    reason = problems[0] if one else f"{len(problems):,} of {total:,} files are not images"
    help = ["skip_unreadable = true leaves out what cannot be read, and says how many"]
    error = diagnose(
        codes.BAD_DATA, notes=notes[1:] if one else notes, help=help, name=data.name, reason=reason
    )
    return ArchError([error])


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
