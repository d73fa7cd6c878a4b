"""One learned number."""

import torch
from torch import Tensor, nn


class Times(nn.Module):
    """Multiplies with one learned number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(value))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight


class Plus(nn.Module):
    """Adds one learned number."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(value))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias
