"""One network, run in each way that this machine has: time, memory, and how far results are off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from math import isfinite
from pathlib import Path

import numpy as np
import torch
from torch import nn

from archdsl.backend.example_inputs import examples
from archdsl.backend.export import write_onnx
from archdsl.diagnostics.model import ArchError
from archdsl.layers.base import Shape
from archdsl.training.ways import EAGER, EXPORTED, ONNX, WAYS, Job, WayRun

SAME = 1e-3  # relative to the largest result: what differs by more is not taken
NEAR = 0.05  # as fast, as far as one can tell: the simpler way is taken


@dataclass(frozen=True)
class MeasuredWay:
    """A way with its figures: ``difference`` is the largest to eager's results, relative to the
    largest of these; ``problem`` says why there are no figures."""

    way: str
    seconds: float = 0.0
    memory: int | None = None
    difference: float = 0.0
    problem: str = ""

    @property
    def usable(self) -> bool:
        return not self.problem and self.difference <= SAME


def measure_ways(
    module: nn.Module,
    inputs: Sequence[Shape],
    names: Sequence[str],
    batch: int = 1,
    device: str = "cpu",
    threads: int = 1,
    runs: int = 15,
    around: Callable[[str], AbstractContextManager[object]] = nullcontext,
    known: Callable[[MeasuredWay], None] | None = None,
) -> list[MeasuredWay]:
    """Every way of ``archdsl.training.ways``, each in a process of its own, after one another.

    ``names`` are those of the inputs; ``around`` gets the name of each way, and
    its context is that of the measuring; ``known`` gets each way when its figures are known. A way
    that is not installed, or fails, is in the list with its reason.
    """
    with tempfile.TemporaryDirectory(prefix="archdsl-") as place:
        folder = Path(place)
        given = examples(inputs, batch)
        for number, tensor in enumerate(given):
            np.save(folder / f"{number}.npy", tensor.numpy())
        torch.save(module.eval(), folder / "module.pt")
        exported = ""
        found: list[MeasuredWay] = []
        for way in WAYS:
            with around(way):
                reason = _unable(way, device)
                if not reason and way == ONNX:
                    exported = _export(module, inputs, names, folder)
                reason = reason or (exported if way in EXPORTED else "")
                job = Job(way, place, len(given), device, threads, runs)
                made = WayRun(problem=reason) if reason else _run(job)
                off = 0.0 if made.problem else _difference(folder, way)
                if not isfinite(off):
                    made, off = WayRun(problem="its results hold inf or nan"), 0.0
                found.append(MeasuredWay(way, made.seconds, made.memory, off, made.problem))
            if known is not None:
                known(found[-1])
    return found


def best_of(found: Sequence[MeasuredWay]) -> MeasuredWay | None:
    """The fastest way with the same results; of those as fast, the simplest."""
    usable = [m for m in found if m.usable]
    if not usable:
        return None
    fastest = min(m.seconds for m in usable)
    return next(m for m in usable if m.seconds <= fastest * (1 + NEAR))


def _unable(way: str, device: str) -> str:
    if way not in EXPORTED:
        return ""
    if torch.device(device).type != "cpu":
        return "measured on the CPU alone"
    missing = [p for p in ("onnx", "onnxscript", "onnxruntime", EXPORTED[way]) if not find_spec(p)]
    return f"{missing[0]} is not installed: pip install {missing[0]}" if missing else ""


def _export(module: nn.Module, inputs: Sequence[Shape], names: Sequence[str], folder: Path) -> str:
    """Writes `network.onnx`; gives the reason where it cannot."""
    try:
        write_onnx(module, examples(inputs, 2), folder / "network.onnx", inputs=names)
    except ArchError as error:
        return error.diagnostics[0].message
    return ""


def _run(job: Job) -> WayRun:
    """Runs a way. What it compiles goes to the job's folder: a cache of all runs would keep what a
    run that was killed left half written."""
    caches = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "archdsl.training.ways"],
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        env={**os.environ, **{name: str(Path(job.folder) / name) for name in caches}},
    )
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return WayRun(problem=f"its process ended with exit code {done.returncode}")
    return WayRun(**json.loads(lines[-1]))


def _difference(folder: Path, way: str) -> float:
    """How far results are from those of eager mode, relative to these; nan where one of them is."""
    with np.load(folder / f"{EAGER}.npz") as wanted, np.load(folder / f"{way}.npz") as found:
        return float(np.max([_off(wanted[name], found[name]) for name in wanted.files]))


def _off(wanted: np.ndarray, found: np.ndarray) -> float:
    scale = max(float(np.abs(wanted).max()), 1e-12)
    return float(np.abs(wanted - found).max()) / scale
