"""Where trials are kept: a journal file beside the study, or a database for many machines."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study
from optuna.trial import FrozenTrial
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

JOURNAL = "journal.log"
BEAT = 10  # seconds between the heartbeats of a worker
GRACE = 60  # seconds without one, and its trial is taken up by another
PATIENCE = 120.0  # seconds that a database may be away


def open_storage(
    folder: Path, url: str | None, on_stale: Callable[[Study, FrozenTrial], None] | None = None
) -> BaseStorage:
    """The storage of a study: of its folder, or of an address. Raises ``ArchError``."""
    if url is not None:
        return _open_database(url, on_stale)
    path = folder / JOURNAL
    try:
        return JournalStorage(JournalFileBackend(str(path), KernelLock(path)))
    except (OSError, ValueError, KeyError, AssertionError) as problem:
        raise unusable(str(path), str(problem)) from None


def _open_database(url: str, on_stale: Callable[[Study, FrozenTrial], None] | None) -> BaseStorage:
    try:
        address = make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        return PatientStorage(
            address.render_as_string(hide_password=False),
            engine_kwargs={"pool_pre_ping": True},
            heartbeat_interval=BEAT,
            grace_period=GRACE,
            heartbeat_stale_trial_callback=on_stale,
        )
    except (ArgumentError, NoSuchModuleError):
        raise unusable(shown(url), "it is no address such as postgresql://user@host/name") from None
    except ImportError as problem:
        reason = f"{problem}; `pip install archdsl[postgres]` has what PostgreSQL needs"
        raise unusable(shown(url), reason) from None
    except (SQLAlchemyError, StorageInternalError, RuntimeError, OSError) as problem:
        raise unusable(shown(url), cause_of(problem)) from None


def shown(url: str) -> str:
    """An address without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the address that was given"


def cause_of(problem: BaseException) -> str:
    """The first line of what lies at the bottom of an error."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return str(problem).strip().partition("\n")[0] or type(problem).__name__


def unusable(name: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_STORAGE, name=name, reason=reason)])


class KernelLock(JournalFileOpenLock):
    """A lock that the kernel lets go of when its process is killed.

    Whoever takes it removes what a writer before it left half written.
    """

    def __init__(self, journal: Path) -> None:
        self.journal = journal
        self.path = journal.with_suffix(".lock")
        self.handle: int | None = None

    def acquire(self) -> bool:
        handle = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o644)
        fcntl.flock(handle, fcntl.LOCK_EX)
        self.handle = handle
        _cut_tail(self.journal)
        return True

    def release(self) -> None:
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def _cut_tail(journal: Path) -> None:
    """Removes an unfinished last line. Only who holds the lock may call it."""
    try:
        stream = journal.open("r+b")
    except FileNotFoundError:
        return
    with stream:
        size = stream.seek(0, os.SEEK_END)
        if size == 0:
            return
        stream.seek(size - 1)
        if stream.read(1) == b"\n":
            return
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)


class PatientStorage(RDBStorage):
    """A database that may be away for a while: what was asked of it is asked again."""

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or not callable(found) or name not in _PUBLIC:
            return found
        return _patiently(found)


_PUBLIC = frozenset(n for n in dir(RDBStorage) if not n.startswith("_"))


def _patiently(call: Callable[..., Any]) -> Callable[..., Any]:
    def patient(*args: Any, **kwargs: Any) -> Any:
        pause, end = 0.2, time.monotonic() + PATIENCE
        while True:
            try:
                return call(*args, **kwargs)
            except (SQLAlchemyError, StorageInternalError) as problem:
                if not _is_away(problem) or time.monotonic() > end:
                    raise
                time.sleep(pause)
                pause = min(2 * pause, 5.0)

    return patient


def _is_away(problem: BaseException | None) -> bool:
    """Whether an error says that the database cannot be reached now."""
    from sqlalchemy.exc import InterfaceError, OperationalError

    while problem is not None:
        if isinstance(problem, (OperationalError, InterfaceError)):
            return True
        problem = problem.__cause__
    return False
