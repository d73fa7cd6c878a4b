"""Tokens of one's own before the others."""

import torch
from torch import Tensor, nn


class Prepend(nn.Module):
    """Learned tokens before those of ``(N, C, L)`` (arXiv:2010.11929)."""

    def __init__(self, channels: int, tokens: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, tokens, channels))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.weight.mT.expand(x.shape[0], -1, -1), x], 2)
