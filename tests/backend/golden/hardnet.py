"""hardnet: 17,565,348 parameters, 4,246,114,304 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from hardnet.arch with depth = 68, separable = false,
factor = 1.7, width = 1, classes = 1000.
"""

from collections import OrderedDict
from fractions import Fraction

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


def links(layer: int) -> tuple[int, ...]:
    return tuple([layer - 2**i for i in range(5) if layer % 2**i == 0])


def channels(layer: int, growth: int) -> int:
    return (growth * Fraction(17, 10) ** (len(links(layer)) - 1) + 1) // 2 * 2


class Unit(nn.Sequential):
    def __init__(
        self, in_channels: int, c: int, kernel: int = 1, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, c, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(c)
        self.relu6_1 = nn.ReLU6(inplace=True)


class Layer(nn.Sequential):
    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, c, kernel=3)


class Harmonic(nn.Module):
    """`n` layers, of which those in `kept` are there, below them what came in."""

    def __init__(self, kept: tuple[int, ...], n: int, growth: int) -> None:
        super().__init__()
        self.n = n
        number = len(kept)
        width = channels(number, growth)
        self.layer1 = Layer(sum(kept[i] for i in links(number)), width)
        all_ = (*kept, width)
        if number < n:
            self.harmonic1 = Harmonic(all_, n, growth)

    def forward(self, kept: list[Tensor]) -> Tensor:
        number = len(kept)
        x = torch.cat([kept[i] for i in links(number)], 1)
        new = self.layer1(x)
        all_ = [*kept, new]
        if number < self.n:
            return self.harmonic1(all_)
        return torch.cat(
            [all_[i] for i in range(1, self.n + 1) if i % 2 == 1 or i == self.n], 1
        )


class Stage(nn.Module):
    def __init__(
        self,
        kept: tuple[int, ...],
        n: int,
        growth: int,
        unit1_in_channels: int,
        c: int,
        maxpool: bool = False,
    ) -> None:
        super().__init__()
        self.harmonic1 = Harmonic(kept, n, growth)
        self.unit1 = Unit(unit1_in_channels, c)
        self.maxpool1 = nn.MaxPool2d(2) if maxpool else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.harmonic1([x])
        x = self.unit1(x)
        return self.maxpool1(x)


class HarDNet(nn.Module):
    """HarDNet: each layer sees those that are a power of two before it, as its number
    allows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            unit1=Unit(3, 32, kernel=3, stride=2),
            unit2=Unit(32, 64, kernel=3),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage1 = Stage((64,), 8, 14, 124, 128, maxpool=True)
        self.stage2 = Stage((128,), 16, 16, 262, 256)
        self.stage3 = Stage((256,), 16, 20, 328, 320, maxpool=True)
        self.stage4 = Stage((320,), 16, 40, 654, 640, maxpool=True)
        self.stage5 = Stage((640,), 4, 160, 782, 1024)
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            dropout1=nn.Dropout(p=0.1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.stage1(x)  # 128x28x28
        x = self.stage2(x)  # 256x28x28
        x = self.stage3(x)  # 320x14x14
        x = self.stage4(x)  # 640x7x7
        x = self.stage5(x)  # 1024x7x7
        return self.head(x)
