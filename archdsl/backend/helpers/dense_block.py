"""Dense connections."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class DenseBlock(nn.Sequential):
    """Each layer sees all before it, concatenated (arXiv:1608.06993)."""

    def __init__(self, layers) -> None:
        named = ((f"layer{i}", layer) for i, layer in enumerate(layers, 1))
        super().__init__(OrderedDict(named))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = torch.cat([x, layer(x)], 1)
        return x
