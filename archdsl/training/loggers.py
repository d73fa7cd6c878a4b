"""Where the scores of trainings are sent: loggers, by name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from archdsl.registered import Registered


class Logger(Registered):
    """The base of loggers: one is made for a search, or for a training, and told of each run from
    its start to its end. ``package`` is what it needs, and where it is got from. What a method
    raises ends the logging, and nothing else."""

    group = "loggers"
    noun = "logger"
    package: ClassVar[str] = ""
    install: ClassVar[str] = ""  # what installers call it

    def __init__(self, project: str, folder: Path) -> None:
        """``folder`` is where a logger that writes files writes them."""
        self.project, self.folder = project, folder

    @classmethod
    def missing(cls) -> str:
        """What has to be installed; nothing where all is there."""
        return "" if not cls.package or find_spec(cls.package) else cls.install or cls.package

    def start(self, run: str, settings: Mapping[str, str]) -> None:
        """A training begins; ``settings`` are knobs, seed and recipe, as they are written."""
        raise NotImplementedError(f"{type(self).__name__}.start")

    def epoch(self, number: int, scores: Mapping[str, float]) -> None:
        """What there is after an epoch, counted from 1."""
        raise NotImplementedError(f"{type(self).__name__}.epoch")

    def end(self, scores: Mapping[str, float]) -> None:
        """The training has ended, with these results: none, where it failed."""
        raise NotImplementedError(f"{type(self).__name__}.end")


class TensorBoard(Logger):
    """Event files, in `tensorboard` of the study or of the folder at hand, each run in a folder of
    its own."""

    name = "tensorboard"
    package = "tensorboard"

    def start(self, run: str, settings: Mapping[str, str]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        name = re.sub(r"[^\w.-]+", "-", run)
        self.writer: Any = SummaryWriter(str(new_folder(self.folder / "tensorboard", name)))
        rows = "".join(f"| {name} | {value} |\n" for name, value in settings.items())
        self.writer.add_text("settings", f"| setting | value |\n| --- | --- |\n{rows}")

    def epoch(self, number: int, scores: Mapping[str, float]) -> None:
        for name, value in scores.items():
            self.writer.add_scalar(name, value, number)
        self.writer.flush()

    def end(self, scores: Mapping[str, float]) -> None:
        for name, value in scores.items():
            self.writer.add_scalar(f"result/{name}", value)
        self.writer.close()


def new_folder(parent: Path, name: str) -> Path:
    """A new folder for a run, numbered from the second of its name on: `net-0`, `net-0.2`. Two
    runs in one folder are one curve."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        place = parent / (name if number == 1 else f"{name}.{number}")
        try:
            place.mkdir()
            return place
        except FileExistsError:
            number += 1


class MLflow(Logger):
    """Runs of an experiment, where MLFLOW_TRACKING_URI says; without it, MLflow decides."""

    name = "mlflow"
    package = "mlflow"

    def __init__(self, project: str, folder: Path) -> None:
        super().__init__(project, folder)
        # Its own 7 tries, each longer than the last, would hold a search up for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")

    def start(self, run: str, settings: Mapping[str, str]) -> None:
        import mlflow

        self.client = mlflow.MlflowClient()
        found = self.client.get_experiment_by_name(self.project)
        id = found.experiment_id if found else self.client.create_experiment(self.project)
        self.run = self.client.create_run(id, run_name=run).info.run_id
        for name, value in settings.items():
            self.client.log_param(self.run, name, value)

    def epoch(self, number: int, scores: Mapping[str, float]) -> None:
        for name, value in scores.items():
            self.client.log_metric(self.run, name, value, step=number)

    def end(self, scores: Mapping[str, float]) -> None:
        for name, value in scores.items():
            self.client.log_metric(self.run, f"result_{name}", value)
        self.client.set_terminated(self.run, "FINISHED" if scores else "FAILED")


class Wandb(Logger):
    """Runs of a project at Weights & Biases; WANDB_MODE=offline keeps them here."""

    name = "wandb"
    package = "wandb"

    def start(self, run: str, settings: Mapping[str, str]) -> None:
        import wandb

        self.run: Any = wandb.init(
            project=self.project,
            name=run,
            config=dict(settings),
            dir=str(self.folder),
            settings=wandb.Settings(silent=True, init_timeout=30),
        )

    def epoch(self, number: int, scores: Mapping[str, float]) -> None:
        self.run.log(dict(scores), step=number)

    def end(self, scores: Mapping[str, float]) -> None:
        self.run.summary.update(dict(scores))
        self.run.finish(exit_code=0 if scores else 1)
