"""Trials on a Ray cluster: the worker asks Optuna, and Ray trains; nothing there sees the study.

A task of Ray that is lost with its node is run again by Ray, from its first epoch. What its epochs
give comes back through an actor on the machine of the leader.
"""

from __future__ import annotations

import io
import os
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.extensions import with_files
from archdsl.registry import REGISTRY
from archdsl.search.at_work import seldom
from archdsl.search.epochs import Epochs
from archdsl.search.rank import architecture_of, told
from archdsl.search.rows import ERROR, LOST
from archdsl.search.team import Team, TeamFailed, job_of
from archdsl.spec import Architecture
from archdsl.training.data import load
from archdsl.training.data.folds import fold
from archdsl.training.data.splits import Splits
from archdsl.training.devices import choose_device
from archdsl.training.loop import train_candidate
from archdsl.training.outcome import Epoch, Outcome, TrainingStep
from archdsl.training.packages import missing
from archdsl.training.recipe import Recipe
from archdsl.training.records import read_data, read_recipe
from archdsl.training.sets import Data

SPACE, ACTOR = "archdsl", "epochs"  # Ray's namespace of ours, and the actor in it
ANSWERS = 5.0  # seconds in which a cluster has to answer
LOOK = 0.5  # seconds between looks at a task
AGAIN = 3  # times that Ray runs a task whose node or process was lost
CAPPED = 64  # trials at once, where nobody says how many


@contextmanager
def cluster(address: str | None) -> Iterator[str]:
    """Connects a leader to the cluster at an address (``auto``: the one of this machine), or
    starts one of this machine's cores and GPUs; gives its address. Raises ``ArchError`` (A733)
    for one that does not answer, and where Ray is not installed."""
    ray = _connected(address)
    try:
        node = ray.get_runtime_context().get_node_id()
        strategy = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        made = ray.remote(Epochs).options(
            name=f"{ACTOR}-{os.getpid()}", num_cpus=0, scheduling_strategy=strategy
        )
        actor = made.remote()
        ray.get(actor.after.remote("", 0))
        yield address or ray.get_runtime_context().gcs_address
    finally:
        ray.shutdown()


def _connected(address: str | None) -> Any:
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise missing("ray", "ray") from None
    if address is not None:
        _check_answers(address)
    try:
        ray.init(
            address=address, namespace=SPACE, log_to_driver=False, configure_logging=False,
            include_dashboard=None if address else False,
        )  # fmt: skip
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as problem:
        raise _none(address or "a cluster of this machine", problem) from None
    return ray


