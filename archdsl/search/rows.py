"""What is known of a trial, as a plain record: for verdicts, tables and reports."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple, TypeVar

from archdsl.search.kinds import (
    AMOUNT,
    EXAMPLES,
    FILE,
    NATURAL,
    NUMBER,
    NUMBERS,
    POINTS,
    REACHED,
    TEXT,
    TEXTS,
    WHOLE,
    Kind,
    Wrong,
    is_whole,
    read,
)

# The stages of a search. What tunes by short trainings, and a baseline, say nothing of a shape.
TUNE, EXPLORE, BASELINE, SETTLE = "tune", "explore", "baseline", "settle"
ASIDE = (TUNE, BASELINE)

# How trials fail. The first four are the network's or the recipe's own fault.
DIVERGED, OUT_OF_MEMORY, ERROR = "diverged", "out of memory", "error"
TIMED_OUT = "timed out"
LOST, INTERRUPTED, UNREACHABLE = "lost", "interrupted", "unreachable"
DROPPED = "dropped"  # queued before, and not wanted any more
FAULTS = (DIVERGED, OUT_OF_MEMORY, ERROR, TIMED_OUT)
PASSED = (INTERRUPTED, UNREACHABLE, DROPPED)  # no failures: another trial has their turns, or none

# What is known of a candidate, and stays with it where it is trained again.
KEPT = (
    "shape", "setting", "knobs", "solved", "hash", "params", "macs", "activations", "costs",
    "depth", "width",
)  # fmt: skip

COSTS = ("params", "macs", "activations", "latency", "seconds")  # that are known of every trial

# What a verdict needs of a trial, and beside it of one with a fresh seed; the rest is read where it
# is shown.
JUDGED = ("seed", "shape", "setting", "depth", "width", "failure", "same_as")
OF_FRESH = ("test", "examples", "test_examples", "fold", "loss")

STATES = {
    "COMPLETE": "done",
    "PRUNED": "pruned",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
}


# What archdsl writes of a trial, and of which kind that is.
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("turn", "trial", "seed", "same_as", "fold"), WHOLE),
    **dict.fromkeys(("params", "macs", "activations", "depth"), NATURAL),
    **dict.fromkeys(("latency", "width", "seconds", "images_per_second"), AMOUNT),
    **dict.fromkeys(("accuracy", "loss", "test"), NUMBER),
    **dict.fromkeys(("shape", "setting", "solved", "hash", "worker", "failure", "cause"), TEXT),
    **dict.fromkeys(("examples", "test_examples"), EXAMPLES),
    "weights": FILE,
    "knobs": TEXTS,
    "costs": NUMBERS,
    "curve": POINTS,
    "reached": REACHED,
}


# What a trial carries beside that into the queue, and is not shown.
CARRIED: Mapping[str, Kind] = {
    **KINDS,
    **dict.fromkeys(("draws", "retries"), NATURAL),
    **dict.fromkeys(("stage", "slice"), TEXT),
}


def fault_of(attributes: Mapping[str, Any]) -> str:
    """Which attribute of a trial is not of its kind, as others may have written it; or nothing."""
    for name, value in attributes.items():
        try:
            if name in CARRIED:
                read(CARRIED[name], value)
        except Wrong as problem:
            return f"has a `{name}` that is not {problem}"
    return ""


@dataclass(slots=True)
class BriefRow:
    """What a verdict needs of a trial. A large study has a hundred thousand: a whole record takes
    twice the memory, and a frozen one six times as long to make."""

    number: int
    slice: str
    stage: str
    state: str
    turn: int | None = None  # its place in what was planned of its slice
    seed: int | None = None
    shape: str = ""
    setting: str = ""  # what was tuned: "lr = 0.1"
    solved: str = ""  # what the budget asked for: "width = 1.5"
    depth: int | None = None
    width: float | None = None
    values: tuple[float, ...] = ()
    loss: float | None = None
    test: float | None = None
    examples: bytes = b""  # of a settled one: what it said of each validation example, packed
    test_examples: bytes = b""  # and of each one of the test data
    fold: int | None = None  # on which of the folds it was trained, where there are folds
    failure: str = ""  # what became of one that failed: see above
    same_as: int | None = None  # the trial that trained this network already

    @property
    def is_failure(self) -> bool:
        """Whether it failed, and its turn was not given to another trial."""
        return self.state == "failed" and self.failure not in PASSED

    @property
    def is_result(self) -> bool:
        """Whether it trained a network of its own to the end."""
        return self.state == "done" and self.same_as is None


@dataclass(slots=True)
class Row(BriefRow):
    """One trial. Costs are of one image; ``accuracy`` is a share, on validation data."""

    knobs: Mapping[str, str] | None = None  # all of them, as they are written
    hash: str = ""
    params: int | None = None
    macs: int | None = None
    activations: int | None = None
    latency: float | None = None  # seconds of an inference, where it was asked for
    costs: Mapping[str, float | None] | None = None  # further ones that were asked for
    accuracy: float | None = None
    curve: tuple[tuple[float, ...], ...] = ()  # epoch, accuracy, loss, training loss, lr
    reached: tuple[float | None, ...] = ()  # while it trains: see ``at_work.NAME``
    seconds: float | None = None  # of training
    images_per_second: float | None = None
    worker: str = ""
    weights: str = ""
    cause: str = ""  # why one failed, in words
    started: datetime | None = None
    ended: datetime | None = None
    trial: int | None = None  # its number in the whole study, from 1; not in those of old

    @property
    def called(self) -> int:
        """The number that it is shown by: in studies of old, that of its slice and stage."""
        return self.number if self.trial is None else self.trial

    def cost(self, name: str) -> float | None:
        """A cost of its network, if it is known; ``seconds`` is that of the training."""
        found: float | None = getattr(self, name) if name in COSTS else (self.costs or {}).get(name)
        return found


R = TypeVar("R", bound=BriefRow)


class StoredTrial(NamedTuple):
    """A trial as a database has it: columns, the values of its objectives, and of the attributes
    that were asked for the names, and the texts in JSON of those that it has."""

    number: Any
    state: Any
    started: Any
    ended: Any
    values: tuple[Any, ...]
    names: Sequence[str]
    texts: Sequence[Any]


class DamagedTrial(ValueError):
    """What stands of a trial is not what archdsl writes."""


def row_of(trial: StoredTrial, stage: str, slice: str, kind: type[R]) -> R:
    """The record of a trial. Attributes that others have set are left out; raises ``DamagedTrial``
    for those of archdsl's own that are not of their kind."""
    if not is_whole(trial.number) or trial.number < 0:
        raise DamagedTrial(f"{where(trial, slice)} has a wrong number")
    if trial.state not in STATES:
        raise DamagedTrial(f"{where(trial, slice)} has an unknown state")
    known: dict[str, Any] = {}
    for name, text in zip(trial.names, trial.texts, strict=True):
        if text is not None:
            try:
                value = (_often if name in REPEATED else _decoded)(name, text)
            except (Wrong, TypeError) as problem:
                what = problem if isinstance(problem, Wrong) else KINDS[name][0]
                raise DamagedTrial(
                    f"{where(trial, slice)} has a `{name}` that is not {what}"
                ) from None
            if value is not None:
                known[name] = value
    state = STATES[trial.state]
    for value in trial.values:
        if not isinstance(value, (int, float)) or not isfinite(value):
            raise DamagedTrial(f"{where(trial, slice)} has a score that is not a finite number")
    if state == "done" and not trial.values:
        raise DamagedTrial(f"{where(trial, slice)} is done, but has no score")
    if state == "failed" and not known.get("failure"):
        known["failure"] = LOST
        if kind is Row:
            known["cause"] = "its worker was lost"
    for name, time in (("started", trial.started), ("ended", trial.ended)):
        if time is not None:
            known[name] = moment(time, where(trial, slice))
    return kind(trial.number, slice, stage, state, values=trial.values, **known)


def where(trial: StoredTrial, slice: str) -> str:
    return f"trial {trial.number!r} of {slice}"


def _decoded(name: str, text: str) -> Any:
    """The value of an attribute; nothing for JSON's null. Raises ``Wrong``."""
    if KINDS[name] is TEXT and (found := PLAIN(text)):
        return found[1]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Wrong(KINDS[name][0]) from None
    return None if value is None else read(KINDS[name], value)


PLAIN = re.compile(r'"([ !#-\[\]-~]*)"').fullmatch  # a text in JSON that is written as it is
REPEATED = ("seed", "shape", "depth", "width", "failure", "macs", "params")  # in many trials
_often = lru_cache(20_000)(_decoded)


def moment(value: Any, where: str) -> datetime:
    """A time of a database, which is in UTC, as one of this place."""
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
    except (ValueError, TypeError, OverflowError, OSError):
        raise DamagedTrial(f"{where} has a wrong time") from None
