"""vovnet: 22,600,296 parameters, 7,072,227,328 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from vovnet.arch with version = 1, repeats = [1, 1, 2, 2],
layers = 5, width = 1, classes = 1000.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class KeepAll(nn.Sequential):
    """Each layer sees the one before it; the result is the concatenation of all."""

    def __init__(self, layers) -> None:
        named = ((f"layer{i}", layer) for i, layer in enumerate(layers, 1))
        super().__init__(OrderedDict(named))

    def forward(self, x: Tensor) -> Tensor:
        kept = [x]
        for layer in self:
            kept.append(layer(kept[-1]))
        return torch.cat(kept, 1)


class Layer(nn.Sequential):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)


class Osa(nn.Sequential):
    """One-shot aggregation, VoVNet's block (Lee et al. 2019, arXiv:1904.09730): `n`
    convolutions follow each other, and what comes in and all that they give meet in one
    of size 1.
    """

    def __init__(self, in_channels: int, c: int, inner: int) -> None:
        super().__init__()
        self.dense1 = KeepAll(
            Layer(inner if i else in_channels, inner) for i in range(5)
        )
        self.conv1 = nn.Conv2d(in_channels + 5 * inner, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, c: int, inner: int) -> None:
        super().__init__()
        self.osa1 = Osa(in_channels, c, inner)


class VoVNet(nn.Module):
    """VoVNet: convolutions in a row, whose results all meet at the end of a block."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(64, 64, 3, padding=1, bias=False),
            bn2=nn.BatchNorm2d(64),
            relu2=nn.ReLU(inplace=True),
            conv3=nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False),
            bn3=nn.BatchNorm2d(128),
            relu3=nn.ReLU(inplace=True),
        )
        self.stage1 = seq(unit1=Unit(128, 256, 128))
        self.stage2 = seq(
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
            unit1=Unit(256, 512, 160),
        )
        self.stage3 = seq(
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
            unit1=Unit(512, 768, 192),
            unit2=Unit(768, 768, 192),
        )
        self.stage4 = seq(
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
            unit1=Unit(768, 1024, 224),
            unit2=Unit(1024, 1024, 224),
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 128x56x56
        x = self.stage1(x)  # 256x56x56
        x = self.stage2(x)  # 512x28x28
        x = self.stage3(x)  # 768x14x14
        x = self.stage4(x)  # 1024x7x7
        return self.head(x)
