"""Mending a journal: a line that a disk or an editor has spoilt must not take a study with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.search.journal import CREATE_TRIAL, Log, locked, read, unusable, written
from archdsl.writing import write_bytes

CREATE_STUDY = 0
FAILED = 3  # Optuna's number of that state

# What the operations of Optuna's journal speak of, by their numbers.
FIELDS = {
    CREATE_STUDY: ("study_name", "directions"),
    1: ("study_id",),
    2: ("study_id", "user_attr"),
    3: ("study_id", "system_attr"),
    CREATE_TRIAL: ("study_id", "datetime_start"),
    5: ("trial_id", "param_name", "param_value_internal", "distribution"),
    6: ("trial_id", "state", "values"),
    7: ("trial_id", "step", "intermediate_value"),
    8: ("trial_id", "user_attr"),
    9: ("trial_id", "system_attr"),
}


@dataclass(frozen=True, slots=True)
class Mended:
    """What was wrong with a journal: the lines, and where it is kept as it was."""

    lines: tuple[int, ...]
    kept: Path

    def __str__(self) -> str:
        which = ", ".join(str(n) for n in self.lines)
        lines = f"line {which} is" if len(self.lines) == 1 else f"lines {which} are"
        what = f"{lines} left out" if which else "lines were missing"
        return f"the journal was damaged: {what}; {self.kept} has it as it was"


def mend(journal: Path, studies: Mapping[str, Sequence[int]]) -> Mended | None:
    """Leaves out lines of a journal that cannot be read, if there are any; the file as it was is
    kept beside it.

    Optuna knows its studies and trials by the order in which they were made. Where the line of a
    trial is lost, a failed one takes its place; where that of a study is, it is made anew:
    ``studies`` are their names in their order, with the directions of their objectives. An
    unfinished last line is no damage: see ``Journal``. Raises ``ArchError`` where the file
    cannot be read or written.
    """
    try:
        if not Mending(studies, journal.read_bytes()).needed:
            return None
        with locked(journal):
            mending = Mending(studies, journal.read_bytes())
            kept = _free_name(journal)
            write_bytes(kept, mending.data)
            write_bytes(journal, b"".join(mending.lines))
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise unusable(journal, problem) from None
    return Mended(tuple(mending.broken), kept)


def _free_name(journal: Path) -> Path:
    number = 1
    while (kept := journal.with_name(f"{journal.name}.broken{number}")).exists():
        number += 1
    return kept


@dataclass
class Mending:
    """A journal as it should be: ``lines``, without those that are ``broken``."""

    studies: Mapping[str, Sequence[int]]
    data: bytes
    lines: list[bytes] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    known: list[str] = field(default_factory=list)  # the studies that are made so far
    made: int = 0  # and the trials
    now: str = "1970-01-01T00:00:00+00:00"

    def __post_init__(self) -> None:
        for number, line in enumerate(self.data.split(b"\n")[:-1], 1):
            log = read(line)
            if log is None or not _is_whole(log):
                self.broken.append(number)
                continue
            self.now = log.get("datetime_start") or self.now
            self.make_what_it_speaks_of(log)
            self.lines.append(line + b"\n")

    @property
    def needed(self) -> bool:
        return b"".join(self.lines) != self.data[: self.data.rfind(b"\n") + 1]

    def make_what_it_speaks_of(self, log: Log) -> None:
        """Makes the studies and trials that must have been there before a line."""
        names = list(self.studies)
        operation = log["op_code"]
        if operation == CREATE_STUDY and log["study_name"] not in self.known:
            name = log["study_name"]
            self.make_studies(names.index(name) if name in names else 0)
            self.known.append(name)
        elif "study_id" in log:
            self.make_studies(log["study_id"] + 1)
        if operation == CREATE_TRIAL:
            self.make_trials(log.get("trial_id", self.made))
            self.made += 1
        elif "trial_id" in log:
            self.make_trials(log["trial_id"] + 1)

    def make_studies(self, count: int) -> None:
        for name in list(self.studies)[len(self.known) : count]:
            self.known.append(name)
            directions = list(self.studies[name])
            self.write({"op_code": CREATE_STUDY, "study_name": name, "directions": directions})

    def make_trials(self, count: int) -> None:
        """Makes failed trials in the first study, which has none of its own."""
        while self.made < count:
            times = {"datetime_start": self.now, "datetime_complete": self.now}
            why = {"failure": "lost", "cause": "its line in the journal was lost"}
            log = {"op_code": CREATE_TRIAL, "study_id": 0, **times, "state": FAILED}
            self.write({**log, "user_attrs": why, "trial_id": self.made})
            self.made += 1

    def write(self, log: Log) -> None:
        self.lines.append(written({**log, "worker_id": "mended"}))


def _is_whole(log: Log) -> bool:
    """Whether a line has what its operation needs."""
    operation = log.get("op_code")
    fields = FIELDS.get(operation) if isinstance(operation, int) else None
    return fields is not None and "worker_id" in log and all(name in log for name in fields)
