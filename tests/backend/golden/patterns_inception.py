"""patterns: 30,178 parameters, 4,686,464 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from patterns.arch with pattern = "inception", units = 4,
width = 1, second = 2, third = 2, classes = 10.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, c: int, k: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, k, padding=k // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)


class InceptionStage(nn.Module):
    """Branches of several widths and reaches, concatenated (arXiv:1409.4842)."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.branch1 = Unit(in_channels, c // 4, k=1)
        self.branch2 = seq(
            unit1=Unit(in_channels, 3 * c // 8, k=1), unit2=Unit(3 * c // 8, c // 2)
        )
        self.branch3 = seq(
            unit1=Unit(in_channels, c // 8, k=1),
            unit2=Unit(c // 8, c // 8),
            unit3=Unit(c // 8, c // 8),
        )
        self.branch4 = seq(
            maxpool1=nn.MaxPool2d(3, stride=1, padding=1),
            unit1=Unit(in_channels, c // 8, k=1),
        )
        self.branch5 = Unit(c, c // 4, k=1)
        self.branch6 = seq(
            unit1=Unit(c, 3 * c // 8, k=1), unit2=Unit(3 * c // 8, c // 2)
        )
        self.branch7 = seq(
            unit1=Unit(c, c // 8, k=1),
            unit2=Unit(c // 8, c // 8),
            unit3=Unit(c // 8, c // 8),
        )
        self.branch8 = seq(
            maxpool1=nn.MaxPool2d(3, stride=1, padding=1), unit1=Unit(c, c // 8, k=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat(
            [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1
        )
        return torch.cat(
            [self.branch5(x), self.branch6(x), self.branch7(x), self.branch8(x)], 1
        )


class Patterns(nn.Module):
    """Four ways to connect the same convolutions, in one small network of three stages:
    residual, dense, fractal, and inception branches. It is here to be searched.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 16)
        self.stage1 = InceptionStage(16, 16)
        self.stage2 = seq(
            maxpool1=nn.MaxPool2d(2, ceil_mode=True),
            inception_stage1=InceptionStage(16, 32),
        )
        self.stage3 = seq(
            maxpool1=nn.MaxPool2d(2, ceil_mode=True),
            inception_stage1=InceptionStage(32, 64),
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(64, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x32x32
        x = self.stage1(x)  # 16x32x32
        x = self.stage2(x)  # 32x16x16
        x = self.stage3(x)  # 64x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
