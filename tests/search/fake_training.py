"""Studies whose networks are not trained: how good one is, is a formula."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from optuna.trial import FrozenTrial
from searches import START, TINY
from torch import nn

from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.search.opened import OpenStudy
from archdsl.search.plan import queue_exploration
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.start import begin
from archdsl.search.worker import Worker
from archdsl.spec import Architecture
from archdsl.training.outcome import Epoch, Outcome
from archdsl.training.recipe import Recipe

Formula = Callable[[Architecture, Recipe, int], float]  # a network, a recipe, a seed -> accuracy
CPU = torch.device("cpu")


def lr_of_a_tenth(arch: Architecture, recipe: Recipe, seed: int) -> float:
    """The nearer the rate to 0.1, the better; a little better where deeper."""
    return round(0.9 - abs(recipe.lr - 0.1) + arch.depth / 100, 6)


def trainer(formula: Formula, trained: list[str] | None = None) -> Any:
    """Trains as ``train_candidate``, all epochs alike; ``trained`` takes the hashes of what is."""

    def train(
        arch: Architecture,
        splits: Any,
        recipe: Recipe,
        seed: int,
        device: Any,
        *,
        on_epoch: Any,
        on_step: Any,
    ) -> tuple[nn.Module, Outcome]:
        if trained is not None:
            trained.append(arch.hash)
        accuracy = formula(arch, recipe, seed)
        epochs = tuple(
            Epoch(e, 1 - accuracy, accuracy, 0.5, recipe.lr, 0.1)
            for e in range(1, recipe.epochs + 1)
        )
        for epoch in epochs:
            on_epoch(epoch)
        module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10, bias=False))
        nn.init.zeros_(module[1].weight)  # type: ignore[arg-type]
        return module, Outcome(accuracy, 1 - accuracy, epochs, 0.5, 100.0, None)

    return train


def begun(folder: Path, asked: str, spec: str = TINY, seed: int = 0) -> OpenStudy:
    """A new study of a search; ``asked`` are the statements behind ``spec`` and ``data``."""
    folder.mkdir(exist_ok=True)
    (folder / "a.arch").write_text(spec)
    text = START.replace("spec a", 'spec "a.arch"') + asked
    search = read_search(Source("x.search", text), folder)
    where = folder / "x.study"
    return begin(search, where, folder, seed, None, (), "archdsl search x.search", REGISTRY)


def explored(
    folder: Path, asked: str, spec: str = TINY, seed: int = 0, formula: Formula = lr_of_a_tenth
) -> OpenStudy:
    """A study whose exploration is over."""
    with patch("os.fsync"):  # the disk would take longer than all the rest
        study = begun(folder, asked, spec, seed)
        queue_exploration(study, survey(study.space))
        Worker(study, CPU, trainer=trainer(formula)).run(0)
    return study


def trials(study: OpenStudy, slice: str = "all") -> list[FrozenTrial]:
    return study.parts["explore", slice].get_trials(deepcopy=False)
