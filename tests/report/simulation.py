"""Studies that are searched in earnest but trained by a formula: everything is written down by
the worker itself, and nothing is learnt."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import diagnose
from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.search.opened import OpenStudy
from archdsl.search.plan import arms_to_settle, mean_width, queue_exploration, queue_settling
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.rows import EXPLORE, SETTLE
from archdsl.search.start import begin
from archdsl.search.worker import Worker
from archdsl.training.examples import Examined
from archdsl.training.outcome import DIVERGED, Epoch, Failure, Outcome, diverged
from archdsl.training.tasks import CLASSIFICATION

Score = Callable[[Any, float], float]  # of an architecture and its learning rate

COMMAND = "archdsl search wide_or_deep --workers 2"


def wide_or_deep(arch: Any, lr: float) -> float:
    """A hill over the aspect; the aspect of its top falls with the root of the budget."""
    budget = math.log2(arch.macs / 1e6)
    width: float = mean_width(SimpleNamespace(arch=arch))  # type: ignore[arg-type]
    off = math.log(arch.depth / width / 0.75) + 0.5 * math.log(2) * budget
    return 0.86 + 0.012 * budget - 0.03 * off**2 - 0.003 * math.log(lr / 0.1) ** 2


def by_pattern(arch: Any, lr: float) -> float:
    better = {'"residual"': 0.02, '"dense"': 0.015, '"fractal"': 0.0, '"inception"': -0.01}
    return 0.88 + better[arch.shown_knobs["pattern"]] - 0.003 * math.log(lr / 0.1) ** 2


def by_cost(arch: Any, lr: float) -> float:
    return 0.8 + 0.02 * math.log2(arch.macs / 1e6) - 0.01 * (math.log(arch.depth / 20)) ** 2


def noise(*parts: Any) -> float:
    """A normal number that its parts decide."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    first, second = (int.from_bytes(digest[i : i + 8], "big") / 2**64 for i in (0, 8))
    return math.sqrt(-2 * math.log(first or 0.5)) * math.cos(2 * math.pi * second)


@dataclass
class Formula:
    """Stands for the training: the score of a network by a formula, reached epoch by epoch."""

    score: Score
    sd: float = 0.004
    fails: Callable[[Any, float, int], BaseException | None] = lambda arch, lr, seed: None

    def __call__(
        self,
        arch: Any,
        splits: Any,
        recipe: Any,
        seed: int,
        device: Any,
        on_epoch: Any,
        on_step: Any,
    ) -> tuple[torch.nn.Module, Outcome]:
        problem = self.fails(arch, recipe.lr, seed)
        if problem is not None:
            raise problem
        top = min(self.score(arch, recipe.lr) + self.sd * noise(arch.hash, recipe.lr, seed), 0.999)
        epochs = []
        for number in range(1, recipe.epochs + 1):
            wobble = 0.01 * noise(arch.hash, seed, number) * (1 - number / recipe.epochs)
            reached = top * (1 - 0.6 * math.exp(-5 * number / recipe.epochs)) + wobble
            reached = top if number == recipe.epochs else reached
            epoch = Epoch(number, 2 * (1 - reached), reached, 2.1 * (1 - reached), recipe.lr, 1.0)
            epochs.append(epoch)
            on_epoch(epoch)
        seconds = arch.activations / 1e4 + arch.depth / 4
        last = epochs[-1]
        outcome = Outcome(last.accuracy, last.loss, tuple(epochs), seconds, 60_000 / seconds, None)
        return torch.nn.Linear(1, 1), outcome


def too_hot(arch: Any, lr: float, seed: int) -> BaseException | None:
    """Diverges where the learning rate is high, and has no memory for the widest."""
    if lr > 0.3:
        return diverged(3, SimpleNamespace(lr=lr))  # type: ignore[arg-type]
    return None


def always(arch: Any, lr: float, seed: int) -> BaseException | None:
    return Failure(DIVERGED, diagnose(codes.DIVERGED, epoch=1, lr=f"{lr:g}"))


def start(folder: Path, text: str, command: str = COMMAND, seed: int = 0) -> OpenStudy:
    """A study that has been begun, with its turns queued."""
    search = read_search(Source("made.search", text), folder)
    where = folder / f"{search.name}.study"
    study = begin(search, where, folder, seed, None, (), command, REGISTRY)
    queue_exploration(study, survey(study.space))
    study.stage = EXPLORE
    return study


def work(study: OpenStudy, formula: Formula, trials: int | None = None) -> int:
    """Has so many queued trials trained (all of them, if not told); how many were left to do."""
    splits = SimpleNamespace(
        test=range(100), digest="", image=(1, 8, 8), classes=10, names=(),
        mean=torch.zeros(1), std=torch.ones(1), which="",
        task=CLASSIFICATION, values="uint8",
    )  # fmt: skip
    worker = Worker(study, torch.device("cpu"), name="machine:1", trainer=formula)
    worker.splits = splits
    right = torch.ones(100, dtype=torch.float64)
    right[:10] = 0
    said = Examined(right, torch.full((100,), 0.3))
    tests = lambda module, *rest: said  # noqa: E731
    done = 0
    latency = lambda self, module, arch: arch.activations / 1e6  # noqa: E731
    with (
        mock.patch("archdsl.search.worker.examine", tests),
        mock.patch.object(Worker, "latency", latency),
    ):
        while trials is None or done < trials:
            part = worker.next_part()
            if part is None:
                break
            worker.work(part)
            done += 1
    return done


def settle(study: OpenStudy, formula: Formula, trials: int | None = None) -> None:
    queue_settling(study, arms_to_settle(study))
    study.stage = SETTLE
    work(study, formula, trials)
    if trials is None:
        study.stage = "done"


def whole(folder: Path, text: str, formula: Formula, seed: int = 0) -> OpenStudy:
    """A study that was searched to its end."""
    study = start(folder, text, seed=seed)
    work(study, formula)
    if study.search.settle_seeds:
        settle(study, formula)
    study.stage = "done"
    return study
