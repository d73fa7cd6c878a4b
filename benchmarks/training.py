"""Images a second of the training loop, against a plain, tuned PyTorch script.

python benchmarks/training.py [--threads N] [--pairs N] [--images N]

Both train the same network on the same images of Fashion-MNIST with the same batches, recipe and
threads. The script keeps its images normalised, as float32, in memory, channels last; its learning
rate and update are those of the loop, and it waits for no loss. The two take turns, and the ratio
is taken pair by pair, so that what else runs on the machine falls on both. Many short pairs say
more than few long ones: the interval is that of the median (95 %, by order statistics).
"""

from __future__ import annotations

import argparse
import random
from math import cos, floor, pi, sqrt
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
import torch.nn.functional as F

import archdsl
from archdsl.training.data import load
from archdsl.training.data.splits import Splits
from archdsl.training.fit import fit
from archdsl.training.loop import train
from archdsl.training.recipe import Recipe, Sgd
from archdsl.training.sets import FashionMnist

NETWORKS = {
    "wide_resnet": {"depth": "10", "width": "1"},
    "resnet_cifar": {"depth": "20"},
    "mobilenet_v2": {"width": "0.35"},
}


def plain(module: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, r: Recipe) -> float:
    """An epoch as one would write it by hand; images a second."""
    assert isinstance(r.optimizer, Sgd)
    optimizer = torch.optim.SGD(
        module.parameters(),
        lr=r.lr,
        momentum=r.optimizer.momentum,
        weight_decay=r.optimizer.weight_decay,
        nesterov=r.optimizer.nesterov,
        fused=True,
    )
    steps = len(images) // r.batch
    total = torch.zeros(())
    module.train()
    started = perf_counter()
    order = torch.randperm(len(images))
    for step in range(steps):
        rows = order[step * r.batch : (step + 1) * r.batch]
        for group in optimizer.param_groups:
            group["lr"] = r.lr * (1 + cos(pi * step / steps)) / 2
        loss = F.cross_entropy(module(images.index_select(0, rows)), labels.index_select(0, rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        total += loss.detach()
    total.item()
    return steps * r.batch / (perf_counter() - started)


def pair(
    arch: archdsl.Architecture, splits: Splits, floats: torch.Tensor, recipe: Recipe
) -> tuple[float, float]:
    """The loop's images a second, and the script's, in an order that is drawn."""

    def loop() -> float:
        return train(arch.build(), splits, recipe, 0).images_per_second

    def script() -> float:
        module = arch.build(memory_format=torch.channels_last)
        return plain(module, floats, splits.train.labels, recipe)

    if random.random() < 0.5:
        return loop(), script()
    second, first = script(), loop()
    return first, second


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--images", type=int, default=2048)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    random.seed(0)
    splits = load(FashionMnist(train=given.images, validation=0.002), Path())
    mean, std = splits.mean.view(-1, 1, 1), splits.std.view(-1, 1, 1)
    floats = ((splits.train.images / 255 - mean) / std).to(memory_format=torch.channels_last)
    recipe = Recipe(epochs=1, batch=128)
    print(f"{given.images:,} images, batches of {recipe.batch}, {given.threads} threads")
    print("network          MACs   loop/s  script/s  ratio  (interval)")
    for name, knobs in NETWORKS.items():
        arch = fit(archdsl.read(name), knobs, splits.image, splits.classes)
        pair(arch, splits, floats, recipe)  # warm
        found = [pair(arch, splits, floats, recipe) for _ in range(given.pairs)]
        ratios = sorted(a / b for a, b in found)
        # How many of n lie below the median is binomial: n/2, give or take sqrt(n) in 95 %.
        edge = max(0, floor((len(ratios) - 1.96 * sqrt(len(ratios))) / 2))
        loop, script = (median(x) for x in zip(*found, strict=True))
        spread = f"({ratios[edge]:.3f} to {ratios[-edge - 1]:.3f})"
        macs = f"{arch.macs / 1e6:.1f}M"
        print(f"{name:15} {macs:>5} {loop:8,.0f} {script:9,.0f}  {median(ratios):.3f}  {spread}")


if __name__ == "__main__":
    main()
