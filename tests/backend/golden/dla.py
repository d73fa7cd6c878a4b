"""dla: 15,742,104 parameters, 3,060,043,776 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from dla.arch with unit = "basic", levels = [1, 2, 2, 1],
channels = [64, 128, 256, 512], width = 1, residual_root = false, classes = 1000.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Pooled(nn.Sequential):
    """What stands beside the first unit of a tree: half the size, and other
    channels.
    """

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        assert in_channels != c
        self.maxpool1 = nn.MaxPool2d(2)
        self.conv1 = nn.Conv2d(in_channels, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)


class Basic(nn.Module):
    """Two 3x3 convolutions (He et al. 2015, arXiv:1512.03385)."""

    def __init__(
        self, in_channels: int, c: int, stride: int = 1, shortcut_c: int = 512
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.shortcut = nn.Identity()
        if not (stride == 1 and in_channels == c):
            self.shortcut = Pooled(in_channels, shortcut_c)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu2(y)


class Leaf(nn.Sequential):
    def __init__(
        self, in_channels: int, c: int, shortcut_c: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.basic1 = Basic(in_channels, c, stride=stride, shortcut_c=shortcut_c)


class TreeA(nn.Module):
    def __init__(self, in_channels: int, c: int, shortcut_c: int) -> None:
        super().__init__()
        self.leaf1 = Leaf(in_channels, c, shortcut_c, stride=2)
        self.leaf2 = Leaf(c, c, 512)
        self.conv1 = nn.Conv2d(2 * c, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        first = self.leaf1(x)
        y = self.bn1(self.conv1(torch.cat([self.leaf2(first), first], 1)))
        return self.relu1(y)


class TreeB(nn.Module):
    def __init__(self, in_channels: int, c: int, conv1_in_channels: int) -> None:
        super().__init__()
        self.leaf1 = Leaf(in_channels, c, 512)
        self.leaf2 = Leaf(c, c, 512)
        self.conv1 = nn.Conv2d(conv1_in_channels, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, children1: Tensor, children2: Tensor) -> Tensor:
        first = self.leaf1(x)
        y = torch.cat([self.leaf2(first), first, children1, children2], 1)
        y = self.bn1(self.conv1(y))
        return self.relu1(y)


class TreeC(nn.Module):
    def __init__(
        self, in_channels: int, c: int, shortcut_c: int, conv1_in_channels: int
    ) -> None:
        super().__init__()
        self.tree1 = TreeA(in_channels, c, shortcut_c)
        self.tree2 = TreeB(c, c, conv1_in_channels)

    def forward(self, x: Tensor, children1: Tensor) -> Tensor:
        first = self.tree1(x)
        return self.tree2(first, children1, first)


class Stage(nn.Module):
    def __init__(self, in_channels: int, c: int, conv1_in_channels: int) -> None:
        super().__init__()
        self.maxpool1 = nn.MaxPool2d(2)
        self.tree1 = TreeC(in_channels, c, c, conv1_in_channels)

    def forward(self, x: Tensor) -> Tensor:
        small = self.maxpool1(x)
        return self.tree1(x, small)


class TreeD(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.leaf1 = Leaf(256, 512, 512, stride=2)
        self.leaf2 = Leaf(512, 512, 512)
        self.conv1 = nn.Conv2d(1280, 512, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(512)
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, children1: Tensor) -> Tensor:
        first = self.leaf1(x)
        y = self.bn1(self.conv1(torch.cat([self.leaf2(first), first, children1], 1)))
        return self.relu1(y)


class Stage4(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.maxpool1 = nn.MaxPool2d(2)
        self.tree1 = TreeD()

    def forward(self, x: Tensor) -> Tensor:
        small = self.maxpool1(x)
        return self.tree1(x, small)


class DLA(nn.Module):
    """DLA: residual units are the leaves of trees; a root joins what came of its
    subtrees.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 16, 7, padding=3, bias=False),
            bn1=nn.BatchNorm2d(16),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(16, 16, 3, padding=1, bias=False),
            bn2=nn.BatchNorm2d(16),
            relu2=nn.ReLU(inplace=True),
            conv3=nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
            bn3=nn.BatchNorm2d(32),
            relu3=nn.ReLU(inplace=True),
        )
        self.stage1 = TreeA(32, 64, 64)
        self.stage2 = Stage(64, 128, 448)
        self.stage3 = Stage(128, 256, 896)
        self.stage4 = Stage4()
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(512, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x112x112
        x = self.stage1(x)  # 64x56x56
        x = self.stage2(x)  # 128x28x28
        x = self.stage3(x)  # 256x14x14
        x = self.stage4(x)  # 512x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
