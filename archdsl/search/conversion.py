"""Studies of archdsl 0.1, which kept their trials in a journal of Optuna's."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.search.database import TRIALS

JOURNAL = "journal.log"
KEPT = "journal.log.converted"


def is_journal(folder: Path) -> bool:
    """Whether the trials of a study are in a journal."""
    return (folder / JOURNAL).exists() and not (folder / TRIALS).exists()


def convert(folder: Path) -> Path | None:
    """Makes the database of a study whose trials are in a journal, which is kept under another
    name: this is given. Raises ``ArchError``."""
    if not is_journal(folder):
        return None
    with TemporaryDirectory(prefix="archdsl-") as place:
        made = converted(folder, Path(place))
        try:
            new = folder / f"{TRIALS}.new"
            shutil.copyfile(made, new)
            new.replace(folder / TRIALS)
            (folder / JOURNAL).replace(folder / KEPT)
        except OSError as problem:
            fields = {"name": str(folder / TRIALS), "reason": (problem.strerror or "").lower()}
            raise ArchError([diagnose(codes.CANNOT_WRITE, fields=fields)]) from None
    return folder / KEPT


def converted(folder: Path, place: Path) -> Path:
    """A database in another folder with the trials of a journal, of which nothing is touched.
    Raises ``ArchError`` where the journal cannot be read."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    from archdsl.search.storage import open_storage

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    journal = folder / JOURNAL
    try:
        copy = shutil.copyfile(journal, place / JOURNAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is experimental in Optuna
            before = JournalStorage(JournalFileBackend(str(copy)))
            after = open_storage(place, None)
            for name in optuna.get_all_study_names(before):
                optuna.copy_study(
                    from_study_name=name, from_storage=before, to_storage=after, to_study_name=name
                )
    except OSError as problem:
        fields = {"name": str(journal), "reason": (problem.strerror or str(problem)).lower()}
        raise ArchError([diagnose(codes.UNREADABLE, fields=fields)]) from None
    except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as problem:
        reason = f"it is not a journal of a study, or damaged ({problem or type(problem).__name__})"
        help = "`archdsl search` of version 0.1.0 mends a journal when it goes on with --resume"
        fields = {"name": str(journal), "reason": reason}
        raise ArchError([diagnose(codes.UNREADABLE, help=[help], fields=fields)]) from None
    after.close()
    return place / TRIALS
