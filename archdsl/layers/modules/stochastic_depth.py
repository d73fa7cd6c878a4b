"""The joint of stochastic depth."""

import torch
from torch import Tensor, nn


class StochasticDepth(nn.Module):
    """shortcut + branch, the branch dropped at random in training (arXiv:1603.09382).

    ``survive`` is the probability to keep it: drawn once per "batch" or per "sample".
    The branch is scaled by it in "eval" (the paper), or by its inverse in "train".
    """

    def __init__(
        self, survive: float, per: str = "batch", scaling: str = "eval"
    ) -> None:
        super().__init__()
        self.survive, self.per, self.scaling = survive, per, scaling

    def forward(self, shortcut: Tensor, branch: Tensor) -> Tensor:
        if self.survive == 1 or not (self.training or self.scaling == "eval"):
            return shortcut + branch
        if not self.training:
            return shortcut + self.survive * branch
        draws = [len(branch) if self.per == "sample" else 1] + [1] * (branch.dim() - 1)
        keep = (torch.rand(draws, device=branch.device) < self.survive).to(branch.dtype)
        if self.scaling == "train" and self.survive:
            keep = keep / self.survive
        return shortcut + keep * branch
