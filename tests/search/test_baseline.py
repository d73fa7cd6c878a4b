"""A baseline: random draws for as many epochs as exploration took, put beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from archdsl.diagnostics.model import ArchError
from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.search.opened import OpenStudy
from archdsl.search.outcome import beside, results
from archdsl.search.plan import queue_baseline, queue_exploration
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.rows import BASELINE, EXPLORE
from archdsl.search.start import begin
from archdsl.search.worker import Worker
from archdsl.training.outcome import Epoch, Outcome

pytestmark = pytest.mark.quiet

SPEC = """
arch tiny(depth = 2 in 1..8, width = 8 in 1..64, classes = 10)
input 1x8x8
body: repeat depth { conv(width, 3) -> bn -> relu }
head: global_avgpool -> linear(classes)
"""
SEARCH = """
search tiny
spec "tiny.arch"
vary depth in {1, 2, 3}
hold macs = 40K within 20% by width
data digits
train epochs = 4
tune lr in 0.01..1 log
baseline random
trials 9
prune median(warmup = 2, startup = 1)
"""


def trainer(
    arch: Any, splits: Any, recipe: Any, seed: int, device: Any, *, on_epoch: Any, on_step: Any
) -> Any:
    """A rate of 0.1 is best, and every epoch is as good as the last."""
    accuracy = round(0.9 - abs(recipe.lr - 0.1), 6)
    epochs = [Epoch(e, 1 - accuracy, accuracy, 0.5, recipe.lr, 0.1) for e in range(1, 5)]
    for epoch in epochs:
        on_epoch(epoch)
    return nn.Linear(1, 1), Outcome(accuracy, 1 - accuracy, tuple(epochs), 0.4, 100.0, None)


@pytest.fixture
def study(tmp_path: Path) -> OpenStudy:
    (tmp_path / "tiny.arch").write_text(SPEC)
    search = read_search(Source("tiny.search", SEARCH), tmp_path)
    made = begin(search, tmp_path / "s.study", tmp_path, 0, None, (), "archdsl search", REGISTRY)
    queue_exploration(made, survey(made.space))
    Worker(made, torch.device("cpu"), trainer=trainer).run(0)
    return made


def test_the_baseline_has_as_many_epochs_as_the_exploration(study: OpenStudy) -> None:
    explored = study.rows(EXPLORE)
    epochs = sum(len(r.curve) for r in explored)
    pruned = sum(r.state == "pruned" for r in explored)
    assert pruned >= 1, "so that there are fewer epochs than those of nine whole trainings"
    assert queue_baseline(study) == round(epochs / 4) < 9
    assert queue_baseline(study) == round(epochs / 4), "planning again queues nothing"
    study.stage = BASELINE
    Worker(study, torch.device("cpu"), trainer=trainer).run(0)
    drawn = study.rows(BASELINE)
    assert len(drawn) == round(epochs / 4)
    assert all(r.state == "done" and len(r.curve) == 4 for r in drawn), "nothing is pruned"
    assert {r.setting for r in drawn}.isdisjoint(r.setting for r in explored)


def test_the_best_of_both_are_put_side_by_side(study: OpenStudy) -> None:
    queue_baseline(study)
    study.stage = BASELINE
    Worker(study, torch.device("cpu"), trainer=trainer).run(0)
    rows = study.rows()
    (pair,) = beside(study, rows)
    assert pair.explored.values[0] == max(r.values[0] for r in study.rows(EXPLORE) if r.values)
    assert pair.baseline.values[0] == max(r.values[0] for r in study.rows(BASELINE))
    assert pair.better == (pair.explored.values[0] > pair.baseline.values[0])
    text = pair.words("accuracy")
    than = "better than" if pair.better else "no better than"
    assert text.startswith(f"At 40K multiply-adds, the best that was explored is {than} the best")
    assert f"{100 * pair.explored.values[0]:.2f} % against" in text
    explored = {r.setting for r in study.rows(EXPLORE) if r.is_result}
    assert {r.setting for r in results(study, rows)} == explored, "no part of a verdict"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("sampler random", "has nothing to sample"),
        ("maximize accuracy\nminimize macs", "has no best trial"),
    ],
)
def test_where_a_baseline_says_nothing(tmp_path: Path, line: str, text: str) -> None:
    (tmp_path / "tiny.arch").write_text(SPEC)
    whole = SEARCH + line
    if "minimize" in line:
        whole = whole.replace("hold macs = 40K within 20% by width\n", "").replace("prune", "# ")
    with pytest.raises(ArchError, match=text):
        read_search(Source("tiny.search", whole), tmp_path)
