"""Settings are ranked by whole short trainings, and shapes by whole long ones: `explore epochs`."""

from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest
from fake_training import CPU, begun, trainer
from searches import TINY, search_of

from archdsl import ArchError, parse
from archdsl.cli.main import main
from archdsl.diagnostics.source import Source
from archdsl.search.curved import numbers_of
from archdsl.search.opened import OpenStudy
from archdsl.search.outcome import best, results, tuning, verdict
from archdsl.search.plan import arms_to_settle, queue_exploration, queue_settling, queue_tuned
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.rows import EXPLORE, SETTLE, TUNE
from archdsl.search.snapshot import read_study
from archdsl.search.tuned import shortened
from archdsl.search.worker import Worker
from archdsl.spec import Architecture
from archdsl.training.recipe import Recipe, Steps

ASKED = """
vary depth in {1, 2, 3}
hold macs = 40K within 20% by width
train epochs = 10, schedule = one_cycle
tune lr in 0.01..1 log
explore epochs = 3
seeds 2 then 3
trials 15
"""


def misled(arch: Architecture, recipe: Recipe, seed: int) -> float:
    """A rate of 0.1 is best at every length; the deep are worse in short trainings, and better in
    long ones."""
    off = abs(recipe.lr - 0.1) * 0.2
    return round(0.8 - off + arch.depth / 100 * (1 if recipe.epochs == 10 else -2), 6)


def searched(folder: Path) -> tuple[OpenStudy, list[int]]:
    """A study that is at its end, and the epochs of its trainings."""
    epochs: list[int] = []

    def noted(arch: Architecture, recipe: Recipe, seed: int) -> float:
        epochs.append(recipe.epochs)
        return misled(arch, recipe, seed)

    with patch("os.fsync"):
        study = begun(folder, ASKED)
        worker = Worker(study, CPU, trainer=trainer(noted))
        assert queue_exploration(study, survey(study.space), TUNE) == 15
        worker.run(0)
        assert queue_tuned(study) == 6
        study.stage = EXPLORE
        worker.run(0)
        assert queue_tuned(study) == 6, "which are queued already"
        study.stage = SETTLE
        queue_settling(study, arms_to_settle(study))
        worker.run(0)
    return study, epochs


def test_short_trainings_give_the_rate_and_long_ones_the_shape(tmp_path: Path) -> None:
    study, epochs = searched(tmp_path)
    assert study.stages == (TUNE, EXPLORE, SETTLE)
    assert epochs == [3] * 15 + [10] * 6 + [10] * 6
    rows = study.rows()
    tried = [row for row in rows if row.stage == TUNE]
    shapes = ("depth = 1", "depth = 2", "depth = 3")
    assert [sum(r.shape == s for r in tried) for s in shapes] == [5, 5, 5]
    assert len({row.setting for row in tried}) == 15
    explored = [row for row in rows if row.stage == EXPLORE]
    assert {(r.shape, r.seed) for r in explored} == {(s, k) for s in shapes for k in (1, 2)}
    assert all(0.04 < numbers_of(row.setting)["lr"] < 0.25 for row in explored)
    settled = [row for row in rows if row.stage == SETTLE]
    assert {row.shape for row in settled} == {"depth = 2", "depth = 3"}
    assert {(r.shape, r.setting) for r in settled} < {(r.shape, r.setting) for r in explored}
    found = results(study)
    assert len(found) == 12 and all(result.tuned == () for result in found)
    assert best(study).shape == "depth = 3", "which the short trainings put last"
    contrast = verdict(study).slices[0].contrast
    assert contrast is not None and contrast.tuning is not None, "as the short trainings leave it"
    assert 0 < contrast.tuning < 0.1
    assert not any(row.weights for row in study.rows() if row.stage == TUNE)


