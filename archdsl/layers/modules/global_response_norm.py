"""Normalisation by the response of a whole channel."""

import torch
from torch import Tensor, nn


class GlobalResponseNorm(nn.Module):
    """Each channel times its share in the length of all (arXiv:2301.00808)."""

    def __init__(self, channels: int, axes: int = 2, eps: float = 1e-6) -> None:
        super().__init__()
        self.shape, self.eps = (channels,) + (1,) * axes, eps
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        pixels = tuple(range(2, x.dim()))
        length: Tensor = torch.linalg.vector_norm(x, dim=pixels, keepdim=True)
        share = length / (length.mean(1, keepdim=True) + self.eps)
        weight, bias = self.weight.view(self.shape), self.bias.view(self.shape)
        return x + weight * (x * share) + bias
