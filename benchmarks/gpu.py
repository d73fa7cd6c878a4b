"""What a GPU gives: numbers, speed and memory. benchmarks/gpu.sh runs it.

python benchmarks/gpu.py [--device DEVICE] [--minutes N] [--tiny]

Each part prints a line of Markdown as soon as it is known, so that a run that is cut short leaves
what it had. A part that fails says how, and the next one begins; the exit code is then 1. --tiny
takes sizes that a CPU manages in seconds, to try the script without a GPU.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import monotonic

import numpy as np
import torch
from backend import Task, ours, theirs
from torch import nn

import archdsl
from archdsl.training.data import describe, load
from archdsl.training.data.splits import Splits
from archdsl.training.fit import fit
from archdsl.training.loop import train
from archdsl.training.outcome import Outcome
from archdsl.training.records import read_data, read_recipe

DATA = 'arrays("patches.npz")'
RECIPE = "epochs = {epochs}, batch = {batch}, lr = 0.05, amp = {amp}, channels_last = {last}"
SEARCH = """
search shared
spec {spec}
vary depth in {depths}
hold macs = {macs} within 20% by width
data arrays("../patches.npz")
train epochs = {epochs}, batch = {batch}, lr = 0.05
seeds 1 then 1
trials 6
"""

TINY = """
arch tiny(depth = 2 in 1..4, width = 8 in 2..64, classes = 4)
input 3x8x8
for i in 1..depth { conv(width, 3) -> bn -> relu }
head: global_avgpool -> linear(classes)
"""


@dataclass(frozen=True)
class Bench:
    """A device, a folder with data, and sizes that suit the device."""

    device: torch.device
    folder: Path
    tiny: bool

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def networks(self) -> tuple[str, ...]:
        return ("squeezenet1_1",) if self.tiny else ("resnet50", "googlenet")

    @property
    def side(self) -> int:
        return 8 if self.tiny else 32

    def splits(self) -> Splits:
        return load(read_data(DATA), self.folder)

    @property
    def spec(self) -> str:
        return str(self.folder / "tiny.arch") if self.tiny else "wide_resnet"

    def network(self) -> archdsl.Architecture:
        knobs = {} if self.tiny else {"depth": 10, "width": 2}
        return fit(archdsl.read(self.spec), knobs, *describe(read_data(DATA), self.folder))

    def trained(self, device: torch.device, amp: str, last: str, compile: bool = False) -> Outcome:
        sizes = {"epochs": 2, "batch": 32 if self.tiny else 256}
        words = RECIPE.format(**sizes, amp=amp, last=last) + ", compile = true" * compile
        torch.manual_seed(0)
        module = self.network().build()
        return train(module, self.splits(), read_recipe(words), 0, device)


def make_data(folder: Path, count: int, side: int) -> None:
    """Noise with a bright patch in one of four corners: what is learned within an epoch or two."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 4
    images = random.integers(0, 120, (count, 3, side, side), np.uint8)
    half = side // 2
    for image, label in zip(images, labels, strict=True):
        top, left = half * (label // 2), half * (label % 2)
        image[:, top : top + half, left : left + half] += 100
    np.savez(folder / "patches.npz", images=images, labels=labels)


# ------------------------------------------------------------------------------- the parts


def the_same_numbers(bench: Bench) -> Iterator[str]:
    """Results and gradients against those of the CPU, in float64 and in float32 without TF32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        for dtype in (torch.float64, torch.float32):
            results, gradients = zip(
                gradients_of(bench, torch.device("cpu"), dtype),
                gradients_of(bench, bench.device, dtype),
                strict=True,
            )
            yield (
                f"{dtype}: results within {off(*results):.1g}, "
                f"gradients within {off(*gradients):.1g} of the CPU's"
            )
        here, there = (bench.trained(d, "off", "off") for d in (torch.device("cpu"), bench.device))
        losses = [[e.train_loss for e in found.epochs] for found in (here, there)]
        yield (
            f"trained for {len(losses[0])} epochs, losses on the CPU {shown(losses[0])}, "
            f"here {shown(losses[1])}; accuracy {here.accuracy:.2%} and {there.accuracy:.2%}"
        )
    finally:
        torch.backends.cudnn.allow_tf32 = True


def gradients_of(
    bench: Bench, device: torch.device, dtype: torch.dtype
) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    module = bench.network().build(dtype=dtype).to(device).train()
    images = torch.randn(8, 3, bench.side, bench.side, dtype=torch.float64).to(device, dtype)
    outputs = module(images)
    outputs.square().mean().backward()
    flat = [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return outputs.detach().cpu(), torch.cat(flat).cpu()


def off(wanted: torch.Tensor, found: torch.Tensor) -> float:
    """The largest difference, relative to the largest number."""
    return float((wanted - found).abs().max() / wanted.abs().max())


def shown(losses: list[float]) -> str:
    return ", ".join(f"{loss:.5f}" for loss in losses)


def ways_to_train(bench: Bench) -> Iterator[str]:
    """Images a second of `archdsl train`, in the second of two trainings: the first warms up."""
    ways = [("off", "off", False), ("off", "on", False), ("on", "off", False), ("on", "on", False)]
    if not bench.tiny:  # inductor takes its time
        ways.append(("on", "on", True))
    for amp, last, compile in ways:
        for _ in range(2):
            found = bench.trained(bench.device, amp, last, compile)
        words = f"amp {amp}, channels_last {last}" + ", compiled" * compile
        yield f"{words}: {found.images_per_second:,.0f} images a second, {found.accuracy:.2%}"


def against_torchvision(bench: Bench) -> Iterator[str]:
    """Ours over torchvision's, both by torch.compile: they take turns."""
    peer = find_spec("torchvision") is not None
    if not peer:
        yield "torchvision is not installed here: ours alone"
    for name in bench.networks:
        (bench.folder / f"{name}.py").write_text(archdsl.load(name).source())
        made: list[Callable[[], nn.Module]] = [lambda name=name: ours(bench.folder, name)]
        made += [lambda name=name: theirs(name)] * peer
        batch = 2 if bench.tiny else 64
        tasks = []
        for make in made:
            task = Task(make(), bench.device, batch)
            task.module = torch.compile(task.module, backend="eager" if bench.tiny else "inductor")
            tasks.append(task)
        for kind in ("training", "inference"):
            for task in tasks:
                for _ in range(1 if bench.tiny else 3):
                    getattr(task, kind)()
            turns = [
                [seconds(getattr(t, kind)) for t in tasks] for _ in range(1 if bench.tiny else 30)
            ]
            mine, *other = (median(column) for column in zip(*turns, strict=True))
            ratio = f", {mine / other[0]:.3f} of torchvision's time" if other else ""
            yield f"{name}, {kind}: {batch / mine:,.0f} images a second{ratio}"
        torch.compiler.reset()


def seconds(action: Callable[[], None]) -> float:
    started = monotonic()
    action()  # waits for the device
    return monotonic() - started


def latency_as_a_budget(bench: Bench) -> Iterator[str]:
    """`archdsl fit --latency`: the depth that takes a given time, for two ways to run it."""
    for on in ("eager",) if bench.tiny else ("eager", "compile"):
        # On a GPU the width of so small a network hardly changes its time.
        knob = "width" if bench.tiny else "depth"
        arguments = ["fit", bench.spec, "--factor", "0.6", "--of", "latency", "--by", knob]
        arguments += [
            "--within",
            "90%" if bench.tiny else "30%",
            "--on",
            on,
            "--device",
            str(bench.device),
        ]
        lines = command(bench, bench.folder, *arguments).splitlines()
        yield f"{on}: {lines[0]}; {' '.join(next(x for x in lines if 'latency  ' in x).split())}"


def two_workers_on_one(bench: Bench) -> Iterator[str]:
    """A search with one worker and with two, on the same device."""
    sizes = {"spec": '"../tiny.arch"', "depths": "{1, 2, 3}", "macs": "50K"}
    sizes |= {"epochs": "1", "batch": "64"}
    if not bench.tiny:
        sizes = {"spec": bench.spec, "depths": "{10, 16, 22}", "macs": "20M"}
        sizes |= {"epochs": "3", "batch": "128"}
    text = SEARCH.format(**sizes)
    for workers in (2,) if bench.tiny else (1, 2):
        folder = bench.folder / str(workers)
        folder.mkdir()
        (folder / "shared.search").write_text(text)
        device = f"{bench.device.type}:0" if bench.cuda else str(bench.device)
        started = monotonic()
        arguments = ("shared.search", "--workers", str(workers), "--device", device)
        said = command(bench, folder, "search", *arguments)
        best = re.search(r"^best: (.*);", said, re.MULTILINE)
        assert best is not None, said
        yield f"{workers}: {monotonic() - started:.0f} s from start to verdict; best {best[1]}"


def memory_as_estimated(bench: Bench) -> Iterator[str]:
    """What PyTorch has allocated at the peak, over the estimate from the spec."""
    if not bench.cuda:
        yield "PyTorch says what it has allocated on CUDA alone"
        return
    for name in ("resnet18", "resnet50", "densenet121", "mobilenet_v2_1_0", "vgg11"):
        arch, batch = archdsl.load(name), 32
        task = Task(arch.build(), bench.device, batch)
        task.inference()
        found = []
        for work in (task.inference, task.training, task.training):
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            work()
            found.append(torch.cuda.max_memory_allocated())
        estimate = arch.memory(batch)
        yield (
            f"{name}: inference {found[0] / estimate.inference:.2f}, "
            f"training {found[-1] / estimate.training:.2f} of the estimate"
        )
        del task
        torch.cuda.empty_cache()


def command(bench: Bench, folder: Path, *arguments: str) -> str:
    """What `archdsl` prints. Raises ``RuntimeError`` where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "archdsl", *arguments],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(
            f"archdsl {' '.join(arguments)}: {done.stdout[-500:]}{done.stderr[-2000:]}"
        )
    return done.stdout


PARTS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "The same numbers": the_same_numbers,
    "Ways to train": ways_to_train,
    "Two workers on one device": two_workers_on_one,
    "Memory over its estimate": memory_as_estimated,
    "Latency as a budget": latency_as_a_budget,
    "Against torchvision, compiled": against_torchvision,
}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", help="cuda, if it is there; cpu with --tiny")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args()
    device = torch.device(given.device or ("cpu" if given.tiny else "cuda"))
    end, failed = monotonic() + 60 * given.minutes, 0
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    print(f"{name or device}; PyTorch {torch.__version__}, Python {platform.python_version()}, "
          f"archdsl {archdsl.__version__}", flush=True)  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(device, Path(place), given.tiny)
        (bench.folder / "tiny.arch").write_text(TINY)
        make_data(bench.folder, 240 if given.tiny else 20_000, bench.side)
        for title, part in PARTS.items():
            started = monotonic()
            print(f"\n### {title}\n", flush=True)
            if started > end - (0 if given.tiny else 30):
                print("- left out: the time is over")
                continue
            try:
                for line in part(bench):
                    print(f"- {line}", flush=True)
            except Exception as problem:
                failed += 1
                print(f"- failed: {type(problem).__name__}: {problem}", flush=True)
                traceback.print_exc()
            print(f"- ({monotonic() - started:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
