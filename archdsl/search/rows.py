"""What is known of a trial, as a plain record: for verdicts, tables and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from optuna.trial import FrozenTrial, TrialState

EXPLORE, BASELINE, SETTLE = "explore", "baseline", "settle"  # the stages of a search

# How trials fail. The first three are the network's or the recipe's own fault.
DIVERGED, OUT_OF_MEMORY, ERROR = "diverged", "out of memory", "error"
LOST, INTERRUPTED, UNREACHABLE = "lost", "interrupted", "unreachable"
FAULTS = (DIVERGED, OUT_OF_MEMORY, ERROR)

# What is known of a candidate, and stays with it where it is trained again.
KEPT = (
    "shape", "setting", "knobs", "solved", "hash", "params", "macs", "activations", "depth", "width"
)  # fmt: skip

STATES = {
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One trial. Costs are of one image; ``accuracy`` is a share, on validation data."""

    number: int
    slice: str
    stage: str
    state: str
    turn: int | None = None  # its place in what was planned
    seed: int | None = None
    shape: str = ""
    setting: str = ""  # what was tuned: "lr = 0.1"
    solved: str = ""  # what the budget asked for: "width = 1.5"
    knobs: Mapping[str, str] | None = None  # all of them, as they are written
    hash: str = ""
    params: int | None = None
    macs: int | None = None
    activations: int | None = None
    latency: float | None = None  # seconds of an inference, where it was asked for
    depth: int | None = None
    width: float | None = None
    accuracy: float | None = None
    loss: float | None = None
    test: float | None = None
    curve: tuple[tuple[float, ...], ...] = ()  # epoch, accuracy, loss, training loss, lr
    seconds: float | None = None  # of training
    images_per_second: float | None = None
    worker: str = ""
    weights: str = ""
    failure: str = ""  # what became of one that failed: see below
    cause: str = ""  # and why, in words
    same_as: int | None = None  # the trial that trained this network already
    values: tuple[float, ...] = ()
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def is_result(self) -> bool:
        """Whether it trained a network of its own to the end."""
        return self.state == "done" and self.same_as is None


FIELDS = frozenset(Row.__dataclass_fields__) - {"number", "state", "values", "started", "ended"}


def row_of(trial: FrozenTrial) -> Row:
    """The record of one of Optuna's trials; attributes that others have set are left out."""
    known: dict[str, Any] = {k: v for k, v in trial.user_attrs.items() if k in FIELDS}
    if "curve" in known:
        known["curve"] = tuple(tuple(point) for point in known["curve"])
    if trial.state is TrialState.FAIL and not known.get("failure"):
        known |= {"failure": LOST, "cause": "its worker was lost"}
    known.setdefault("slice", "")
    known.setdefault("stage", EXPLORE)
    values = tuple(trial.values) if trial.values is not None else ()
    return Row(
        trial.number,
        state=STATES[trial.state],
        values=values,
        started=trial.datetime_start,
        ended=trial.datetime_complete,
        **known,
    )
