"""A training that runs: how far it is, as its worker says now and then, and that in words.

Nothing here imports Optuna or PyTorch.
"""

from __future__ import annotations

import time
from datetime import datetime
from math import isfinite
from typing import Any

from archdsl.search.outcome import name_of
from archdsl.search.request import LEARNED, Search
from archdsl.search.rows import Row
from archdsl.units import SHARES, duration

EVERY = 1.0  # seconds between two notes of a worker: each is a transaction
NAME = "reached"  # the attribute of a trial: epochs, score, seconds, and the loss if it is known


class Note:
    """Notes in a trial how far its training is, if the last note is not too new."""

    def __init__(self, trial: Any) -> None:
        self.trial = trial
        self.started = self.last = time.monotonic()

    def __call__(self, epochs: int, score: float, loss: float | None = None) -> None:
        now = time.monotonic()
        found = [float(score), now - self.started, *(() if loss is None else (float(loss),))]
        if now - self.last >= EVERY and all(map(isfinite, found)):
            self.trial.set_user_attr(NAME, [epochs, *(round(n, 5) for n in found)])
            self.last = now


def epochs_of(search: Search, stage: str) -> int | None:
    """How many epochs the trainings of a stage have; nothing where only the user's own training
    knows that."""
    if short := search.short_in(stage):
        return short
    known = search.own is None or "epochs" in search.own.settings
    return search.recipe.epochs if known else None


def said(row: Row, objective: str, epochs: int | None, now: datetime) -> list[str]:
    """How far a trial that runs is, what comes first being the most wanted."""
    ran = 0.0 if row.started is None else max((now - row.started).total_seconds(), 0.0)
    if not row.reached:
        return [f"epoch 1/{epochs}" if epochs else "begun", f"for {duration(ran)}"]
    done, score, seconds, *loss = row.reached
    at = f"epoch {min(int(done) + 1, epochs)}/{epochs}" if epochs else f"step {done:g}"
    follows = objective in LEARNED and loss and score != loss[0]  # of archdsl's own trainings
    name = "accuracy" if follows else objective
    share = name in SHARES
    words = [at, f"{name} {100 * score:.2f} %" if share else f"{name} {score:.4g}"]
    if epochs and done > 0:
        left = seconds * (epochs - done) / done - (ran - seconds)
        words.append(f"{duration(max(left, 0.0))} left")
    else:
        words.append(f"for {duration(ran)}")
    return words + [f"loss {value:.4g}" for value in loss if name != "loss"]


def called(row: Row) -> list[str]:
    """What a trial that runs is called."""
    return [name_of(row), row.slice, row.setting, f"seed {row.seed}"]
