"""patterns: 272,250 parameters, 42,910,336 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from patterns.arch with pattern = "fractal", units = 4,
width = 1, second = 2, third = 2, classes = 10.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


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


class Fractal(nn.Module):
    """Columns of 1, 2, 4, ... units, which meet in means (arXiv:1605.07648).

    ``unit(i)`` makes the units of a column: ``i`` is 0 for the first.
    """

    def __init__(self, columns: int, unit, drop_path: float = 0.0) -> None:
        super().__init__()
        self.columns, self.mean = columns, ColumnMean(drop_path)
        for c in range(columns):
            for i in range(2**c):
                self.add_module(f"column{c + 1}_{i + 1}", unit(i))

    def forward(self, x: Tensor, path=None) -> Tensor:
        heads, steps = [x] * self.columns, 2 ** (self.columns - 1)
        for step in range(1, steps + 1):
            ends = {}  # the columns of which a unit ends here
            for c in range(self.columns):
                i, rest = divmod(step * 2**c, steps)
                if rest == 0:
                    ends[c] = getattr(self, f"column{c + 1}_{i}")(heads[c])
            joined = self.mean(ends, path)
            heads = [joined if c in ends else head for c, head in enumerate(heads)]
        return heads[0]


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)


class FractalStage(nn.Module):
    """Columns that halve in depth, joined by their means (arXiv:1605.07648)."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.fractal1 = Fractal(3, lambda i: Unit(c if i else in_channels, c), 0.15)

    def forward(self, x: Tensor, path: tuple[Tensor, Tensor] | None = None) -> Tensor:
        return self.fractal1(x, path)


class Stage(nn.Module):
    def __init__(self, in_channels: int, c: int, maxpool: bool = False) -> None:
        super().__init__()
        self.maxpool1 = nn.MaxPool2d(2, ceil_mode=True) if maxpool else nn.Identity()
        self.fractal_stage1 = FractalStage(in_channels, c)

    def forward(self, x: Tensor, path: tuple[Tensor, Tensor] | None = None) -> Tensor:
        x = self.maxpool1(x)
        return self.fractal_stage1(x, path)


class Patterns(nn.Module):
    """Four ways to connect the same convolutions, in one small network of three stages:
    residual, dense, fractal, and inception branches. It is here to be searched.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 16)
        self.stage1 = Stage(16, 16)
        self.stage2 = Stage(16, 32, maxpool=True)
        self.stage3 = Stage(32, 64, maxpool=True)
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(64, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        path = self.draw_path(x) if self.training else None
        x = self.stem(x)  # 16x32x32
        x = self.stage1(x, path)  # 16x32x32
        x = self.stage2(x, path)  # 32x16x16
        x = self.stage3(x, path)  # 64x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")

    def draw_path(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Whether this mini-batch trains one column of the network alone, and which."""
        whole = torch.rand((), device=x.device) < 0.5
        return whole, torch.randint(3, (), device=x.device)
