"""A study as it stands: nothing in its folder is touched, even while it is searched."""

from __future__ import annotations

import gc
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import SQLAlchemyError

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.registry import REGISTRY, Registry
from archdsl.search.conversion import JOURNAL, converted, is_journal
from archdsl.search.database import (
    TRIALS,
    Patience,
    address_of,
    cause_of,
    check_schema,
    log_of,
    settings_of,
    shown,
    unusable,
)
from archdsl.search.refused import made_or_refused
from archdsl.search.study import ENDING, Study, card_of, check_links, folder_of, read_card
from archdsl.search.tables import Tables

TRIES = 100  # of a copy of a database that is written to
HEADER = 32  # bytes of a write-ahead log that tell when it began anew


@contextmanager
def read_study(
    name: str, url: str | None = None, registry: Registry = REGISTRY, data: Path | None = None
) -> Iterator[Study]:
    """A study by its folder, or by its name in a storage, to be read, also where its spec is
    refused today. Raises ``ArchError``."""
    folder = folder_of(name)
    check_links(folder)
    if url is not None:
        with _uncollected(), _shared(url) as tables:
            wanted = folder.name.removesuffix(ENDING)
            head = tables.studies().get(wanted)
            if head is None:
                raise ArchError([diagnose(codes.NO_STUDY, name=f"{wanted} in {shown(url)}")])
            card = card_of(tables.attribute(head, "card"), wanted)
            made, refused = made_or_refused(card, registry, data)
            yield Study(card, folder, tables, *made, refused=refused)
        return
    card = read_card(folder, name)
    card.check_storage(None)
    made, refused = made_or_refused(card, registry, data)
    with _uncollected(), _place() as place, _closing(_embedded(folder, place)) as engine:
        tables = Tables(engine, Patience(f"sqlite:///{folder / TRIALS}"))
        yield Study(card, folder, tables, *made, refused=refused)


@contextmanager
def _shared(url: str) -> Iterator[Tables]:
    address = address_of(url)
    if address.get_backend_name() == "sqlite" and address.database:
        with _place() as place, _closing(_of_file(Path(address.database), place)) as engine:
            yield Tables(engine, Patience(url))
        return
    try:
        options = {"postgresql_readonly": True}
        engine = create_engine(address, execution_options=options, **settings_of(address))
    except ImportError as problem:
        reason = f"{problem}; PostgreSQL needs `pip install psycopg[binary]`"
        raise unusable(url, reason) from None
    except SQLAlchemyError as problem:
        raise unusable(url, cause_of(problem)) from None
    with _closing(engine):
        patience = Patience(url)
        patience.gone = True  # who only looks does not wait for a database that is away
        yield Tables(engine, patience)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Records are many and hold no cycles: looking for these is a quarter of the time of reading a
    large study."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def _place() -> Iterator[Path]:
    """A folder for copies."""
    with TemporaryDirectory(prefix="archdsl-") as place:
        yield Path(place)


@contextmanager
def _closing(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()


# ------------------------------------------------------------------------------- a file


def _embedded(folder: Path, place: Path) -> Engine:
    """The database of a study's folder; that of a journal is made in another place."""
    if is_journal(folder):
        return _unchanging(converted(folder, place))
    return _of_file(folder / TRIALS, place)


def _of_file(file: Path, place: Path) -> Engine:
    """A copy of an SQLite file as it stands: one that nobody writes to now may be written to while
    it is read, as where a search has just made its study and begins, or is gone on with."""
    try:
        if not file.exists():
            return create_engine("sqlite://")  # a search that has only just begun has none yet
        copy = _copied(file, place)
        check_schema(file, f"file:{quote(str(copy))}")
        return create_engine(f"sqlite:///{copy}")
    except OSError as problem:
        fields = {"name": str(file), "reason": (problem.strerror or str(problem)).lower()}
        raise ArchError([diagnose(codes.UNREADABLE, fields=fields)]) from None


def _unchanging(file: Path) -> Engine:
    """A file that is read without a lock and without a file beside it."""
    where = f"file:{quote(str(file.resolve()))}?immutable=1"
    check_schema(file, where)
    return create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(where, uri=True, check_same_thread=False),
    )


def _copied(file: Path, place: Path) -> Path:
    """A copy of a database that may be written to meanwhile.

    The file is copied before its log: what moves from the log into the file between the two
    stands in both. Only where the log began anew meanwhile, which its header tells, could a page
    be missing: then it is copied again.
    """
    copy = place / TRIALS
    for _ in range(TRIES):
        before = _state(file)
        shutil.copyfile(file, copy)
        try:
            shutil.copyfile(log_of(file), log_of(copy))
        except FileNotFoundError:
            log_of(copy).unlink(missing_ok=True)
        if _state(file) == before:
            return copy
        time.sleep(0.05)
    raise unusable(f"sqlite:///{file}", "it changes faster than it can be copied")


def _state(file: Path) -> tuple[object, ...]:
    """What changes when a log begins anew; and, where there is none, when the file does."""
    try:
        with log_of(file).open("rb") as stream:
            header = stream.read(HEADER)
    except FileNotFoundError:
        header = b""
    found = file.stat()
    return (header,) if header else (found.st_size, found.st_mtime_ns)


def state_of(name: str) -> tuple[object, ...] | None:
    """What changes when something is added to a study; nothing where there is none."""
    folder = folder_of(name)
    states = []
    for file in (folder / TRIALS, log_of(folder / TRIALS), folder / JOURNAL):
        try:
            found = file.stat()
        except OSError:
            continue
        states.append((file.name, found.st_size, found.st_mtime_ns))
    return tuple(states) or None
