"""Layers one after the other, all of whose results are kept."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class KeepAll(nn.Sequential):
    """Each layer sees the one before it; the result is the concatenation of all."""

    def __init__(self, layers) -> None:
        named = ((f"layer{i}", layer) for i, layer in enumerate(layers, 1))
        super().__init__(OrderedDict(named))

    def forward(self, x: Tensor) -> Tensor:
        kept = [x]
        for layer in self:
            kept.append(layer(kept[-1]))
        return torch.cat(kept, 1)
