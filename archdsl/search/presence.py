"""Who is at work on a study: locks that the kernel lets go of with their processes."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.files import named_like


@contextmanager
def leading(folder: Path) -> Iterator[None]:
    """Leads a study, as the only one. Raises ``ArchError`` where another process does, and where
    there is no such folder."""
    if not folder.is_dir():
        raise ArchError([diagnose(codes.NO_STUDY, help=named_like(folder), name=str(folder))])
    with _open(folder / "leader.lock") as handle:
        if not _take(handle, folder):
            pid = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            raise ArchError([diagnose(codes.STUDY_BUSY, name=str(folder), pid=pid or "?")])
        with suppress(OSError):  # a full disk: then others do not see by whom it is led
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield


@contextmanager
def present(folder: Path, worker: str) -> Iterator[None]:
    """Shows that a worker is at work, for as long as it lives."""
    path = _path(folder, worker)
    with _open(path) as handle:
        _take(handle, folder)
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def is_gone(folder: Path, worker: str) -> bool:
    """Whether a worker has ended, in whatever way."""
    path = _path(folder, worker)
    if not path.exists():
        return True
    with _open(path) as handle:
        return _take(handle, folder)


def _path(folder: Path, worker: str) -> Path:
    return folder / "workers" / f"{re.sub(r'[^A-Za-z0-9.-]', '-', worker)}.alive"


@contextmanager
def _open(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(path), reason=reason)]) from None
    try:
        yield handle
    finally:
        os.close(handle)


def _take(handle: int, folder: Path) -> bool:
    """Takes a lock, if nobody has it. Raises ``ArchError`` where a file system has none."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as problem:
        reason = f"its file system cannot lock files ({(problem.strerror or '').lower()})"
        help = "keep the study's folder on another one, such as a local disk"
        raise ArchError(
            [diagnose(codes.BAD_STORAGE, help=[help], name=str(folder), reason=reason)]
        ) from None
    return True
