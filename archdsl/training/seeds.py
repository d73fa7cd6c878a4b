"""Randomness that one seed decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import torch


def derived(seed: int, *of: str | int) -> int:
    """A seed for one purpose: ``derived(7, "order", 3)`` is that of the third epoch's order.

    What is drawn for one purpose depends on no other; and an epoch depends on no earlier one,
    so that a training that goes on draws what one without a break would have drawn.
    """
    text = " ".join(map(str, (seed, *of)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(device: torch.device | str, seed: int, *of: str | int) -> torch.Generator:
    """A generator of its own for one purpose."""
    return torch.Generator(device).manual_seed(derived(seed, *of))


def seed_all(device: torch.device, seed: int) -> None:
    """Seeds what draws on the processor and on a device; ``torch.manual_seed`` would note where
    it was called for each kind of device that is not there, which is felt in short epochs."""
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)


@contextmanager
def kept_apart(device: torch.device) -> Iterator[None]:
    """Leaves PyTorch's own random state, and the choice of cuDNN's algorithms, as it was.

    Within, cuDNN takes algorithms that give the same numbers each time.
    """
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        cudnn.deterministic, cudnn.benchmark = True, False
        try:
            yield
        finally:
            cudnn.deterministic, cudnn.benchmark = before
