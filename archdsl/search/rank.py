"""One of the processes that train a trial together: see ``archdsl.search.team``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError
from archdsl.diagnostics.source import Source
from archdsl.extensions import with_files
from archdsl.files import Bundle
from archdsl.registry import REGISTRY
from archdsl.search.at_work import seldom
from archdsl.search.rows import ERROR, OUT_OF_MEMORY
from archdsl.search.team import say
from archdsl.spec import Architecture, Spec
from archdsl.training.data import load
from archdsl.training.data.folds import fold
from archdsl.training.devices import choose_device
from archdsl.training.keep import write_weights
from archdsl.training.loop import train_candidate
from archdsl.training.outcome import Epoch, Failure, TrainingStep
from archdsl.training.ranks import distributed, ranks
from archdsl.training.records import read_data, read_recipe


def main(path: str) -> int:
    job: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
    with distributed(choose_device(job["device"])) as device:
        team = ranks()
        try:
            arch = architecture_of(job)
            registry = arch.spec.registry
            with team.leader_first():
                splits = load(read_data(job["data"], registry=registry), Path(job["folder"]))
            if job["fold"] is not None:
                splits = fold(splits, *job["fold"])
            recipe = read_recipe(job["recipe"], registry=registry)
            on_step = seldom(tell_step) if team.leads else None
            module, outcome = train_candidate(
                arch, splits, recipe, job["seed"], device, on_epoch=tell, on_step=on_step
            )
        except Exception as problem:  # whatever it is, the worker has to hear of it
            if team.leads:
                failure, cause = told(problem)
                say({"failure": failure, "cause": cause})
            return 1
        if team.leads:
            write_weights(Path(job["weights"]), module)
            say({"outcome": asdict(outcome)})
    return 0


def architecture_of(job: Mapping[str, Any]) -> Architecture:
    """The network of a job. Raises ``ArchError``."""
    registry = with_files(REGISTRY, [Path(p) for p in job["python"]])
    spec = Spec(Source(job["name"], job["spec"]), Bundle(job["uses"]), registry)
    return spec.candidate(job["knobs"], job["input"])


def tell(epoch: Epoch) -> None:
    say({"epoch": asdict(epoch)})


def tell_step(step: TrainingStep) -> None:
    say({"step": step.said()})


def told(problem: Exception) -> tuple[str, str]:
    """A failure, and its cause in words."""
    if isinstance(problem, Failure):
        return problem.cause, problem.diagnostic.message
    if isinstance(problem, ArchError):
        found = problem.diagnostics[0]
        short = found.kind is codes.OUT_OF_MEMORY
        return OUT_OF_MEMORY if short else ERROR, found.message
    return ERROR, f"{type(problem).__name__}: {problem}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
