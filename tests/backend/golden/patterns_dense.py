"""patterns: 138,618 parameters, 22,594,176 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from patterns.arch with pattern = "dense", units = 4,
width = 1, second = 2, third = 2, classes = 10.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class DenseBlock(nn.Sequential):
    """Each layer sees all before it, concatenated (arXiv:1608.06993)."""

    def __init__(self, layers) -> None:
        named = ((f"layer{i}", layer) for i, layer in enumerate(layers, 1))
        super().__init__(OrderedDict(named))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = torch.cat([x, layer(x)], 1)
        return x


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, c: int, k: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, k, padding=k // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)


class DenseStage(nn.Sequential):
    """Each convolution sees all before it (arXiv:1608.06993)."""

    def __init__(
        self,
        in_channels: int,
        c: int,
        dense1_layer1_c: int,
        dense1_layer2_in_channels: int,
        dense1_layer3_in_channels: int,
        dense1_layer4_in_channels: int,
        unit1_in_channels: int,
    ) -> None:
        super().__init__()
        self.dense1 = DenseBlock(
            [
                Unit(in_channels, dense1_layer1_c),
                Unit(dense1_layer2_in_channels, dense1_layer1_c),
                Unit(dense1_layer3_in_channels, dense1_layer1_c),
                Unit(dense1_layer4_in_channels, dense1_layer1_c),
            ],
        )
        self.unit1 = Unit(unit1_in_channels, c, k=1)


class Patterns(nn.Module):
    """Four ways to connect the same convolutions, in one small network of three stages:
    residual, dense, fractal, and inception branches. It is here to be searched.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 16)
        self.stage1 = seq(dense_stage1=DenseStage(16, 16, 8, 24, 32, 40, 48))
        self.stage2 = seq(
            maxpool1=nn.MaxPool2d(2, ceil_mode=True),
            dense_stage1=DenseStage(16, 32, 16, 32, 48, 64, 80),
        )
        self.stage3 = seq(
            maxpool1=nn.MaxPool2d(2, ceil_mode=True),
            dense_stage1=DenseStage(32, 64, 32, 64, 96, 128, 160),
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
