"""The fractal expansion, and its drop-path."""

import torch
from torch import Tensor, nn


class Fractal(nn.Module):
    """Columns of 1, 2, 4, ... units that meet in means (arXiv:1605.07648).

    In training each input of a mean is dropped with probability ``drop_path``, but one
    is kept; or, if ``path`` says so, all but one column of the whole network are.
    """

    def __init__(self, columns: int, first, unit, drop_path: float = 0.0) -> None:
        super().__init__()
        self.columns, self.drop_path = columns, drop_path
        for c in range(columns):
            for i in range(2**c):
                self.add_module(f"column{c + 1}_{i + 1}", unit() if i else first())

    def forward(self, x: Tensor, path=None) -> Tensor:
        heads = dict.fromkeys(range(self.columns), x)
        for t in range(1, 2 ** (self.columns - 1) + 1):
            ends = {c: t / 2 ** (self.columns - 1 - c) for c in heads}
            ends = {c: int(i) for c, i in ends.items() if i == int(i)}
            units = {c: getattr(self, f"column{c + 1}_{i}") for c, i in ends.items()}
            joined = self.join({c: unit(heads[c]) for c, unit in units.items()}, path)
            heads.update(dict.fromkeys(ends, joined))
        return heads[0]

    def join(self, inputs: dict[int, Tensor], path) -> Tensor:
        first, *others = inputs.values()
        if not self.training or not others or not (self.drop_path or path):
            return sum(others, first) / len(inputs)
        places = torch.arange(len(inputs), device=first.device)
        keep = torch.rand(len(inputs), device=first.device) >= self.drop_path
        saved = places == torch.randint(len(inputs), (), device=first.device)
        keep = torch.where(keep.any(), keep, saved)
        if path is not None:
            whole, column = path
            chosen = torch.stack([column == c for c in inputs])
            keep = torch.where(whole, chosen | ~chosen.any(), keep)
        shares = (keep / keep.sum()).to(first.dtype).unbind()
        scaled = [s * x for s, x in zip(shares, inputs.values(), strict=True)]
        return sum(scaled[1:], scaled[0])
