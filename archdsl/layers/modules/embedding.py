"""Vectors of token ids."""

from torch import Tensor, nn


class Embedding(nn.Embedding):
    """A learned vector for each token id: ``(N, C, L)`` of ``(N, L)``."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).movedim(-1, 1)
