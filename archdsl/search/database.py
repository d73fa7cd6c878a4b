"""Databases of trials: SQLite within a study's folder, or one that many machines share.

Nothing here imports Optuna: what only reads a study does without it.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

TRIALS = "trials.db"  # the database in a study's folder
PATIENCE = 120.0  # seconds that a database may be away
BUSY = 60.0  # seconds that SQLite itself waits for another process that writes
CUT_OFF = "8s2b"  # SQLAlchemy's code of a transaction whose connection was lost before its end
NO_ADDRESS = (
    "it is not an address such as postgresql://user@host/name, where %40 stands for an @ and %3A"
    " for a : in a password"
)
TOLD = frozenset(  # the settings of an address that hold no secret; any other is not shown
    "user host hostaddr port dbname sslmode sslrootcert connect_timeout application_name"
    " target_session_attrs channel_binding gssencmode keepalives".split()
)
READING = {"archdsl_reading": True}  # the option of a connection that writes nothing

T = TypeVar("T")

logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # it tells of lost connections


def address_of(url: str) -> URL:
    """An address as SQLAlchemy has it. Raises ``ArchError`` for what is none."""
    try:
        address = _read(url)
        address.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise _refused(url, NO_ADDRESS) from None
    except ImportError:
        pass  # the driver is missing: it is said when the database is opened
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    return address


def file_address(path: Path) -> URL:
    """The address of an SQLite file."""
    return URL.create("sqlite", database=str(path.resolve()))


def settings_of(address: URL) -> dict[str, Any]:
    """What an engine for an address is made with."""
    if address.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY}}
    return {"pool_pre_ping": True}


def arrange(engine: Engine) -> None:
    """Has an SQLite engine write ahead (WAL), so that who reads and who writes do not wait for
    each other, and take the right to write when a transaction begins: one that reads first and
    then writes, as when a trial is taken from the queue, would else let two pass at once.

    What is committed outlives every process. It outlives the machine when it was moved from the
    log to the file, or when ``keep`` was called.
    """
    if engine.dialect.name != "sqlite":
        return
    engine.dispose()  # connections that were made without these settings

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not by the driver
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        reads = connection.get_execution_options().get("archdsl_reading")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def log_of(file: Path) -> Path:
    """What SQLite has written ahead of a file."""
    return file.with_name(file.name + "-wal")


def keep(address: URL) -> None:
    """Sees that what is committed to an SQLite file is on the disk. Raises ``OSError``."""
    if address.get_backend_name() == "sqlite" and address.database:
        with suppress(FileNotFoundError), log_of(Path(address.database)).open("rb") as stream:
            os.fsync(stream.fileno())


# ---------------------------------------------------------------------------- being away


class Patience:
    """Asks a database again while it is away, until it is back.

    Raises ``ArchError`` where it stays away, and where it cannot do what it is asked.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.gone = False  # it was away for too long: nothing is waited for any more

    def ask(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        pause, end = 0.2, time.monotonic() + PATIENCE
        while True:
            try:
                return call(*args, **kwargs)
            except Exception as problem:
                if not is_of_database(problem):
                    raise
                away = is_away(problem)
                if not away or self.gone or time.monotonic() > end:
                    self.gone = self.gone or away
                    raise unusable(self.url, cause_of(problem)) from None
                time.sleep(pause)
                pause = min(2 * pause, 5.0)


def is_of_database(problem: BaseException | None) -> bool:
    """Whether an error comes from a database, also where Optuna has wrapped it."""
    while problem is not None:
        if isinstance(problem, (SQLAlchemyError, sqlite3.Error)):
            return True
        problem = problem.__cause__
    return False


def is_away(problem: BaseException | None) -> bool:
    """Whether an error says that the database cannot be reached now."""
    while problem is not None:
        if isinstance(problem, (OperationalError, InterfaceError)):
            return not isinstance(problem.orig, sqlite3.Error) or _is_busy(problem.orig)
        if isinstance(problem, PendingRollbackError) and problem.code == CUT_OFF:
            return True
        problem = problem.__cause__
    return False


def _is_busy(problem: sqlite3.Error) -> bool:
    """Whether another process has an SQLite file to itself. Whatever else is wrong with a file
    does not go away by waiting."""
    code = getattr(problem, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def cause_of(problem: BaseException) -> str:
    """The first line of what lies at the bottom of an error."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    if isinstance(problem, SQLAlchemyError) and getattr(problem, "orig", None) is not None:
        problem = problem.orig  # type: ignore[attr-defined]
    if getattr(problem, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
        return "no space left on device"
    return str(problem).strip().partition("\n")[0] or type(problem).__name__


def _read(url: str) -> URL:
    """An address in its parts. Raises ``ArgumentError`` or ``ValueError`` for what is none; also
    where an `@` stands after the host, as then a part of the password is taken for the host."""
    address = make_url(url)
    behind = f"{address.host}{address.database}{address.query}"
    if address.get_backend_name() != "sqlite" and "@" in behind:
        raise ValueError("an @ that is not written as %40")
    return address


def shown(url: str) -> str:
    """An address without its password, and with those settings alone that are known to hold no
    secret; nothing of an address that cannot be read."""
    try:
        address = _read(url)
    except (ArgumentError, ValueError):
        return "the address that was given"
    told = {name: value for name, value in address.query.items() if name in TOLD}
    return address.set(query=told).render_as_string(hide_password=True)


def _secrets(url: str) -> list[str]:
    """What of an address is not shown, the longest first."""
    try:
        address = _read(url)
    except (ArgumentError, ValueError):
        return [url]
    hidden = [v for name, v in address.query.items() if name not in TOLD]
    found = [w for value in hidden for w in ([value] if isinstance(value, str) else value)]
    found += [str(address.password)] if address.password else []
    return sorted((word for word in found if len(word) > 2), key=len, reverse=True)


def unusable(url: str, reason: str) -> ArchError:
    """Says what is wrong with a database, and nothing that is secret of its address."""
    for secret in _secrets(url):
        reason = reason.replace(secret, "***")
    return _refused(url, reason)


def _refused(url: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_STORAGE, name=named(url), reason=reason)])


def check_schema(file: Path, where: str) -> None:
    """Raises ``ArchError`` (A714) for an SQLite file, opened as ``where`` says, with a view or a
    trigger: Optuna makes none, and in a study from somebody else one may run without end."""
    try:
        with closing(sqlite3.connect(where, uri=True)) as database:
            asked = "SELECT type FROM sqlite_master WHERE type NOT IN ('table', 'index')"
            found = database.execute(asked).fetchone()
    except sqlite3.Error:
        return  # no database, or a damaged one: said where it is read
    if found is not None:
        raise unusable(f"sqlite:///{file}", f"it has a {found[0]}, which archdsl never makes")


def named(url: str) -> str:
    """What a database is called to a user: a file by its path."""
    if url.startswith("sqlite:///"):
        return url.removeprefix("sqlite:///").partition("?")[0]
    return shown(url)
