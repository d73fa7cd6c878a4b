"""Several processes that train one network together, as ``torchrun`` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those that train: alone, it is rank 0 of 1."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes and reports."""
        return self.rank == 0

    @property
    def share(self) -> slice:
        """The part of a batch that is this process's."""
        return slice(self.rank, None, self.size)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, in each of them."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def agree(self, wish: bool, device: torch.device) -> bool:
        """Whether any process wishes it."""
        return (
            bool(self.sum(torch.tensor(float(wish), device=device)).item())
            if self.size > 1
            else wish
        )

    def level(self, module: nn.Module) -> None:
        """Gives every process the buffers of rank 0, such as running means."""
        if self.size > 1:
            for buffer in module.buffers():
                dist.broadcast(buffer, 0)


def ranks() -> Ranks:
    """The processes of which this one is."""
    if dist.is_available() and dist.is_initialized():
        return Ranks(dist.get_rank(), dist.get_world_size())
    return Ranks()


@contextmanager
def distributed(device: str = "cpu") -> Iterator[torch.device]:
    """Joins the processes that ``torchrun`` started, by its environment variables; alone where
    there are none. Gives this process's device: with CUDA, a GPU for each process of a machine.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield torch.device(device)
        return
    place = torch.device(device)
    if place.type == "cuda":
        place = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield place
    finally:
        dist.destroy_process_group()
