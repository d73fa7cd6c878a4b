"""Where the columns of a fractal meet, and its drop-path."""

import torch
from torch import Tensor, nn


class ColumnMean(nn.Module):
    """The mean of columns that meet, some dropped in training (arXiv:1605.07648).

    Each is dropped with probability ``drop_path``, but one is kept; or, if ``path``
    says so, all but one column of the whole network are.
    """

    def __init__(self, drop_path: float) -> None:
        super().__init__()
        self.drop_path = drop_path

    def forward(self, inputs: dict[int, Tensor], path=None) -> Tensor:
        first, *others = inputs.values()
        if not self.training or not others or not (self.drop_path or path):
            return sum(others, first) / len(inputs) if others else first
        places = torch.arange(len(inputs), device=first.device)
        keep = torch.rand(len(inputs), device=first.device) >= self.drop_path
        saved = places == torch.randint(len(inputs), (), device=first.device)
        keep = torch.where(keep.any(), keep, saved)
        if path is not None:
            whole, column = path
            chosen = torch.stack([column == c for c in inputs])
            keep = torch.where(whole, chosen | ~chosen.any(), keep)
        shares = (keep / keep.sum()).to(first.dtype)
        first, *others = [s * x for s, x in zip(shares, inputs.values(), strict=True)]
        return sum(others, first)
