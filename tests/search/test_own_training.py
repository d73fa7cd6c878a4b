"""A training of the user's own: who gives the score of a candidate is exchangeable."""

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
import torch
from fake_training import CPU
from optuna.trial import TrialState
from searches import TINY
from torch import nn

from archdsl import ArchError
from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.report.curves import curves_figure
from archdsl.report.facts import gather
from archdsl.search.asked import Asked, Unscored, scores_of
from archdsl.search.card import Card, make_card
from archdsl.search.clock import Clock
from archdsl.search.opened import OpenStudy
from archdsl.search.outcome import architecture, best, judged, verdict
from archdsl.search.own import check_file, function_of
from archdsl.search.plan import arms_to_settle, queue_exploration, queue_settling
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.start import begin, go_on
from archdsl.search.worker import Worker
from archdsl.training.examples import loss_of, packed
from archdsl.training.predictor import read_model

HEAD = 'search x\nspec "a.arch"\nvary depth in {1, 2, 4}\ntrain with "mine.py", epochs = 3\n'


def begun(folder: Path, asked: str) -> OpenStudy:
    (folder / "a.arch").write_text(TINY)
    (folder / "mine.py").write_text("def train(candidate):\n    return 0.5\n")
    search = read_search(Source("x.search", HEAD + asked), folder)
    return begin(search, folder / "x.study", folder, 0, None, (), "archdsl search", REGISTRY)


def explored(folder: Path, asked: str, objective: Callable[[Asked], Any]) -> OpenStudy:
    study = begun(folder, asked)
    queue_exploration(study, survey(study.space))
    Worker(study, CPU, objective=objective).run(0)
    return study


def deeper(asked: Asked) -> float:
    return 0.5 + asked.architecture.depth / 100 + asked.seed / 1e6


def test_a_candidate_is_what_the_search_drew(tmp_path: Path) -> None:
    seen: list[Asked] = []

    def objective(asked: Asked) -> float:
        seen.append(asked)
        return deeper(asked)

    study = explored(tmp_path, 'tune lr in 0.1..1, kind in {"a", "b"}\ntrials 6\n', objective)
    assert len(seen) == 6 and {a.architecture.knobs["depth"] for a in seen} == {1, 2, 4}
    for asked in seen:
        assert asked.settings["epochs"] == 3 and asked.settings["kind"] in ("a", "b")
        assert 0.1 <= asked.settings["lr"] <= 1 and isinstance(asked.settings["lr"], float)
        assert (asked.stage, asked.slice, asked.device) == ("explore", "all", CPU)
        assert asked.architecture.input == (1, 8, 8), "it stays as the spec has it"
    assert best(study).shape == "depth = 4"
    rows = {row.shape: row.setting for row in study.rows()}
    assert "kind = " in rows["depth = 1"] and "lr = 0." in rows["depth = 1"]


def test_settling_and_the_verdict(tmp_path: Path) -> None:
    study = explored(tmp_path, "maximize f1\nseeds 1 then 4\n", lambda a: {"f1": deeper(a)})
    queue_settling(study, arms_to_settle(study))
    study.stage = "settle"

    def settling(asked: Asked) -> dict[str, float]:
        assert asked.stage == "settle" and asked.seed > 1000
        return {"f1": deeper(asked), "test": deeper(asked) - 0.1, "other": 3}

    Worker(study, CPU, objective=settling).run(0)
    found = verdict(study)
    assert found.question.measure == "f1"
    assert {arm.shape for arm in found.slices[0].arms} == {"depth = 4", "depth = 2"}
    row = best(study)
    assert row.test == pytest.approx(row.values[0] - 0.1)
    assert architecture(study, row).knobs["depth"] == 4


def test_the_weights_of_the_best_are_kept(tmp_path: Path) -> None:
    modules = {}

    def objective(asked: Asked) -> float:
        modules[asked.shape] = asked.module
        with torch.no_grad():
            next(asked.module.parameters()).fill_(asked.architecture.depth)
        return deeper(asked)

    study = explored(tmp_path, "trials 3\n", objective)
    path = study.weights(best(study).weights)
    assert path is not None
    saved = torch.load(path, weights_only=True)
    assert all(torch.equal(saved[k], v) for k, v in modules["depth = 4"].state_dict().items())


