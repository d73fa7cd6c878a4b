"""A training of the user's own as tasks of a Ray cluster: the file runs where Ray trains."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import optuna
import torch

from archdsl.modelcard import card_from
from archdsl.search.asked import Asked, Unscored, scores_of
from archdsl.search.cluster import OnCluster, weights_of
from archdsl.search.own import function_in
from archdsl.search.rank import architecture_of, told
from archdsl.search.rows import ERROR
from archdsl.search.team import network_of
from archdsl.training.devices import choose_device
from archdsl.training.seeds import seed_all


@dataclass(frozen=True)
class OwnOnCluster:
    """Has candidates trained by the function of ``file``; ``objective`` is what comes first of what
    the search asks for."""

    cluster: OnCluster
    file: Path
    objective: str

    def __call__(self, asked: Asked) -> Any:
        """Raises ``TeamFailed``, and what ``asked.report`` raises; the task is cancelled then."""
        named = ("settings", "seed", "stage", "slice", "shape", "number", "setting", "fold")
        job = {
            **network_of(asked.architecture, self.cluster.python),
            **self.cluster.place,
            "file": str(self.file.resolve()),
            "here": str(Path.cwd()),
            "objective": self.objective,
            "asked": {name: getattr(asked, name) for name in named},
        }
        result = self.cluster.run(
            trained, job, lambda said: asked.report(said["epoch"], said["score"])
        )
        if result["weights"] is not None:
            asked.module.load_state_dict(
                torch.load(io.BytesIO(result["weights"]), weights_only=True)
            )
        if result["card"] is not None:
            asked.card = card_from(json.loads(result["card"]))
        if result["pruned"]:
            raise optuna.TrialPruned
        return result["scores"]


# ------------------------------------------------------------------------------ on a node


def trained(job: dict[str, Any], actor: Any, task: str) -> dict[str, Any]:
    """A trial: what a task runs. Gives its scores and weights, or why there are none."""
    import ray

    def on_report(step: int, score: float) -> None:  # where it is pruned, the task is cancelled
        ray.get(actor.add.remote(task, {"epoch": step, "score": score}))

    scores, pruned = None, False
    try:
        torch.set_num_threads(job["threads"])
        arch, device = architecture_of(job), choose_device(job["device"])
        asked = Asked(arch, device=device, on_report=on_report, **job["asked"])
        with chdir(job["here"]):
            train = _function(job["file"])
            seed_all(device, asked.seed)
            scores = scores_of(train(asked), job["objective"])
    except optuna.TrialPruned:
        pruned = True
    except Unscored as problem:
        return {"failure": problem.failure, "cause": str(problem)}
    except ray.exceptions.RayError:  # the leader's machine is gone: nobody waits
        raise
    except SystemExit as problem:  # it ends its own training, and no process of Ray
        return {"failure": ERROR, "cause": f"SystemExit: {problem}"}
    except Exception as problem:  # whatever it is, the worker has to hear of it
        failure, cause = told(problem)
        return {"failure": failure, "cause": cause}
    weights = None if asked.built is None else weights_of(asked.built)
    card = None if asked.card is None else asked.card.written()
    return {"scores": scores, "weights": weights, "card": card, "pruned": pruned}


@lru_cache(maxsize=2)
def _function(file: str) -> Callable[[Asked], Any]:
    """Run once by a process of Ray, which runs task after task."""
    found: Callable[[Asked], Any] = function_in(Path(file))
    return found
