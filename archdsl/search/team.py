"""A trial on several devices: the worker asks Optuna and starts the ranks; rank 0 reports.

Ranks that asked Optuna themselves could each draw other values.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.search.rows import LOST
from archdsl.spec import Architecture
from archdsl.training.data.splits import Splits
from archdsl.training.outcome import Epoch, Outcome, TrainingStep
from archdsl.training.recipe import Recipe
from archdsl.training.sets import Data


class TeamFailed(Exception):
    """Ranks that came to no result. ``failure`` is one of ``archdsl.search.rows``."""

    def __init__(self, failure: str, cause: str) -> None:
        super().__init__(cause)
        self.failure = failure


@dataclass(frozen=True)
class Team:
    """Trains networks by ``ranks`` processes of this machine, as ``train_candidate`` does."""

    ranks: int
    data: Data
    folder: Path  # where paths of data start
    python: Sequence[Path] = ()
    place: int = 0  # of the worker among those of this machine: each team has its own GPUs

    def check(self, device: torch.device) -> None:
        """Raises ``ArchError`` where this machine has too few GPUs for its teams."""
        wanted, count = (self.place + 1) * self.ranks, torch.cuda.device_count()
        if device.type == "cuda" and wanted > count:
            reason = f"{self.place + 1} x {self.ranks} ranks need a GPU each, and there are {count}"
            raise ArchError([diagnose(codes.NO_DEVICE, name=f"cuda:{wanted - 1}", reason=reason)])

    def __call__(
        self,
        arch: Architecture,
        splits: Splits,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        *,
        on_epoch: Callable[[Epoch], None],
        on_step: Callable[[TrainingStep], None],
    ) -> tuple[nn.Module, Outcome]:
        """``on_step`` hears of rank 0's steps, now and then. Raises ``TeamFailed``, and what the
        callbacks raise; no rank is left behind."""
        with tempfile.TemporaryDirectory(prefix="archdsl-") as place:
            job = Path(place) / "job.json"
            weights = Path(place) / "weights.pt"
            job.write_text(
                json.dumps(self.job(arch, splits, recipe, seed, device, weights)), "utf-8"
            )
            result: dict[str, Any] | None = None
            with self.started(job, device) as lines:
                for line in lines:
                    event = json.loads(line)
                    if "epoch" in event:
                        on_epoch(Epoch(**event["epoch"]))
                    elif "step" in event:
                        on_step(TrainingStep(*event["step"]))
                    elif "failure" in event:
                        raise TeamFailed(event["failure"], event["cause"])
                    else:
                        result = event["outcome"]
            if result is None:
                raise TeamFailed(LOST, "a rank was lost before there was a result")
            module = arch.build()
            module.load_state_dict(torch.load(weights, weights_only=True))
        epochs = tuple(Epoch(**epoch) for epoch in result.pop("epochs"))
        return module.to(device).eval(), Outcome(epochs=epochs, **result)

    def job(
        self,
        arch: Architecture,
        splits: Splits,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        weights: Path,
    ) -> dict[str, Any]:
        """All that a rank has to know."""
        job = job_of(arch, splits, recipe, seed, self.data, self.folder, self.python)
        return {**job, "device": device.type, "weights": str(weights)}

    def gpus(self, device: torch.device) -> dict[str, str]:
        """The variable by which the ranks see the GPUs of this team alone."""
        if device.type != "cuda":
            return {}
        given = os.environ.get("CUDA_VISIBLE_DEVICES")
        names = given.split(",") if given else [str(i) for i in range(torch.cuda.device_count())]
        mine = names[self.place * self.ranks : (self.place + 1) * self.ranks]
        return {"CUDA_VISIBLE_DEVICES": ",".join(mine)}

    @contextmanager
    def started(self, job: Path, device: torch.device) -> Iterator[Iterator[str]]:
        """What rank 0 says, line by line. All ranks are gone at the end."""
        threads = max(1, torch.get_num_threads() // self.ranks)  # of those of its worker
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
                *("--nproc-per-node", str(self.ranks)),
                *("-m", "archdsl.search.rank", str(job)),
            ],
            stdout=subprocess.PIPE,
            text=True,
            env={
                "OMP_NUM_THREADS": str(threads),
                **os.environ,
                **self.gpus(device),
                "PYTHONSAFEPATH": "1",
            },
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            yield (line for line in process.stdout if line.startswith("{"))
            process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()


def job_of(
    arch: Architecture,
    splits: Splits,
    recipe: Recipe,
    seed: int,
    data: Data,
    folder: Path,
    python: Sequence[Path],
) -> dict[str, Any]:
    """What another process has to know to train a network, as JSON has it."""
    settings = recipe.arguments(full=True)
    return {
        **network_of(arch, python),
        "data": data.written(full=True),
        "folder": str(folder),
        "fold": splits.fold,
        "recipe": ", ".join(f"{name} = {value}" for name, value in settings.items()),
        "seed": seed,
    }


def network_of(arch: Architecture, python: Sequence[Path]) -> dict[str, Any]:
    """What another process has to know to build a network, as JSON has it."""
    return {
        "name": arch.spec.source.name,
        "spec": arch.spec.source.text,
        "uses": arch.spec.used,
        "knobs": arch.shown_knobs,
        "input": list(arch.input),
        "python": [str(path) for path in python],
    }


def say(event: Mapping[str, Any]) -> None:
    """What rank 0 tells the worker."""
    print(json.dumps(event), flush=True)
