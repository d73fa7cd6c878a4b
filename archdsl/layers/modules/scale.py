"""A learned factor per channel."""

import torch
from torch import Tensor, nn


class Scale(nn.Module):
    """A learned factor per channel, and a shift if asked for (arXiv:2103.17239)."""

    def __init__(
        self, channels: int, axes: int = 2, value: float = 1.0, bias: bool = False
    ) -> None:
        super().__init__()
        self.shape = (channels,) + (1,) * axes
        self.weight = nn.Parameter(torch.full((channels,), value))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.weight.view(self.shape)
        return x if self.bias is None else x + self.bias.view(self.shape)
