"""A search whose data is no set of single classes: its metric is its score, its verdict and its
test."""

from pathlib import Path

import numpy as np
import pytest
from searches import TINY
from torch import device

from archdsl import ArchError, parse
from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.search.outcome import results, shown, verdict
from archdsl.search.plan import arms_to_settle, queue_exploration, queue_settling
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.request import Objective, SearchRequest
from archdsl.search.rows import SETTLE
from archdsl.search.start import begin
from archdsl.search.worker import Worker
from archdsl.verdict import words

VALUES = 'arrays("set.npz", task = regression)'
ASKED = "vary depth in {1, 2}\nseeds 1 then 2\ntrials 2\ntrain epochs = 1, batch = 16, lr = 0.01\n"


def search_of(data: str, asked: str = "") -> SearchRequest:
    text = f'search x\nspec "a.arch"\ndata {data}\n{ASKED}{asked}'
    return read_search(Source("x.search", text), Path(), spec=parse(TINY, "a.arch"))


@pytest.mark.parametrize(
    ("data", "asked", "wanted"),
    [
        ("digits", "", Objective("accuracy", False)),
        (VALUES, "", Objective("mae", True)),
        (VALUES, "maximize r2", Objective("r2", False)),
        (VALUES, "minimize loss", Objective("loss", True)),
        ('arrays("x.npz", task = multilabel)', "", Objective("map", False)),
        ("digits", "maximize f1", Objective("f1", False)),
    ],
)
def test_what_is_asked_for(data: str, asked: str, wanted: Objective) -> None:
    search = search_of(data, asked)
    assert search.objectives == (wanted,)
    own = [] if wanted.name in ("accuracy", "loss") else [wanted.name]
    assert own[:1] == [m.name for m in search.recipe.metrics] or not asked


@pytest.mark.parametrize(
    ("data", "asked", "said"),
    [
        (VALUES, "maximize accuracy", "with data for regression it can maximize r2"),
        (VALUES, "minimize error", "it can minimize loss, mae, rmse"),
        ("digits", "maximize iou", "with data for classification it can maximize accuracy, top5"),
        ("digits", "minimize f1", "a search cannot minimize `f1`"),
        ("digits", "minimize f1", "`f1` is maximized: `maximize f1`"),
        (VALUES, "maximize mae", "`mae` is minimized: `minimize mae`"),
        (VALUES, "target 1 points", "a positive number of mae: `target 0.05 mae`"),
    ],
)
def test_what_is_for_another_task(data: str, asked: str, said: str) -> None:
    with pytest.raises(ArchError) as caught:
        search_of(data, asked)
    assert said in str(caught.value)


def test_a_search_of_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.arch").write_text(TINY)
    pixels = np.random.default_rng(0).integers(0, 256, (80, 1, 8, 8), np.uint8)
    np.savez("set.npz", images=pixels, labels=pixels.mean((1, 2, 3)) / 255)
    search = search_of(VALUES)
    where = tmp_path / "x.study"
    study = begin(search, where, tmp_path, 0, None, (), "archdsl search x.search", REGISTRY)
    queue_exploration(study, survey(study.space))
    worker = Worker(study, device("cpu"))
    worker.run(0)
    study.stage = SETTLE
    queue_settling(study, arms_to_settle(study))
    worker.run(0)
    found = results(study)
    settled = [r for r in found if r.settled]
    assert len(found) == 6 and len(settled) == 4
    assert all(r.score is not None and r.test is not None and r.score > 0 for r in settled)
    assert all(r.examples is not None and r.score == r.examples.mean() for r in settled)
    row = study.rows()[0]
    assert row.accuracy is None and row.state == "done"
    assert row.curve[0][1] == pytest.approx(row.values[0], abs=1e-6)
    said = verdict(study)
    assert said.question.measure == "mae" and not said.question.maximize
    contrast = said.slices[0].contrast
    assert contrast is not None and contrast.examples == 16 and said.question.both
    assert "of mae" in words(said) and " %" not in words(said)
    assert shown("iou", 0.5) == "50.00 %" and shown("mae", 0.5) == "0.5000"
