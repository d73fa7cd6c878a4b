"""Where trials are kept: a journal file beside the study, or a database for many machines."""

from __future__ import annotations

from pathlib import Path

from optuna.storages import BaseStorage, JournalStorage

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.search.database import open_database, shown
from archdsl.search.journal import Journal

__all__ = ["JOURNAL", "open_storage", "shown"]

JOURNAL = "journal.log"


def open_storage(folder: Path, url: str | None) -> BaseStorage:
    """The storage of a study: of its folder, or of an address. Raises ``ArchError``."""
    if url is not None:
        return open_database(url)
    path = folder / JOURNAL
    try:
        return JournalStorage(Journal(path))
    except (ValueError, KeyError, AssertionError) as problem:
        fields = {"name": str(path), "reason": f"it is no journal of a study ({problem})"}
        raise ArchError([diagnose(codes.BAD_STORAGE, fields=fields)]) from None