def test_what_wins_predicts(tmp_path: Path) -> None:
    """Where the training says how its pictures are read."""
    names = [f"digit {n}" for n in range(10)]

    def objective(asked: Asked) -> float:
        asked.describe(names, mean=0.3, std=[0.25], data="mine")
        asked.module.requires_grad_(False)
        return deeper(asked)

    study = explored(tmp_path, "tune lr in 0.1..1\ntrials 3\n", objective)
    row = best(study)
    path = study.weights(row.weights)
    assert path is not None
    found = read_model(path)
    card = found.card
    assert (card.image, card.mean, card.std) == ((1, 8, 8), (0.3,), (0.25,))
    assert (list(card.classes), card.task, card.values) == (names, "classification", "uint8")
    assert card.data == "mine" and card.recipe == f"epochs = 3, lr = {card.lr}"
    assert row.setting == f"lr = {card.lr:.4g}"
    assert card.network == architecture(study, row).hash
    assert found.logits(torch.zeros(2, 1, 8, 8, dtype=torch.uint8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ({"classes": ["a", "b"]}, "of 2 classes, and the network has 10 results"),
        ({"mean": [0.5, 0.5]}, "mean and std are not of each channel"),
        ({"std": 0}, "its numbers cannot be"),
        ({"task": "guess"}, "takes one of classification, "),
        ({"values": "bits"}, "its values are not of a known type"),
    ],
)
def test_what_cannot_be_described(said: dict[str, Any], cause: str, tmp_path: Path) -> None:
    def objective(asked: Asked) -> float:
        asked.describe(**{"classes": range(10), "mean": 0.5, "std": 1, **said})
        return 0.5

    study = explored(tmp_path, "trials 1\n", objective)
    (row,) = study.rows()
    assert row.state == "failed" and "describe" in row.cause and cause in row.cause


def test_weights_follow_the_seed(tmp_path: Path) -> None:
    sums: dict[tuple[str, int], float] = {}

    def total(module: nn.Module) -> float:
        return sum(p.sum().item() for p in module.parameters())

    def objective(asked: Asked) -> float:
        sums[asked.shape, asked.seed] = total(asked.module)
        return deeper(asked)

    asked = "seeds 2\ntrials 6\n"
    (tmp_path / "again").mkdir()
    explored(tmp_path, asked, objective)
    before = dict(sums)
    explored(tmp_path / "again", asked, objective)
    assert sums == before and len(set(sums.values())) == 6


