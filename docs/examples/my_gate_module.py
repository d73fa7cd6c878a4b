"""The module of the layer in my_gate.py, as an emitted file takes it."""

from functools import reduce
from operator import mul

import torch
from torch import Tensor, nn

LEAST = 1e-3


class Firing(nn.Module):
    """How strongly each channel fires: the mean of what is above zero."""

    def forward(self, x: Tensor) -> Tensor:
        pixels = reduce(mul, x.shape[2:], 1)
        return x.clamp(min=0).flatten(2).sum(2) / pixels + LEAST


class MeanGate(nn.Module):
    """Each channel times a learned power of how strongly it fires."""

    def __init__(self, channels: int, power: float = 1.0) -> None:
        super().__init__()
        self.firing = Firing()
        self.power = nn.Parameter(torch.full((channels,), power))

    def forward(self, x: Tensor) -> Tensor:
        gate = self.firing(x) ** self.power
        return x * gate.view(*gate.shape, *(1,) * (x.dim() - 2))
