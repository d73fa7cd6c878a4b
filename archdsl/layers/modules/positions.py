"""Learned positions."""

import torch
from torch import Tensor, nn


class Positions(nn.Module):
    """A learned vector for each pixel, added (arXiv:2010.11929)."""

    def __init__(self, channels: int, *size: int) -> None:
        super().__init__()
        self.tokens = len(size) == 1  # stored with channels last, as elsewhere
        shape = (*size, channels) if self.tokens else (channels, *size)
        self.weight = nn.Parameter(torch.zeros(1, *shape))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.weight.mT if self.tokens else self.weight)
