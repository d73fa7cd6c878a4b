"""Mending a journal: a line that a disk or an editor has spoilt must not take a study with it."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose

Log = dict[str, Any]

# The operations of Optuna's journal that others refer to by number.
CREATE_STUDY, CREATE_TRIAL = 0, 4
FAILED = 3  # Optuna's number of that state


@dataclass(frozen=True, slots=True)
class Mended:
    """What was wrong with a journal: the lines, and where it is kept as it was."""

    lines: tuple[int, ...]
    kept: Path

    def __str__(self) -> str:
        which = ", ".join(str(n) for n in self.lines)
        lines = f"line {which} is" if len(self.lines) == 1 else f"lines {which} are"
        return f"the journal was damaged: {lines} left out; {self.kept} has it as it was"


def mend(journal: Path) -> Mended | None:
    """Leaves out lines of a journal that cannot be read, if there are any; the file as it was is
    kept beside it.

    Trials are known by the order in which they were made: where the line of such a one is lost,
    a failed trial takes its place. An unfinished last line is no damage: see ``KernelLock``.
    Raises ``ArchError`` where the file cannot be read or written.
    """
    try:
        data = journal.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise _unusable(journal, problem) from None
    lines = data.split(b"\n")[:-1]
    logs: list[Log | None] = [_read(line) for line in lines]
    broken = [number for number, log in enumerate(logs) if log is None]
    if not broken:
        return None
    for number in broken:
        logs[number] = _stand_in(lines[number], logs, number)
    text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs if log)
    kept = _free_name(journal)
    aside = journal.with_name(f".{journal.name}.mended")
    try:
        aside.write_bytes(text.encode())
        os.link(journal, kept)
        aside.replace(journal)
    except OSError as problem:
        aside.unlink(missing_ok=True)
        raise _unusable(journal, problem) from None
    return Mended(tuple(n + 1 for n in broken), kept)


def _read(line: bytes) -> Log | None:
    try:
        log = json.loads(line)
    except ValueError:
        return None
    return log if isinstance(log, dict) and "op_code" in log and "worker_id" in log else None


def _stand_in(line: bytes, logs: list[Log | None], number: int) -> Log | None:
    """A failed trial, where the lost line made one; else nothing."""
    found = re.search(rb'"op_code":\s*(\d+)', line)
    made = int(found[1]) == CREATE_TRIAL if found else _is_trial_missing(logs)
    if not made:
        return None
    study = re.search(rb'"study_id":\s*(\d+)', line)
    before = [log for log in logs[:number] if log is not None]
    studies = sum(log["op_code"] == CREATE_STUDY for log in before)
    now = next((log["datetime_start"] for log in reversed(before) if log.get("datetime_start")), "")
    return {
        "op_code": CREATE_TRIAL,
        "worker_id": "mended",
        "study_id": int(study[1]) if study else max(studies - 1, 0),
        "datetime_start": now or "1970-01-01T00:00:00",
        "datetime_complete": now or "1970-01-01T00:00:00",
        "state": FAILED,
        "user_attrs": {"failure": "lost", "cause": "its line in the journal was lost"},
    }


def _is_trial_missing(logs: list[Log | None]) -> bool:
    """Whether a log speaks of a trial that no log before it has made."""
    made = 0
    for log in logs:
        if log is not None:
            made += log["op_code"] == CREATE_TRIAL
            if log.get("trial_id", -1) >= made:
                return True
    return False


def _free_name(journal: Path) -> Path:
    number = 1
    while (kept := journal.with_name(f"{journal.name}.broken{number}")).exists():
        number += 1
    return kept


def _unusable(journal: Path, problem: OSError) -> ArchError:
    reason = (problem.strerror or str(problem)).lower()
    return ArchError([diagnose(codes.BAD_STORAGE, name=str(journal), reason=reason)])