def test_a_report_may_end_a_training(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []

    def objective(asked: Asked) -> float:
        for step in (1, 2, 3):
            steps.append((asked.number, step))
            asked.report(step, torch.tensor(1.0 / (1 + asked.number)))
        return 1.0 / (1 + asked.number)

    (tmp_path / "a.arch").write_text(TINY)
    study = explored(
        tmp_path,
        "tune lr in 0.1..1\ntrials 9\nprune median(warmup = 1, startup = 1)\n",
        objective,
    )
    states = [t.state for t in study.parts["explore", "all"].get_trials(deepcopy=False)]
    assert states[:3] == [TrialState.COMPLETE] * 3 and TrialState.PRUNED in states[3:]
    pruned = states.index(TrialState.PRUNED)
    assert (pruned, 1) in steps and (pruned, 2) not in steps


def raises(asked: Asked) -> float:
    raise LookupError("the folder is away")


BAD: dict[str, tuple[Any, str, str]] = {
    "raises": (raises, "error", "LookupError: the folder is away"),
    "nan": (lambda a: math.nan, "diverged", "`accuracy` is nan"),
    "inf": (lambda a: {"accuracy": math.inf}, "diverged", "`accuracy` is inf"),
    "name": (lambda a: {"acc": 0.5, "f1": 1}, "error",
             "the search asks for `accuracy`, and the training gave `acc` and `f1`: say in the"
             " search what counts, such as `maximize acc`"),
    "loss": (lambda a: {"mse": 0.5, "test": 0.4}, "error", "such as `minimize mse`"),
    "nothing": (lambda a: {}, "error", "the training gave nothing"),
    "none": (lambda a: None, "error", "`accuracy` is not a number, but NoneType: None"),
    "text": (lambda a: "0.5", "error", "`accuracy` is not a number, but str: '0.5'"),
    "percent": (lambda a: 87.5, "error", "`accuracy` is a share from 0 to 1, as 0.875 is"),
    "empty": (lambda a: {"accuracy": []}, "error", "`accuracy` is an empty list"),
    "example": (lambda a: [1, math.nan], "diverged", "`accuracy` of an example is nan"),
    "step": (lambda a: a.report("first", 0.5), "error", "a step is a whole number"),
    "report": (lambda a: a.report(1, math.nan), "diverged", "the score that is reported is nan"),
    "exit": (lambda a: exit(3), "error", "SystemExit: 3"),
}  # fmt: skip


def test_where_all_trainings_failed_it_is_said(tmp_path: Path) -> None:
    study = explored(tmp_path, "trials 3\n", raises)
    for say in (verdict, best):
        with pytest.raises(ArchError) as caught:
            say(study)
        (found,) = caught.value.diagnostics
        assert found.code == "A717"
        assert found.helps == ("3 failed; the reason of the last: LookupError: the folder is away",)


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_score_fails_its_trial_and_the_search_goes_on(tmp_path: Path, kind: str) -> None:
    objective, failure, cause = BAD[kind]

    def second_is_bad(asked: Asked) -> Any:
        return objective(asked) if asked.number == 1 else deeper(asked)

    study = explored(tmp_path, "trials 3\n", second_is_bad)
    states = [row.state for row in study.rows()]
    assert states == ["done", "failed", "done"]
    row = study.rows()[1]
    assert row.failure == failure and cause in row.cause


def test_scores_by_name_and_by_example() -> None:
    found = scores_of({"accuracy": torch.tensor([1.0, 0.0, 1.0, 1.0]), "test": [0, 1]}, "accuracy")
    assert found.known == {"accuracy": 0.75, "error": 0.25} and found.test == 0.5
    assert scores_of(3, "loss").of("loss") == 3.0
    given = {"accuracy": [1, 0], "loss": torch.tensor([0.25, 4.0])}
    assert loss_of(packed(scores_of(given, "accuracy").examples)).tolist() == [0.25, 4.0]
    for other in ([0.25], [0.25, [1.0, 2.0]], 0.5):  # of other examples, or of none
        said = scores_of({"accuracy": [1, 0], "loss": other}, "accuracy")
        assert packed(said.examples) == bytes([128, 0])
    with pytest.raises(Unscored, match="the name of a score is a text"):
        scores_of({1: 0.5}, "loss")


def test_a_trial_that_hangs_is_failed(tmp_path: Path) -> None:
    gone, late = threading.Event(), threading.Event()
    study = begun(tmp_path, "trials 3\n")
    queue_exploration(study, survey(study.space))
    clock = Clock(0.2, gone.set)

    def objective(asked: Asked) -> float:
        if asked.number == 0:
            assert gone.wait(60), "the process would have ended here"
            late.set()
        clock.limit = None
        return deeper(asked)

    Worker(study, CPU, objective=objective, clock=clock).run(0)
    first, *others = study.rows()
    assert late.is_set() and (first.state, first.failure) == ("failed", "timed out")
    assert first.cause == "it took longer than 0 s" and {r.state for r in others} == {"done"}


# ---------------------------------------------------------------------------- statements


def read(text: str, folder: Path = Path()) -> Any:
    (folder / "a.arch").write_text(TINY) if folder != Path() else None
    return read_search(Source("x.search", text), folder)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("data digits\n", "A709"),
        ("maximize accuracy, accuracy\n", "A703"),
        ("minimize accuracy\n", "A708"),
        ("maximize loss\n", "A708"),
        ("maximize mae\n", "A708"),
        ("maximize macs\n", "A708"),
        ("prune hyperband\n", None),
        ("tune lr in 3..2\n", "A505"),
        ("tune lr in 0.1..1, lr in 0.2..3\n", "A703"),
    ],
)
def test_statements_that_do_not_do(tmp_path: Path, asked: str, code: str | None) -> None:
    text = HEAD + asked
    if code is None:
        assert read(text, tmp_path).pruner.name == "hyperband"
        text, code = text.replace(", epochs = 3", ""), "A709"
    with pytest.raises(ArchError) as caught:
        read(text, tmp_path)
    assert [d.code for d in caught.value.diagnostics] == [code]


@pytest.mark.parametrize(
    ("asked", "help"),
    [
        *(
            (f"maximize {name}", f"less is better of what is called so: `minimize {name}`")
            for name in ("mse", "my_error", "val_loss", "testNLL", "wer")
        ),
        ("minimize val_accuracy", "more is better of what is called so: `maximize val_accuracy`"),
        ("maximize rmse", "`rmse` is minimized: `minimize rmse`"),
        ("minimize acuracy", "did you mean `accuracy`?"),
        ("maximize my_acuracy", "did you mean `my_accuracy`?"),
    ],
)
def test_the_name_of_a_score_says_which_way_is_better(
    tmp_path: Path, asked: str, help: str
) -> None:
    with pytest.raises(ArchError) as caught:
        read(HEAD + asked + "\n", tmp_path)
    (error,) = caught.value.diagnostics
    assert error.code == "A708" and error.help[0] == help
    verb = asked.split()[0]
    for other in ("dice", "miou", "my_score"):
        found = read(f"{HEAD}{verb} {other}\n", tmp_path).objectives[0]
        assert found.name == other and found.minimize is (verb == "minimize")


