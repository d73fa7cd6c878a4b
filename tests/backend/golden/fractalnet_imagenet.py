"""fractalnet_imagenet: 164,031,016 parameters, 24,164,982,784 multiply-adds at
3x224x224.

Compiled by archdsl 0.0.0 from fractalnet_imagenet.arch with columns = 4,
drop_path = 0.15, classes = 1000.
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
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)


class FractalNetImageNet(nn.Module):
    """FractalNet for ImageNet: the first and last layers of ResNet-34 around four
    fractal blocks. The widths are recalled; the paper prints no count of parameters to
    hold them against.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.fractal1 = Fractal(4, lambda i: Unit(128 if i else 64, 128), 0.15)
        self.maxpool2 = nn.MaxPool2d(2)
        self.fractal2 = Fractal(4, lambda i: Unit(256 if i else 128, 256), 0.15)
        self.maxpool3 = nn.MaxPool2d(2)
        self.fractal3 = Fractal(4, lambda i: Unit(512 if i else 256, 512), 0.15)
        self.maxpool4 = nn.MaxPool2d(2)
        self.fractal4 = Fractal(4, lambda i: Unit(1024 if i else 512, 1024), 0.15)
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        path = self.draw_path(x) if self.training else None
        x = self.stem(x)  # 64x56x56
        x = self.fractal1(x, path)  # 128x56x56
        x = self.maxpool2(x)  # 128x28x28
        x = self.fractal2(x, path)  # 256x28x28
        x = self.maxpool3(x)  # 256x14x14
        x = self.fractal3(x, path)  # 512x14x14
        x = self.maxpool4(x)  # 512x7x7
        x = self.fractal4(x, path)  # 1024x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.xavier_uniform_(m.weight)

    def draw_path(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Whether this mini-batch trains one column of the network alone, and which."""
        whole = torch.rand((), device=x.device) < 0.5
        return whole, torch.randint(4, (), device=x.device)
