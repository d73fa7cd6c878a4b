"""Normalisation by the root mean square."""

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """The channels at each pixel over their root mean square (arXiv:1910.07467)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        y = wide * torch.rsqrt(wide.square().mean(1, keepdim=True) + self.eps)
        return y.to(x.dtype) * self.weight.view(-1, *(1,) * (x.dim() - 2))


class HeadRMSNorm(RMSNorm):
    """The channels of each head by themselves, with the same factors for all heads."""

    def forward(self, x: Tensor) -> Tensor:
        heads = x.reshape(-1, self.weight.shape[0], *x.shape[2:])
        return super().forward(heads).reshape(x.shape)
