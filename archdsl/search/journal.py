"""The journal of a study: Optuna's log of all that happens, as a file beside the study."""

from __future__ import annotations

import fcntl
import json
import os
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

Log = dict[str, Any]

CREATE_TRIAL = 4  # Optuna's number of that operation
START = b'{"op_code":4,'
CHECK = b',"crc":'


class Journal(JournalFileBackend):
    """Optuna's journal, for disks that fill up and processes that are killed while they write.

    A line carries a checksum, and one that makes a trial says which: Optuna counts them, and one
    that is lost would give each behind it the number of another. A line is written whole or not
    at all; what a killed writer left of one is removed by the next. Raises ``ArchError`` where
    the file cannot be read or written, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.made = 0  # trials that the file makes up to the byte `counted`
        self.counted = 0
        try:
            super().__init__(str(path))
        except OSError as problem:
            raise unusable(path, problem) from None

    def read_logs(self, log_number_from: int) -> Generator[Log, None, None]:
        try:
            yield from super().read_logs(log_number_from)
        except ValueError:
            raise damaged(self.path) from None
        except OSError as problem:
            raise unusable(self.path, problem) from None

    def append_logs(self, logs: list[Log]) -> None:
        try:
            with locked(self.path), self.path.open("r+b", buffering=0) as stream:
                end = whole(stream)
                made = self.count(stream, end)
                lines = []
                for log in logs:
                    if log["op_code"] == CREATE_TRIAL:
                        log = {**log, "trial_id": made}
                        made += 1
                    lines.append(written(log))
                append(stream, end, b"".join(lines))
        except OSError as problem:
            raise unusable(self.path, problem) from None

    def count(self, stream: FileIO, end: int) -> int:
        """The trials that the file makes up to a byte. Reads what has come since the last time."""
        if end < self.counted:  # it was mended
            self.made = self.counted = 0
        stream.seek(self.counted)
        for line in stream.read(end - self.counted).split(b"\n"):
            if line.startswith(START) and (log := read(line)) is not None:
                self.made = log.get("trial_id", self.made) + 1
        self.counted = end
        return self.made


# --------------------------------------------------------------------------------- lines


def written(log: Log) -> bytes:
    """A line of the journal."""
    text = json.dumps(log, separators=(",", ":")).encode()[:-1]
    return text + CHECK + str(zlib.crc32(text)).encode() + b"}\n"


def read(line: bytes) -> Log | None:
    """What a line says; nothing where it is damaged. One that another program wrote has no sum."""
    text, check, sum = line.rpartition(CHECK)
    if check and sum != str(zlib.crc32(text)).encode() + b"}":
        return None
    try:
        log = json.loads(line)
    except ValueError:
        return None
    return log if isinstance(log, dict) else None


# ------------------------------------------------------------------------------- writing


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keeps others from writing a journal. The kernel lets go of the lock with the process."""
    handle = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def whole(stream: FileIO) -> int:
    """Removes an unfinished last line; the bytes that are left. For who holds the lock."""
    end = size = stream.seek(0, os.SEEK_END)
    step = 1  # the last byte alone, as nearly always it ends a line
    while end:
        start = max(0, end - step)
        stream.seek(start)
        found = stream.read(end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end, step = start, 1 << 16
    if end < size:
        stream.truncate(end)
    return end


def append(stream: FileIO, end: int, data: bytes) -> None:
    """Writes at the end of a file, to the disk, all or nothing. Raises ``OSError``."""
    left = memoryview(data)
    try:
        stream.seek(end)
        while left:
            left = left[stream.write(left) or 0 :]
        os.fsync(stream.fileno())
    except BaseException:
        stream.truncate(end)
        raise


# -------------------------------------------------------------------------------- errors


def unusable(journal: Path, problem: OSError) -> ArchError:
    reason = (problem.strerror or str(problem)).lower()
    return ArchError([diagnose(codes.BAD_STORAGE, name=str(journal), reason=reason)])


def damaged(journal: Path) -> ArchError:
    reason = "it was damaged while it was in use"
    help = "`archdsl search` with --resume mends it"
    return ArchError([diagnose(codes.BAD_STORAGE, help=[help], name=str(journal), reason=reason)])