def test_short_trainings_choose_the_shapes_where_no_others_explore(tmp_path: Path) -> None:
    epochs: list[int] = []

    def noted(arch: Architecture, recipe: Recipe, seed: int) -> float:
        epochs.append(recipe.epochs)
        return misled(arch, recipe, seed)

    with patch("os.fsync"):
        study = begun(tmp_path, ASKED.replace("seeds 2", "seeds 0"))
        assert study.stages == (EXPLORE, SETTLE)
        worker = Worker(study, CPU, trainer=trainer(noted))
        assert queue_exploration(study, survey(study.space), study.stages[0]) == 15
        worker.run(0)
        study.stage = SETTLE
        queue_settling(study, arms_to_settle(study))
        worker.run(0)
    assert epochs == [3] * 15 + [10] * 6
    settled = {row.shape for row in study.rows() if row.stage == SETTLE}
    assert "depth = 1" in settled, "which the short trainings put first"
    assert [len(r.tuned) for r in results(study)] == [1] * 21
    assert tuning(study, study.rows()) == results(study)[:15], "which are shorter than fresh ones"
    contrast = verdict(study).slices[0].contrast
    assert contrast is not None and contrast.tuning is not None


def test_a_shortened_recipe_ends_its_schedule() -> None:
    recipe = Recipe(epochs=10, warmup=2, schedule=Steps(at=(4, 8)))
    assert shortened(recipe, 5) == replace(recipe, epochs=5, warmup=1, schedule=Steps(at=(2, 4)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train epochs = 5\ntune lr in 0.1..1\nexplore epochs = 5", "below the 5 epochs"),
        ("tune lr in 0.1..1\nexplore epochs = 0", "a whole number from 1 on"),
        ("tune lr in 0.1..1\nexplore seeds = 2", "no setting of `explore` called `seeds`"),
        ("explore epochs = 3", "nothing is tuned"),
        ("seeds 0 then 3", "a positive whole number"),
        ("tune lr in 0.1..1\nexplore epochs = 3\nsampler random", "sampler random does not"),
        ("tune lr in 0.1..1\nexplore epochs = 3\nprune median", "leave out `prune`"),
        ("tune lr in 0.1..1\nexplore epochs = 3\nminimize macs, loss", "several objectives"),
    ],
)
def test_mistakes(text: str, expected: str) -> None:
    with pytest.raises(ArchError) as caught:
        search_of(f"vary depth\n{text}\n")
    assert expected in caught.value.diagnostics[0].message


def test_own_training_cannot_be_made_shorter() -> None:
    text = """search x
spec a
vary depth
train with "t.py", epochs = 20
tune lr in 0.1..1
explore epochs = 3
"""
    with pytest.raises(ArchError) as caught:
        read_search(Source("x.search", text), Path(), spec=parse(TINY, "a.arch"))
    assert "only archdsl's own training" in caught.value.diagnostics[0].message


def test_too_many_shapes_for_the_trials(tmp_path: Path) -> None:
    with pytest.raises(ArchError) as caught:
        begun(tmp_path, ASKED.replace("trials 15", "trials 5"))
    assert "has 3 shapes for 5 trials" in caught.value.diagnostics[0].message


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert ended.value.code == 0


@pytest.mark.slow
@pytest.mark.quiet
def test_a_whole_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The stages follow each other, and what is done is not done again."""
    (tmp_path / "a.arch").write_text(TINY)
    asked = """search x
spec "a.arch"
vary depth in {1, 2}
hold macs = 20K within 20% by width
data digits
train epochs = 3, batch = 512
tune lr in 0.1..0.5 log
explore epochs = 1
seeds 1 then 2
trials 4
"""
    (tmp_path / "x.search").write_text(asked)
    with chdir(tmp_path):
        run("search", "x.search", "--device", "cpu")
        said = capsys.readouterr().out
        assert "At 20K multiply-adds" in said
        run("search", "x.search", "--resume", "--json", "--device", "cpu")
        assert '"event": "trial"' not in capsys.readouterr().out
        run("report", "x.study")
    with read_study(str(tmp_path / "x.study")) as study:
        stages = [(row.stage, len(row.curve)) for row in study.rows()]
    assert stages == [(TUNE, 1)] * 4 + [(EXPLORE, 3)] * 2 + [(SETTLE, 3)] * 4