def test_a_file_that_is_not_there_and_one_that_is_not_allowed(tmp_path: Path) -> None:
    search = read(HEAD, tmp_path)
    with pytest.raises(ArchError, match=r"mine\.py"):
        check_file(search, tmp_path)
    (tmp_path / "mein.py").touch()
    with pytest.raises(ArchError, match=r"did you mean `\S*/mein.py`\?"):
        check_file(search, tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\ndef train(candidate): return 1\n")
    for allowed in ((), (tmp_path / "other.py",)):
        with pytest.raises(ArchError) as caught:
            function_of(search, tmp_path, allowed)
        (error,) = caught.value.diagnostics
        assert error.code == "A731" and f"add --allow-python {path}" in error.helps
        assert not (tmp_path / "ran").exists(), "nothing of it is run"
    assert function_of(search, tmp_path, [path])(None) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("fit = 3\n", "it has no function `train`"),
        ("train = 3\n", "it has no function `train`"),
        ("import nowhere_at_all\n", "ModuleNotFoundError"),
        ("def train(:\n", "SyntaxError"),
    ],
)
def test_a_file_that_does_not_do(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ArchError, match=reason):
        function_of(read(HEAD, tmp_path), tmp_path, [path])


def test_the_study_is_read_without_the_file(tmp_path: Path) -> None:
    study = explored(tmp_path, "trials 3\n", deeper)
    (tmp_path / "mine.py").unlink()
    again = study.card.read(REGISTRY)
    assert again.own is not None and again.own.settings == {"epochs": 3}
    assert len(judged(study)) == 3
    assert isinstance(study.parts["explore", "all"], optuna.Study)


@pytest.mark.parametrize(
    ("name", "told", "kept"),
    [("accuracy", 0.75, (0.75,)), ("error", 0.25, (0.75,)), ("loss", 2.5, (2.5, 2.5)),
     ("f1", 0.5, (0.5,))],
)  # fmt: skip
def test_what_is_reported_is_the_curve(
    tmp_path: Path, name: str, told: float, kept: tuple[float, ...]
) -> None:
    def objective(asked: Asked) -> float:
        for step in range(1, 4):
            asked.report(10 * step, told / 2 if step < 3 else told)
        return told

    asked = f"{'minimize' if name in ('error', 'loss') else 'maximize'} {name}\ntrials 3\n"
    study = explored(tmp_path, asked, objective)
    for row in study.rows():
        assert [point[0] for point in row.curve] == [10, 20, 30]
        assert row.curve[-1][1:] == kept
    figure = curves_figure(gather(study))
    scale = 1 if name == "loss" else 100
    assert len(figure.rows) == 3 and float(figure.rows[0][6].split()[0]) == told * scale


def test_a_long_curve_is_thinned(tmp_path: Path) -> None:
    def objective(asked: Asked) -> float:
        for step in range(1, 2502):
            asked.report(step, 0.5)
        return 0.5

    (row,) = explored(tmp_path, "minimize loss\nminimize macs\ntrials 1\n", objective).rows()
    steps = [point[0] for point in row.curve]
    assert 500 <= len(steps) <= 1000
    assert steps == sorted(steps) and (steps[0], steps[-1]) == (1, 2501)


def test_a_training_that_was_changed_is_named(tmp_path: Path) -> None:
    def card(*more: str) -> Card:
        search = read_search(Source("x.search", HEAD), tmp_path)
        python = [tmp_path / name for name in ("mine.py", *more)]
        return make_card(search, "x", 0, tmp_path, "own", python, "archdsl search")

    (tmp_path / "a.arch").write_text(TINY)
    for name in ("mine.py", "layers.py"):
        (tmp_path / name).write_text("1\n")
    before, with_layers = card(), card("layers.py")
    (tmp_path / "mine.py").write_text("2\n")
    assert before.changed(card()) == ["the training in mine.py"]
    assert with_layers.changed(card("layers.py")) == ["the training in mine.py"]
    assert before.changed(with_layers) == ["the layers in Python"]
    study = begun(tmp_path, "maximize score\ntrials 2\n")
    python = [tmp_path / "mine.py"]
    with pytest.raises(ArchError, match=r"A712.*the training in mine\.py") as caught:
        go_on(study.search, tmp_path / "x.study", tmp_path, 0, None, python, REGISTRY)
    assert "`--study x2` without --resume" in str(caught.value)
