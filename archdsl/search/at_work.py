"""A training that runs: how far it is, as its worker says now and then, and that in words.

Nothing here imports Optuna or PyTorch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

from archdsl.search.outcome import name_of
from archdsl.search.request import LEARNED, SearchRequest
from archdsl.search.rows import Row
from archdsl.training.tasks import TASKS
from archdsl.units import SHARES, duration

if TYPE_CHECKING:
    from archdsl.training.outcome import TrainingStep

EVERY = 1.0  # seconds between two notes of a worker: each is a transaction
# The attribute of a trial: the epochs that are done, the score of the last whole one, seconds,
# and the newest loss: within an epoch that of training, else that of validation.
NAME = "reached"


class Note:
    """Notes in a trial how far its training is, if the last note is not too new."""

    def __init__(self, trial: Any) -> None:
        self.trial = trial
        self.score: float | None = None  # of the last epoch that is done
        self.started = self.last = time.monotonic()

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self.last >= EVERY

    def epoch(self, epochs: int, score: float, loss: float | None = None) -> None:
        """So many epochs are done."""
        self.score = float(score)
        if self.is_due:
            self.write(epochs, loss)

    def step(self, step: TrainingStep) -> None:
        """A step is done."""
        if self.is_due:
            self.write(round(step.epochs, 4), step.loss)

    def write(self, epochs: float, loss: float | None) -> None:
        now = time.monotonic()
        found = [self.score, now - self.started, *(() if loss is None else (float(loss),))]
        if all(n is None or isfinite(n) for n in found):
            rounded = [n if n is None else round(n, 5) for n in found]
            self.trial.set_user_attr(NAME, [epochs, *rounded])
            self.last = now


def seldom(say: Callable[[TrainingStep], None]) -> Callable[[TrainingStep], None]:
    """Hears of every step, and says one now and then."""
    last = time.monotonic()

    def on_step(step: TrainingStep) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            say(step)
            last = time.monotonic()

    return on_step


def epochs_of(search: SearchRequest, stage: str) -> int | None:
    """How many epochs the trainings of a stage have; nothing where only the user's own training
    knows that."""
    if short := search.short_in(stage):
        return short
    known = search.own is None or "epochs" in search.own.settings
    return search.recipe.epochs if known else None


def score_of(search: SearchRequest) -> str:
    """What the score of a trial that runs is called: see ``score_along``."""
    name = search.objectives[0].name
    if search.own is not None or name not in LEARNED:
        return name
    return "accuracy" if TASKS[search.data.task].exact else "loss"


def said(row: Row, name: str, epochs: int | None, now: datetime) -> list[str]:
    """How far a trial that runs is, what comes first being the most wanted: ``name`` is that of
    its score."""
    ran = 0.0 if row.started is None else max((now - row.started).total_seconds(), 0.0)
    if not row.reached:
        return [f"epoch 0/{epochs}" if epochs else "begun", f"for {duration(ran)}"]
    done, score, seconds, *loss = row.reached
    assert done is not None and seconds is not None
    count = f"{done:.2f}" if done % 1 else f"{done:g}"
    words = [f"epoch {count}/{epochs}" if epochs else f"step {count}"]
    if score is not None:
        words.append(f"{name} {100 * score:.2f} %" if name in SHARES else f"{name} {score:.4g}")
    if epochs and done > 0:
        left = seconds * (epochs - done) / done - (ran - seconds)
        words.append(f"{duration(max(left, 0.0))} left")
    else:
        words.append(f"for {duration(ran)}")
    newest = "train loss" if done % 1 else "loss"
    return words + [f"{newest} {v:.4g}" for v in loss if v is not None and newest != name]


def called(row: Row) -> list[str]:
    """What a trial that runs is called."""
    return [name_of(row), row.slice, row.setting, f"seed {row.seed}"]
