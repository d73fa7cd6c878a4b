"""Positions told by waves."""

import torch
from torch import Tensor, nn


class Sinusoids(nn.Module):
    """Sines and cosines of the place of each token, added (arXiv:1706.03762).

    Channels are in pairs of a sine and a cosine, each pair slower than the one before
    it: from one radian a token to ``1 / base``.
    """

    def __init__(self, base: float = 10000.0) -> None:
        super().__init__()
        self.base = base

    def forward(self, x: Tensor) -> Tensor:
        channels, places = x.shape[1], torch.arange(x.shape[2], device=x.device)
        pair = torch.arange(0, channels, 2, device=x.device)
        angle = torch.outer(self.base ** (-pair / channels), places)
        waves = torch.stack([angle.sin(), angle.cos()], 1).flatten(0, 1)
        return x + waves.to(x.dtype)
