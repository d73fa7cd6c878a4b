"""A database that many machines share, and that may be away for a while."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable
from typing import Any

from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    PendingRollbackError,
    ProgrammingError,
    SQLAlchemyError,
)

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

BEAT = 10  # seconds between the heartbeats of a worker
GRACE = 60  # seconds without one, and its trial is taken up by another
PATIENCE = 120.0  # seconds that a database may be away
CUT_OFF = "8s2b"  # SQLAlchemy's code of a transaction whose connection was lost before its end

logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)  # it tells of lost connections


def open_database(url: str) -> PatientStorage:
    """The storage at an address. Raises ``ArchError`` where there is none that can be used."""
    try:
        address = make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        return opened(address.render_as_string(hide_password=False))
    except (ArgumentError, NoSuchModuleError):
        raise unusable(url, "it is no address such as postgresql://user@host/name") from None
    except ImportError as problem:
        reason = f"{problem}; `pip install archdsl[postgres]` has what PostgreSQL needs"
        raise unusable(url, reason) from None
    except (SQLAlchemyError, StorageInternalError, RuntimeError, OSError) as problem:
        raise unusable(url, cause_of(problem)) from None


def opened(address: str) -> PatientStorage:
    """The storage at an address, whose tables are made where there are none.

    Where several open an empty database at once, as the workers of a cluster may, all but one
    of them find that a table has come to be while they were making it: they look again.
    """
    pause = 0.2
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExperimentalWarning)  # of heartbeats
                return PatientStorage(
                    address,
                    engine_kwargs={"pool_pre_ping": True},
                    heartbeat_interval=BEAT,
                    grace_period=GRACE,
                )
        except (IntegrityError, ProgrammingError):
            if pause > 2:
                raise
            time.sleep(pause)
            pause *= 1.5


class PatientStorage(RDBStorage):
    """What is asked of a database while it is away is asked again until it is back.

    Raises ``ArchError`` where it stays away, and where it cannot do what it is asked.
    """

    gone = False  # it was away for too long

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return patiently(self, found) if name in ASKED else found


# What is asked of a storage: its own methods, and those by which Optuna's cache and reaper ask.
ASKED = frozenset(n for n, f in vars(RDBStorage).items() if callable(f) and n[0] != "_") | {
    "_create_new_trial",
    "_get_best_trial_id",
    "_get_stale_trial_ids",
    "_get_trials",
    "_set_trial_param",
}


def patiently(storage: PatientStorage, call: Callable[..., Any]) -> Callable[..., Any]:
    def patient(*args: Any, **kwargs: Any) -> Any:
        pause, end = 0.2, time.monotonic() + PATIENCE
        while True:
            try:
                return call(*args, **kwargs)
            except (SQLAlchemyError, StorageInternalError) as problem:
                away = is_away(problem)
                if not away or storage.gone or time.monotonic() > end:
                    storage.gone = storage.gone or away
                    raise unusable(str(storage.engine.url), cause_of(problem)) from None
                time.sleep(pause)
                pause = min(2 * pause, 5.0)

    return patient


def is_away(problem: BaseException | None) -> bool:
    """Whether an error says that the database cannot be reached now."""
    while problem is not None:
        if isinstance(problem, (OperationalError, InterfaceError)):
            return True
        if isinstance(problem, PendingRollbackError) and problem.code == CUT_OFF:
            return True
        problem = problem.__cause__
    return False


def cause_of(problem: BaseException) -> str:
    """The first line of what lies at the bottom of an error."""
    while problem.__cause__ is not None:
        problem = problem.__cause__
    return str(problem).strip().partition("\n")[0] or type(problem).__name__


def shown(url: str) -> str:
    """An address without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the address that was given"


def unusable(url: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.BAD_STORAGE, name=shown(url), reason=reason)])
