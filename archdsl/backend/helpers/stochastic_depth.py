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
        if not self.training:
            scale = self.survive if self.scaling == "eval" else 1.0
            return shortcut + scale * branch
        draws = [len(branch) if self.per == "sample" else 1] + [1] * (branch.dim() - 1)
        keep = (torch.rand(draws, device=branch.device) < self.survive).to(branch.dtype)
        scale = 1 / self.survive if self.scaling == "train" and self.survive else 1.0
        return shortcut + scale * keep * branch
