"""Compiled networks against torchvision's: time, memory, construction.

python benchmarks/backend.py [--device DEVICE] [--batch N] [--pairs N]

Ours is the emitted file, imported without archdsl; both have the same weights. The two take
turns, each first in every other pair, in two rounds: in the second the other is made first. A
ratio is the median over the pairs; beside it stands that of torchvision's over a copy of itself,
which says how much of it is noise. Peak memory is that of a process which makes two training
steps: on a GPU what PyTorch has allocated, else how far the resident set grew from the imports on.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NETWORKS = ("resnet50", "googlenet", "densenet121", "squeezenet1_1")
AUXILIARY = 0.3  # the weight of GoogLeNet's side outputs


def ours(folder: Path, name: str) -> nn.Module:
    """The network of an emitted file."""
    spec = spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    classes = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == name]
    made: nn.Module = classes[-1]()
    return made


def theirs(name: str) -> nn.Module:
    import torchvision

    options: dict[str, Any] = {"aux_logits": True} if name == "googlenet" else {}
    if name == "googlenet":
        options["init_weights"] = True
        options["transform_input"] = False
    made: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return made


def loss_of(outputs: Any, labels: Tensor) -> Tensor:
    """The loss of one result, or of a main and its side outputs, however they are called."""
    if isinstance(outputs, Tensor):
        return F.cross_entropy(outputs, labels)
    main, *sides = outputs.values() if isinstance(outputs, dict) else outputs
    loss = F.cross_entropy(main, labels)
    for side in sides:
        loss = loss + AUXILIARY * F.cross_entropy(side, labels)
    return loss


class Task:
    """A network with images and an optimiser."""

    def __init__(self, module: nn.Module, device: torch.device, batch: int) -> None:
        torch.manual_seed(0)
        self.device = device
        self.module = module.to(device, memory_format=torch.channels_last)
        images = torch.randn(batch, 3, 224, 224, device=device)
        self.images = images.to(memory_format=torch.channels_last)
        self.labels = torch.randint(1000, (batch,), device=device)
        self.optimizer = torch.optim.SGD(self.module.parameters(), lr=1e-3, momentum=0.9)

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def training(self) -> None:
        self.module.train()
        self.optimizer.zero_grad(set_to_none=True)
        loss_of(self.module(self.images), self.labels).backward()
        self.optimizer.step()
        self.wait()

    def inference(self) -> None:
        self.module.eval()
        with torch.inference_mode():
            self.module(self.images)
        self.wait()


def seconds(action: Callable[[], object]) -> float:
    gc.collect()
    started = perf_counter()
    action()
    return perf_counter() - started


def ratios(first: Callable[[], object], second: Callable[[], object], pairs: int) -> list[float]:
    """First over second, which take turns."""
    first(), second()
    found = []
    for number in range(pairs):
        if number % 2:
            b, a = seconds(second), seconds(first)
        else:
            a, b = seconds(first), seconds(second)
        found.append(a / b)
    return found


def steps(
    first: Callable[[], nn.Module],
    second: Callable[[], nn.Module],
    device: torch.device,
    given: Any,
) -> tuple[float, float]:
    """A training step and an inference of the first network over those of the second."""
    training, inference = [], []
    for swapped in (False, True):
        made = [second(), first()] if swapped else [first(), second()]
        tasks = [Task(module, device, given.batch) for module in made]
        a, b = reversed(tasks) if swapped else tasks
        training += ratios(a.training, b.training, given.pairs)
        inference += ratios(a.inference, b.inference, 3 * given.pairs)
    return median(training), median(inference)


def peak(folder: Path, name: str, whose: str, device: torch.device, batch: int) -> int:
    """The bytes that training takes, in a process of its own."""
    command = [sys.executable, __file__, "--peak", whose, "--name", name, "--folder", str(folder)]
    command += ["--device", str(device), "--batch", str(batch)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return int(json.loads(done.stdout)["bytes"])


def say_peak(folder: Path, name: str, whose: str, device: torch.device, batch: int) -> None:
    import torchvision  # noqa: F401 - both have it loaded

    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    task = Task(ours(folder, name) if whose == "ours" else theirs(name), device, batch)
    for _ in range(2):
        task.training()
    if device.type == "cuda":
        found = torch.cuda.max_memory_allocated(device)
    else:
        found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(json.dumps({"bytes": found}))


def networks(folder: Path, device: torch.device, given: Any) -> None:
    import archdsl

    for name in NETWORKS:
        (folder / f"{name}.py").write_text(archdsl.load(name).source())

        def mine(name: str = name) -> nn.Module:
            module = ours(folder, name)
            archdsl.transfer(theirs(name).state_dict(), module)
            return module

        def other(name: str = name) -> nn.Module:
            return theirs(name)

        training, inference = steps(mine, other, device, given)
        noise = steps(other, other, device, given)
        memory = [
            peak(folder, name, "ours", device, given.batch)
            / peak(folder, name, "theirs", device, given.batch)
            for _ in range(3)
        ]
        print(
            f"{name:14} training step {training:.3f} (noise {noise[0]:.3f})"
            f"   inference {inference:.3f} (noise {noise[1]:.3f})"
            f"   peak memory {median(memory):.3f}",
            flush=True,
        )


def construction(pairs: int) -> None:
    import torchvision

    import archdsl

    arch = archdsl.load("resnet152")
    arch.build()
    build = ratios(arch.build, lambda: torchvision.models.resnet152(weights=None), pairs)
    print(f"resnet152: construction over torchvision's constructor {median(build):.3f}")
    spec = archdsl.read("densenet")
    shares = []
    for classes in range(900, 900 + pairs):  # a fresh candidate each time
        fresh = spec.variant("densenet201").with_knobs(classes=classes)
        source = seconds(fresh.source)
        shares.append(source / seconds(fresh.build))
    print(f"densenet201: making its source over constructing it {median(shares):.3f}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    parser.add_argument("--name", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    device = torch.device(given.device)
    if given.peak:
        say_peak(given.folder, given.name, given.peak, device, given.batch)
        return
    print(f"torch {torch.__version__}, {device}, batch {given.batch}; ours over torchvision's")
    with tempfile.TemporaryDirectory() as folder:
        networks(Path(folder), device, given)
    construction(given.pairs)


if __name__ == "__main__":
    main()