def _check_answers(address: str) -> None:
    """Raises ``ArchError`` where nothing listens at an address: Ray itself would try for long."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        if address != "auto":
            raise _none(
                address, ValueError("it is neither HOST:PORT, nor ray://HOST:PORT, nor auto")
            )
        return
    try:
        socket.create_connection((host, int(port)), ANSWERS).close()
    except (OSError, ValueError, OverflowError) as problem:
        raise _none(address, problem) from None


def _none(address: str, problem: BaseException) -> ArchError:
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    reason = text.strip().split("\n", 1)[0].rstrip(".")
    return ArchError([diagnose(codes.NO_CLUSTER, name=address, reason=reason)])


def room(cpus: float, gpus: float) -> int:
    """How many trials of such a share the cluster takes at once; at least one, as more nodes
    may come. Raises ``ArchError`` where Ray is not connected."""
    import ray

    has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    fits = [int(has.get("CPU", 0) / cpus)] + ([int(has.get("GPU", 0) / gpus)] if gpus else [])
    return min(max(1, *fits) if len(fits) == 1 else max(1, min(fits)), CAPPED)


@dataclass(frozen=True)
class OnCluster:
    """Trains networks as tasks of a cluster, as ``train_candidate`` does. ``cpus`` and ``gpus``
    are the share of one trial, ``leader`` the process that has the actor."""

    address: str
    leader: int
    data: Data
    folder: Path  # where paths of data start, on every node
    cpus: float = 1
    gpus: float = 0
    ranks: int = 1
    python: Sequence[Path] = ()
    ray: Any = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ray", _connected(self.address))
        object.__setattr__(self, "folder", self.folder.resolve())  # tasks run in other folders
        files = [path.resolve() if path.exists() else path for path in self.python]
        object.__setattr__(self, "python", files)

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
        """``on_step`` hears of steps now and then. Raises ``TeamFailed``, and what the callbacks
        raise; the task is cancelled then."""
        job = {
            **job_of(arch, splits, recipe, seed, self.data, self.folder, self.python),
            **self.place,
            "ranks": self.ranks,
            "digest": splits.digest,
        }
        hear = lambda said: on_epoch(Epoch(**said))  # noqa: E731
        result = self.run(trained, job, hear, on_step)
        module = arch.build()
        module.load_state_dict(torch.load(io.BytesIO(result["weights"]), weights_only=True))
        done = tuple(Epoch(**epoch) for epoch in result["outcome"].pop("epochs"))
        return module.to(device).eval(), Outcome(epochs=done, **result["outcome"])

    @property
    def place(self) -> dict[str, Any]:
        """Where a task trains."""
        return {"device": "cuda" if self.gpus else "cpu", "threads": max(1, int(self.cpus))}

    def run(
        self,
        function: Callable[[dict[str, Any], Any, str], dict[str, Any]],
        job: dict[str, Any],
        on_epoch: Callable[[dict[str, Any]], None],
        on_step: Callable[[TrainingStep], None] = lambda step: None,
    ) -> dict[str, Any]:
        """What a function gives as a task of the cluster; ``on_epoch`` hears what it says of its
        epochs, each once and in their order. Raises ``TeamFailed``, and what the callbacks raise;
        the task is cancelled then."""
        ray, task = self.ray, uuid.uuid4().hex
        actor = ray.get_actor(f"{ACTOR}-{self.leader}")
        remote = ray.remote(function).options(
            num_cpus=self.cpus, num_gpus=self.gpus, max_retries=AGAIN, name=f"archdsl {job['name']}"
        )
        running = remote.remote(job, actor, task)
        heard, seen = 0, -1
        try:
            while True:
                ready, _ = ray.wait([running], timeout=LOOK)
                epochs, step = ray.get(actor.after.remote(task, heard))
                for said in epochs:
                    heard += 1
                    if said["epoch"] > seen:  # a task that is run again says them again
                        seen = said["epoch"]
                        on_epoch(said)
                if step is not None:
                    on_step(TrainingStep(*step))
                if ready:
                    result: dict[str, Any] = ray.get(running)
                    break
        except (ray.exceptions.RayError, ray.exceptions.RayTaskError) as problem:
            reason = str(problem).strip().split("\n", 1)[0]
            raise TeamFailed(LOST, f"Ray lost the task: {reason}") from None
        finally:
            ray.cancel(running, force=True)
            actor.forget.remote(task)
        if "failure" in result:
            raise TeamFailed(result["failure"], result["cause"])
        return result


# ------------------------------------------------------------------------------ on a node


def trained(job: dict[str, Any], actor: Any, task: str) -> dict[str, Any]:
    """A trial: what a task runs. Gives its outcome and weights, or why there are none."""
    import ray

    def on_epoch(epoch: Epoch) -> None:
        ray.get(actor.add.remote(task, asdict(epoch)))

    @seldom
    def on_step(step: TrainingStep) -> None:
        actor.step.remote(task, step.said())  # nobody waits for it

    try:
        torch.set_num_threads(job["threads"])
        device = choose_device(job["device"])
        arch = architecture_of(job)
        registry = arch.spec.registry
        recipe = read_recipe(job["recipe"], registry=registry)
        splits = _splits(job["data"], job["folder"], tuple(job["python"]))
        if job["fold"] is not None:
            splits = fold(splits, *job["fold"])
        if splits.digest != job["digest"]:
            node = socket.gethostname()
            return {"failure": ERROR, "cause": f"the data on {node} are not those of the leader"}
        train: Callable[..., tuple[nn.Module, Outcome]] = train_candidate
        if job["ranks"] > 1:
            python = [Path(p) for p in job["python"]]
            data = read_data(job["data"], registry=registry)
            train = Team(job["ranks"], data, Path(job["folder"]), python)
        module, outcome = train(
            arch, splits, recipe, job["seed"], device, on_epoch=on_epoch, on_step=on_step
        )
    except TeamFailed as problem:
        return {"failure": problem.failure, "cause": str(problem)}
    except ray.exceptions.RayError:  # the leader's machine is gone: nobody waits
        raise
    except Exception as problem:  # whatever it is, the worker has to hear of it
        failure, cause = told(problem)
        return {"failure": failure, "cause": cause}
    return {"outcome": asdict(outcome), "weights": weights_of(module)}


def weights_of(module: nn.Module) -> bytes:
    buffer = io.BytesIO()
    torch.save(module.cpu().state_dict(), buffer)
    return buffer.getvalue()


@lru_cache(maxsize=2)
def _splits(data: str, folder: str, python: tuple[str, ...]) -> Splits:
    """Loaded once by a process of Ray, which runs task after task."""
    registry = with_files(REGISTRY, [Path(p) for p in python])
    return load(read_data(data, registry=registry), Path(folder))
