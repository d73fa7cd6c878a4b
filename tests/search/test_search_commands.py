"""What the commands print of a study, and what they leave: golden files for reading, of a study
whose scores are a formula; and one that is really trained, from its search to its weights at work.

``ARCHDSL_GOLDEN=write pytest tests/search`` writes the golden files anew.
"""

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from fake_training import CPU, begun, explored, trainer
from searches import TINY

from archdsl import Architecture, read
from archdsl.cli.live import JsonLines, LinesView, SearchView, view_of
from archdsl.cli.main import main
from archdsl.registry import REGISTRY
from archdsl.search.leader import SearchProgress
from archdsl.search.opened import OpenStudy, find_study
from archdsl.search.outcome import best
from archdsl.search.plan import (
    PlannedTrial,
    arms_to_settle,
    decided,
    enqueue,
    queue_exploration,
    queue_settling,
)
from archdsl.search.reach import survey
from archdsl.search.rows import EXPLORE, SETTLE, Row
from archdsl.search.worker import Worker
from archdsl.training.data import load
from archdsl.training.loop import evaluate
from archdsl.training.recipe import Recipe

pytestmark = pytest.mark.quiet

GOLDEN = Path(__file__).with_name("golden")
Run = Callable[..., tuple[int, str, str]]


def golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("ARCHDSL_GOLDEN") == "write":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``archdsl``: its exit code, and what it printed."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        assert isinstance(ended.value.code, int)
        return ended.value.code, *capsys.readouterr()

    return call


ASKED = """vary depth in {1, 2, 4, 8}
hold params = {4K, 16K} within 8% by width
train epochs = 2
tune lr in {0.05, 0.1, 0.2}
sampler grid
seeds 2 then 6
trials 36
"""


def score(arch: Architecture, recipe: Recipe, seed: int) -> float:
    """Deeper is better with few parameters, and not with many."""
    noise = random.Random(f"{arch.hash}/{seed}").gauss(0, 0.01)
    gain = 0.03 * arch.depth if arch.params < 8000 else 0.1
    return round(0.6 + gain - abs(recipe.lr - 0.1) / 10 + noise, 4)


def to_the_end(folder: Path, asked: str = ASKED) -> OpenStudy:
    with patch("os.fsync"):
        study = begun(folder, asked)
        queue_exploration(study, survey(study.space))
        work(study)
        if study.search.settle_seeds:
            queue_settling(study, arms_to_settle(study))
            study.stage = "settle"
            work(study)
        study.stage = "done"
    return study


def work(study: OpenStudy) -> None:
    Worker(study, CPU, trainer=trainer(score)).run(0)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> OpenStudy:
    """A study that is done, its scores a formula."""
    return to_the_end(tmp_path_factory.mktemp("told"))


@pytest.fixture
def at(told: OpenStudy, monkeypatch: pytest.MonkeyPatch) -> OpenStudy:
    monkeypatch.chdir(told.folder.parent)
    return told


# ------------------------------------------------------------------------ what is printed


def test_verdict(at: OpenStudy, run: Run) -> None:
    for name in ("x", "x.study"):
        code, out, err = run("verdict", name)
        assert (code, err) == (0, "")
        golden("verdict", f"$ archdsl verdict x\n{out}")


def test_verdict_as_json(at: OpenStudy, run: Run) -> None:
    code, out, _ = run("verdict", "x", "--json")
    found = json.loads(out)
    assert code == 0 and set(found) == {"study", "verdict", "fair", "best"}
    assert [round(part["surplus"], 3) for part in found["fair"]] == [0.039, 0.041]
    slices = found["verdict"]["slices"]
    assert [s["slice"] for s in slices] == ["4K params", "16K params"]
    assert slices[0]["word"] == "deeper"
    assert found["best"]["slice"] == "16K params" and found["best"]["stage"] == "settle"


def test_verdict_of_several_objectives(tmp_path: Path, run: Run) -> None:
    asked = "vary depth in {1, 2, 4}, width in {4, 8}\nmaximize accuracy\nminimize macs\ntrials 6\n"
    study = explored(tmp_path, asked + "train epochs = 1\n", formula=score)
    code, out, _ = run("verdict", str(study.folder))
    assert code == 0
    golden("front", out.replace(str(tmp_path), "."))
    found = json.loads(run("verdict", str(study.folder), "--json")[1])
    values = [row["values"] for row in found["front"]]
    assert values == sorted(values, reverse=True) and len(values) >= 3


