"""A study as it stands: nothing in its folder is touched, even while it is searched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.layers.table import TABLE, Table
from archdsl.search.storage import JOURNAL
from archdsl.search.study import CARD, Study, find_study, folder_of, read_card


@contextmanager
def opened(
    name: str, url: str | None = None, table: Table = TABLE, data: Path | None = None
) -> Iterator[Study]:
    """A study by its folder, or by its name in a storage. A journal is copied and the copy is
    read, as mending it, and what Optuna adds on opening, are writes. Raises ``ArchError``."""
    if url is not None:
        yield find_study(name, url, table, data)
        return
    folder = folder_of(name)
    read_card(folder, name)
    with TemporaryDirectory(prefix="archdsl-") as place:
        copy = Path(place) / folder.name
        copy.mkdir()
        for file in (CARD, JOURNAL):
            try:
                shutil.copyfile(folder / file, copy / file)
            except FileNotFoundError:
                continue  # a search that has only just begun has no journal yet
            except OSError as problem:
                reason = (problem.strerror or str(problem)).lower()
                fields = {"name": str(folder / file), "reason": reason}
                raise ArchError([diagnose(codes.UNREADABLE, fields=fields)]) from None
        study = find_study(str(copy), None, table, data)
        study.folder = folder
        yield study


def state_of(name: str) -> tuple[int, int] | None:
    """What changes when something is added to a study's journal; nothing where there is none."""
    try:
        found = (folder_of(name) / JOURNAL).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
