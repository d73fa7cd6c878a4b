"""Several processes that train one network together, as ``torchrun`` starts them."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module

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

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """What stands below is done by rank 0, and then by the others: downloads, for one."""
        if self.size > 1 and not self.leads:
            dist.barrier()
        try:
            yield
        finally:
            if self.size > 1 and self.leads:
                dist.barrier()

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
def distributed(device: torch.device) -> Iterator[torch.device]:
    """Joins the processes that ``torchrun`` started, by its environment variables, and leaves
    them at the end; this process stays alone where there are none.

    Gives its device: with CUDA, each process of a machine has a GPU of its own.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    # The functions of this module have the group as a default argument if it is imported, as
    # DistributedDataParallel does, while there is one. A group that something holds is not ended
    # by `destroy_process_group`: its threads run into the end of Python, which can abort it.
    import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        gc.collect()  # a DistributedDataParallel is a cycle, and holds the group
        dist.destroy_process_group()