def test_best(at: OpenStudy, run: Run, tmp_path: Path) -> None:
    output = tmp_path / "best.arch"
    code, out, err = run("best", "x", "-o", str(output))
    assert (code, err) == (0, "")
    golden("best", f"$ archdsl best x\n{out.replace(str(tmp_path) + '/', '')}")
    assert run("best", "x", "-o", str(output))[0] == 0, "its own is replaced"
    edited = output.read_text() + "# by hand\n"
    output.write_text(edited)
    code, _, err = run("best", "x", "-o", str(output))
    assert code == 1 and "did not write it" in err and output.read_text() == edited
    assert run("best", "x", "-o", str(output), "--force")[0] == 0
    row = best(at)
    arch = read(str(output)).with_knobs()
    assert arch.hash == row.hash and arch.shown_knobs == row.knobs
    small = tmp_path / "small.arch"
    assert run("best", "x", "--slice", "4K params", "-o", str(small))[0] == 0
    assert read(str(small)).with_knobs().hash == best(at, "4K params").hash != row.hash


def test_lines_of_trials(at: OpenStudy, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [r for r in at.rows(EXPLORE) if r.slice == "4K params"][:3]
    other = Row(
        3,
        "4K params",
        EXPLORE,
        "failed",
        3,
        1,
        "depth = 8",
        "lr = 0.9",
        "width = 8",
        failure="diverged",
        cause="the loss is not finite in epoch 2",
        ended=rows[0].ended,
    )
    same = Row(
        4,
        "4K params",
        EXPLORE,
        "done",
        4,
        1,
        "depth = 8",
        "lr = 0.1",
        "width = 8",
        accuracy=0.5,
        same_as=2,
        ended=rows[0].ended,
    )
    pruned = Row(5, "4K params", EXPLORE, "pruned", 5, 1, "depth = 8", "lr = 0.2", "width = 8",
                 curve=((1, 0.25, 1, 1, 1),), ended=rows[0].ended)  # fmt: skip
    progress = SearchProgress(
        EXPLORE,
        sorted([*rows, other, same, pruned], key=lambda row: str(row.ended)),
        1,
        5,
        12,
        None,
        0.0,
        None,
        trials=24,
    )
    view = view_of(False, False, 1)
    assert isinstance(view, LinesView)
    view.show(progress)
    golden("lines", capsys.readouterr().out)
    assert progress.done == 6


def test_lines_of_json(at: OpenStudy, capsys: pytest.CaptureFixture[str]) -> None:
    view = view_of(False, True, 1)
    assert isinstance(view, JsonLines)
    rows = at.rows(EXPLORE)
    view.show(SearchProgress(EXPLORE, rows, 0, 0, 36, None, 0.0, None))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == len(rows)
    assert sum(line["state"] == "done" for line in lines) == 30
    assert {line["event"] for line in lines} == {"trial"}
    first = next(line for line in lines if line["state"] == "done")
    assert set(first) >= {"stage", "slice", "number", "state", "shape", "knobs", "hash", "accuracy"}
    assert first["macs"] > 0 and first["values"] == [first["accuracy"]]


def test_nothing_is_shown_where_quiet_was_asked_for(
    at: OpenStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    view = view_of(True, True, 1)
    assert type(view) is SearchView
    view.show(SearchProgress(EXPLORE, at.rows(), 0, 0, 36, None, 0.0, None))
    assert capsys.readouterr().out == ""


# ------------------------------------------------------------------------------ mistakes


def test_where_there_is_no_study(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (["verdict", "nothing"], ["best", "nothing"], ["worker", "nothing"]):
        code, out, err = run(*command)
        assert (code, out) == (1, "")
        assert err.startswith("error[A711]: there is no study `nothing`")
    (tmp_path / "torn.study").mkdir()
    (tmp_path / "torn.study" / "study.json").write_text('{"format": 1, "stu')
    code, _, err = run("verdict", "torn")
    assert code == 1 and err.startswith("error[A002]") and "torn.study/study.json" in err
    (tmp_path / "torn.study" / "study.json").write_text('{"format": 99}')
    code, _, err = run("verdict", "torn")
    assert code == 1 and "it is of another version of archdsl" in err


def test_where_nothing_is_finished(tmp_path: Path, run: Run) -> None:
    study = begun(tmp_path, ASKED)
    for command in ("verdict", "best"):
        code, _, err = run(command, str(study.folder))
        assert code == 1 and "error[A717]: the study `x` has no finished trial yet" in err


def test_a_budget_out_of_reach_leaves_no_study(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tiny.arch").write_text(TINY)
    asked = 'search q\nspec "tiny.arch"\nvary depth in {1, 2}\nhold macs = 1 by width\n'
    Path("q.search").write_text(f"{asked}data digits\ntrials 2\n")
    code, _, err = run("search", "q.search")
    assert code == 1 and err.startswith("error[A705]")
    assert sorted(path.name for path in Path().iterdir()) == ["q.search", "tiny.arch"]


def test_a_slice_that_is_none(at: OpenStudy, run: Run) -> None:
    code, _, err = run("best", "x", "--slice", "5M macs")
    assert code == 2 and "there is 4K params, 16K params" in err


def with_a_result(study: OpenStudy) -> None:
    slice = study.space.slices[0].name
    part = study.parts[EXPLORE, slice]
    params, attrs = decided(study, survey(study.space)[0].candidates[0])  # type: ignore[index]
    enqueue(study, EXPLORE, {slice: [PlannedTrial(0, 1, params, attrs)]})
    part.tell(part.ask(), 0.5)


def test_a_study_is_not_begun_twice_and_not_gone_on_with_when_its_question_has_changed(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study = begun(tmp_path, ASKED)
    text = study.search.source.text
    path = tmp_path / "x.search"
    path.write_text(text)
    with_a_result(study)
    code, _, err = run("search", "x.search", "--study", "x")
    assert code == 1 and "error[A720]: the study `x.study` is there already" in err

    def refused(what: str) -> None:
        code, _, err = run("search", "x.search", "--study", "x", "--resume")
        assert code == 1
        assert f"error[A712]: the study `x.study` was made from something else: {what}\n" in err

    path.write_text(text.replace("{1, 2, 4, 8}", "{1, 2, 4}"))
    refused("the search")
    path.write_text(text)
    (tmp_path / "a.arch").write_text(TINY.replace("bn -> relu", "relu"))
    refused("the spec")
    path.write_text(text.replace("data digits", "data digits(seed = 1)"))
    refused("the search and the spec and the data")
    (tmp_path / "a.arch").write_text(TINY)
    path.write_text(text)
    code, _, err = run("search", "x.search", "--study", "x", "--resume", "--seed", "7")
    assert code == 1 and "something else: the seed\n" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trials", "0"], "0 is not in the range 1<=x<=100000"),
        (["--timeout", "soon"], "'soon' is not a time such as 90s, 15min, 2h"),
        (["--workers", "-1"], "-1 is not in the range 0<=x<=1024"),
        (["--storage", "nowhere"], "error[A714]: the storage `the address that was given`"),
    ],
)
def test_arguments_that_are_none(
    arguments: list[str], message: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run("search", "first", *arguments)
    assert code in (1, 2) and message in err.replace("\n", " ")


# ---------------------------------------------------------------------- really trained

USING = """use "units.arch": unit
arch tiny(depth = 2 in 1..8, width = 8 in 1..64, classes = 10)
input 1x8x8
repeat depth { unit(width) }
global_avgpool -> linear(classes)
"""
UNITS = "block unit(c) { conv(c, 3) -> bn -> relu }\n"
TRAINED = """search tiny
spec "tiny.arch"
vary depth in {1, 2, 4}
hold macs = 30K within 10% by width
data digits
train epochs = 3, batch = 64, schedule = one_cycle
seeds 1 then 2
trials 3
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Any]]]:
    """A folder with a study that `archdsl search --json` has made, and what that printed."""
    folder = tmp_path_factory.mktemp("trained")
    for name, text in (("tiny.arch", USING), ("units.arch", UNITS), ("tiny.search", TRAINED)):
        (folder / name).write_text(text)
    output = folder / "lines.json"
    before = Path.cwd()
    os.chdir(folder)
    try:
        with (
            output.open("w") as stream,
            patch.object(sys, "stdout", stream),
            patch.dict(os.environ, OMP_NUM_THREADS="1"),
            pytest.raises(SystemExit) as ended,
        ):
            main(["search", "tiny.search", "--json"])
        assert ended.value.code == 0
    finally:
        os.chdir(before)
    yield folder, [json.loads(line) for line in output.read_text().splitlines()]


def test_a_line_of_json_for_each_event(trained: tuple[Path, list[Any]]) -> None:
    _, events = trained
    assert [e["event"] for e in events] == ["trial"] * 7 + ["verdict"]
    trials = events[:-1]
    assert [t["stage"] for t in trials] == ["explore"] * 3 + ["settle"] * 4
    assert {t["shape"] for t in trials[:3]} == {"depth = 1", "depth = 2", "depth = 4"}
    assert len({(t["shape"], t["seed"]) for t in trials}) == 7
    for trial in trials:
        assert trial["state"] == "done" and 0 < trial["accuracy"] <= 1
        assert abs(trial["macs"] / 30e3 - 1) <= 0.1
        assert ("test" in trial) == (trial["stage"] == "settle")
        assert trial["seconds"] > 0 and trial["worker"]
    assert events[-1]["best"]["stage"] == "settle"


def test_a_study_s_folder(trained: tuple[Path, list[Any]]) -> None:
    folder = trained[0] / "tiny.study"
    assert {p.name for p in folder.iterdir()} >= {"study.json", "trials.db", "weights", "workers"}
    card = json.loads((folder / "study.json").read_text())
    assert card["spec"] == USING and card["uses"] == {"units.arch": UNITS}
    assert card["search"] == TRAINED and card["seed"] == 0 and card["study"] == "tiny"
    assert set(card["identity"]) == {"the search", "the spec", "the data", "the seed"}
    assert set(card["versions"]) >= {"archdsl", "python", "torch", "optuna", "scipy"}
    assert card["machine"]["host"] and card["command"].startswith("archdsl")


def test_weights_of_the_best_of_each_arm_are_kept(trained: tuple[Path, list[Any]]) -> None:
    study = find_study(str(trained[0] / "tiny"), None, REGISTRY)
    kept = {p.name for p in (study.folder / "weights").glob("*.pt")}
    arms = {
        (r.stage, r.shape if r.stage == SETTLE else "") for r in study.rows() if r.weights in kept
    }
    assert len(arms) == 3
    assert len(kept) == 3  # of the best that was explored, and of the two arms


def test_from_a_study_to_a_module_that_is_as_good_as_its_record(
    trained: tuple[Path, list[Any]], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = trained
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("best", str(folder / "tiny.study"), "-o", "best.arch")
    assert code == 0
    assert "units.arch: what it uses\n" in out
    assert (tmp_path / "units.arch").read_text() == UNITS
    code, out, err = run("compile", "best.arch", "--weights", "best.pt", "-o", "net.py")
    assert code == 0, err
    monkeypatch.syspath_prepend(str(tmp_path))
    space: dict[str, Any] = {}
    exec((tmp_path / "net.py").read_text(), space)
    module = space["Tiny"]()
    module.load_state_dict(torch.load("net.pt", weights_only=True))
    study = find_study(str(folder / "tiny"), None, REGISTRY)
    row = best(study)
    splits = load(study.search.data, folder)
    recipe = study.search.recipe
    device = torch.device("cpu")
    assert evaluate(module, splits.validation, splits, device, recipe)[0] == row.accuracy
    assert evaluate(module, splits.test, splits, device, recipe)[0] == row.test
    (tmp_path / "units.arch").write_text(UNITS.replace("relu", "silu"))
    code, _, err = run("best", str(folder / "tiny.study"), "-o", "again.arch")
    assert code == 1 and "error[A008]: `units.arch` cannot be written: it is not the file" in err
    assert not (tmp_path / "again.arch").exists()
