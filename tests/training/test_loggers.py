"""Loggers by name: what they are told, and that one which fails stops nothing."""

import importlib.util
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from archdsl.cli.logs import Logs
from archdsl.cli.main import main
from archdsl.diagnostics.model import ArchError
from archdsl.registry import REGISTRY
from archdsl.search.rows import Row
from archdsl.training.loggers import Logger, TensorBoard, new_folder

TINY = """arch tiny(classes = 10)
input 1x8x8
conv(4, 3) -> relu
head: global_avgpool -> linear(classes)
"""
ROW = Row(
    3, "1M macs", "explore", "done", seed=1, shape="depth = 2", knobs={"depth": "2", "width": "8"},
    setting="lr = 0.1", macs=1000, accuracy=0.5, loss=1.25, seconds=2.0, values=(0.5,),
    curve=((1, 0.25, 2.0, 2.5, 0.1), (2, 0.5, 1.25, 1.5, 0.05)),
)  # fmt: skip


CONNECT = socket.socket.connect


def needs(package: str) -> pytest.MarkDecorator:
    absent = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(absent, reason=f"{package} is not installed")


class Heard(Logger):
    """What it was told, in a list; it fails at a word of its choice."""

    name = "heard"

    def __init__(self, fails: str = "") -> None:
        self.fails, self.said = fails, []  # type: ignore[var-annotated]

    def tell(self, what: str, *given: Any) -> None:
        if what == self.fails:
            raise ConnectionError("the server is away\nand more")
        self.said.append((what, *given))

    def start(self, run: str, settings: Mapping[str, str]) -> None:
        self.tell("start", run, dict(settings))

    def epoch(self, number: int, scores: Mapping[str, float]) -> None:
        self.tell("epoch", number, dict(scores))

    def end(self, scores: Mapping[str, float]) -> None:
        self.tell("end", dict(scores))


def test_a_trial_is_told_from_start_to_end() -> None:
    heard = Heard()
    Logs([heard]).trial(ROW)
    settings = {"depth": "2", "width": "8", "slice": "1M macs", "stage": "explore"}
    settings |= {"setting": "lr = 0.1", "seed": "1", "state": "done"}
    assert heard.said == [
        ("start", "explore 1M macs 3 depth = 2", settings),
        ("epoch", 1, {"score": 0.25, "loss": 2.0, "train_loss": 2.5, "lr": 0.1}),
        ("epoch", 2, {"score": 0.5, "loss": 1.25, "train_loss": 1.5, "lr": 0.05}),
        ("end", {"accuracy": 0.5, "loss": 1.25, "seconds": 2.0, "macs": 1000.0, "score": 0.5}),
    ]


@pytest.mark.parametrize("word", ["start", "epoch", "end"])
def test_one_that_fails_is_let_go_and_says_so(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, well = Heard(word), Heard()
    logs = Logs([broken, well])
    logs.trial(ROW)
    logs.trial(ROW)
    assert len(well.said) == 8 and logs.loggers == [well]
    assert capsys.readouterr().err == (
        "note: nothing more is logged to heard: ConnectionError: the server is away\n"
    )


def test_a_training_that_breaks_off_has_ended() -> None:
    heard = Heard()
    with pytest.raises(KeyboardInterrupt), Logs([heard]).ending():
        raise KeyboardInterrupt
    assert heard.said == [("end", {})]


def test_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match=r"there is no logger `tensorbord`;.*tensorboard"):
        Logs.named(["tensorbord"], "net", tmp_path, REGISTRY)


def test_a_package_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TensorBoard, "package", "no_such_package")
    with pytest.raises(ArchError, match="no_such_package"):
        Logs.named(["tensorboard"], "net", tmp_path, REGISTRY)


@needs("tensorboard")
def test_a_training_in_tensorboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Path("tiny.arch").write_text(TINY)
    with pytest.raises(SystemExit) as exit:
        main(["train", "tiny.arch", "--data", "digits", "--epochs", "2", "--device", "cpu",
              "--quiet", "--log", "tensorboard"])  # fmt: skip
    assert exit.value.code == 0, capsys.readouterr().err
    events = EventAccumulator(str(tmp_path / "tensorboard" / "tiny-0")).Reload()
    assert [e.step for e in events.Scalars("accuracy")] == [1, 2]
    (result,) = events.Scalars("result/accuracy")
    assert result.value == events.Scalars("accuracy")[-1].value
    assert len(events.Scalars("result/test_accuracy")) == 1


@needs("mlflow")
def test_a_trial_in_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    Logs.named(["mlflow"], "wide", tmp_path, REGISTRY).trial(ROW)
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("wide")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.params["depth"] == "2" and run.info.status == "FINISHED"
    assert run.data.metrics["score"] == 0.5 == run.data.metrics["result_accuracy"]


@needs("wandb")
def test_a_trial_in_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr(socket.socket, "connect", CONNECT)  # to its own process
    logs = Logs.named(["wandb"], "wide", tmp_path, REGISTRY)
    logs.trial(ROW)
    assert len(logs.loggers) == 1
    assert list(tmp_path.glob("wandb/offline-run-*/run-*.wandb"))


def test_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Two trainings of one spec with one seed are two curves."""
    names = [new_folder(tmp_path / "tensorboard", "net-0").name for _ in range(3)]
    assert names == ["net-0", "net-0.2", "net-0.3"]
