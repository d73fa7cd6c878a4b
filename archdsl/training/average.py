"""The moving average of a network's weights, which often is better than the weights at any step
(Polyak and Juditsky, 1992)."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class MovingAverage:
    """A network whose tensors follow those of another, each step by a share of the distance.

    The share is ``1 - decay``, and larger in the first steps, so that where the weights started is
    forgotten: ``decay`` is at most ``(1 + steps) / (10 + steps)``. Whole numbers are copied.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = deepcopy(module).requires_grad_(False)
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def follow(self, module: nn.Module) -> None:
        """Takes a step towards a module."""
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        own, theirs = self.module.state_dict(), module.state_dict()
        for name, tensor in theirs.items():
            if tensor.is_floating_point():
                own[name].lerp_(tensor, share)
            else:
                own[name].copy_(tensor)
