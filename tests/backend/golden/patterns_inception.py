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


class Turn(nn.Module):
    def __init__(
        self,
        in_channels: int,
        c: int,
        branch2_unit1_c: int,
        branch2_unit2_c: int,
        branch3_unit1_c: int,
    ) -> None:
        super().__init__()
        self.branch1 = Unit(in_channels, c, k=1)
        self.branch2 = seq(
            unit1=Unit(in_channels, branch2_unit1_c, k=1),
            unit2=Unit(branch2_unit1_c, branch2_unit2_c),
        )
        self.branch3 = seq(
            unit1=Unit(in_channels, branch3_unit1_c, k=1),
            unit2=Unit(branch3_unit1_c, branch3_unit1_c),
            unit3=Unit(branch3_unit1_c, branch3_unit1_c),
        )
        self.branch4 = seq(
            maxpool1=nn.MaxPool2d(3, stride=1, padding=1),
            unit1=Unit(in_channels, branch3_unit1_c, k=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1
        )


class InceptionStage(nn.Sequential):
    """Branches of several widths and reaches, concatenated (arXiv:1409.4842)."""

    def __init__(
        self,
        in_channels: int,
        turn1_c: int,
        branch2_unit1_c: int,
        branch2_unit2_c: int,
        branch3_unit1_c: int,
        turn2_in_channels: int,
    ) -> None:
        super().__init__()
        self.turn1 = Turn(
            in_channels, turn1_c, branch2_unit1_c, branch2_unit2_c, branch3_unit1_c
        )
        self.turn2 = Turn(
            turn2_in_channels,
            turn1_c,
            branch2_unit1_c,
            branch2_unit2_c,
            branch3_unit1_c,
        )


class Patterns(nn.Module):
    """Four ways to connect the same convolutions, in one small network of three stages:
    residual, dense, fractal, and inception branches. It is here to be searched.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 16)
        self.stage1 = seq(inception_stage1=InceptionStage(16, 4, 6, 8, 2, 16))
        self.stage2 = seq(
            maxpool1=nn.MaxPool2d(2, ceil_mode=True),
            inception_stage1=InceptionStage(16, 8, 12, 16, 4, 32),
        )
        self.stage3 = seq(
            maxpool1=nn.MaxPool2d(2, ceil_mode=True),
            inception_stage1=InceptionStage(32, 16, 24, 32, 8, 64),
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
