"""How long a network takes, measured."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from time import perf_counter

import torch
from torch import Tensor, nn

from archdsl.backend.example_inputs import examples
from archdsl.layers.base import Shape
from archdsl.spec import Architecture
from archdsl.training.losses import loss_of
from archdsl.training.precision import memory_format
from archdsl.training.recipe import Recipe
from archdsl.training.seeds import kept_apart

WARM_UP = 3
RUNS = 15


@dataclass(frozen=True, slots=True)
class BatchSeconds:
    """Seconds for a batch: for its results alone, and for learning from it. A step of training is
    forward, loss, backward, and the optimizer's update."""

    inference_seconds: float
    training_step_seconds: float


def measure(
    network: Architecture | nn.Module,
    input: Shape,
    batch: int = 1,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    runs: int = RUNS,
) -> BatchSeconds:
    """The median of warm runs on random images, ``input`` being their shape, channels first; of
    an architecture with several inputs, the first's.

    Weights and images are of ``dtype``, and lie in memory as they would in training; the loss is
    cross-entropy with random classes. A module stays as it is: a copy is measured.
    """
    device = torch.device(device)
    with kept_apart(device):
        module, images = ready(network, input, batch, device, dtype)
        inference = measure_call(lambda: _infer(module.eval(), images), device, runs)
        step = measure_call(_step_of(module.train(), images), device, runs)
    return BatchSeconds(inference, step)


def measure_inference(
    network: Architecture | nn.Module,
    input: Shape,
    device: torch.device | str = "cpu",
    runs: int = RUNS,
    batch: int = 1,
) -> float:
    """Seconds for the results of a batch: what ``measure`` says of them, and no more."""
    device = torch.device(device)
    with kept_apart(device):
        module, image = ready(network, input, batch, device, torch.float32)
        return measure_call(lambda: _infer(module.eval(), image), device, runs)


Given = tuple[Tensor, ...]


def ready(
    network: Architecture | nn.Module,
    input: Shape,
    batch: int,
    device: torch.device,
    dtype: torch.dtype,
) -> tuple[nn.Module, Given]:
    """A module of its own, and a batch of each tensor that comes in."""
    torch.manual_seed(0)
    built = network.build() if isinstance(network, Architecture) else copy.deepcopy(network)
    layout = memory_format(Recipe(), device, built, len(input) - 1)
    module = built.to(device=device, dtype=dtype, memory_format=layout)  # type: ignore[call-overload]
    others = list(network.inputs.values())[1:] if isinstance(network, Architecture) else []
    first, *rest = examples([input, *others], batch, device, dtype)
    if first.is_floating_point():
        first = first.contiguous(memory_format=layout)
    return module, (first, *rest)


def _infer(module: nn.Module, images: Given) -> None:
    with torch.inference_mode():
        module(*images)


def _step_of(module: nn.Module, images: Given) -> Callable[[], None]:
    loss = loss_of(module, Recipe())
    optimizer = torch.optim.SGD(module.parameters(), 1e-4, momentum=0.9, fused=True)
    labels: list[Tensor] = []

    def step() -> None:
        outputs = module(*images)
        weights = getattr(module, "output_weights", {})
        learned = [y for k, y in outputs.items() if weights[k]] if weights else [outputs]
        if not labels and learned:  # one for each image, or, in a dense prediction, for each place
            main = learned[0]
            shape = (main.shape[0], *main.shape[2:])
            labels.append(torch.randint(main.shape[1], shape, device=main.device))
        optimizer.zero_grad(set_to_none=True)
        features = () if learned else outputs.values()  # nothing says what they are to be
        found = loss(outputs, labels[0]) if learned else sum(y.mean() for y in features)
        torch.autograd.backward(found)
        optimizer.step()

    return step


def measure_call(work: Callable[[], None], device: torch.device, runs: int) -> float:
    """Seconds. A GPU's own clock is read where there is one: the host only hands out its work."""
    for _ in range(WARM_UP):
        work()
    if device.type != "cuda":
        seconds = []
        for _ in range(runs):
            started = perf_counter()
            work()
            seconds.append(perf_counter() - started)
        return median(seconds)
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(runs + 1)]
    torch.cuda.synchronize(device)
    marks[0].record()
    for mark in marks[1:]:
        work()
        mark.record()
    torch.cuda.synchronize(device)
    times: list[float] = [start.elapsed_time(end) for start, end in pairwise(marks)]
    return median(times) / 1000
