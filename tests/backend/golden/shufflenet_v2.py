"""shufflenet_v2: 2,278,604 parameters, 144,907,992 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from shufflenet_v2.arch with width = 116,
repeats = [4, 8, 4], last = 1024, classes = 1000.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class ShuffleV2A(nn.Module):
    """ShuffleNetV2's unit (Ma et al. 2018, arXiv:1807.11164): half of the channels pass
    by. With a stride both halves come from all channels, each by convolutions of its
    own.
    """

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.branch1 = seq(
            conv1=nn.Conv2d(
                in_channels,
                in_channels,
                3,
                stride=2,
                padding=1,
                groups=in_channels,
                bias=False,
            ),
            bn1=nn.BatchNorm2d(in_channels),
            conv2=nn.Conv2d(in_channels, c // 2, 1, bias=False),
            bn2=nn.BatchNorm2d(c // 2),
            relu1=nn.ReLU(inplace=True),
        )
        self.branch2 = seq(
            conv1=nn.Conv2d(in_channels, c // 2, 1, bias=False),
            bn1=nn.BatchNorm2d(c // 2),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(
                c // 2, c // 2, 3, stride=2, padding=1, groups=c // 2, bias=False
            ),
            bn2=nn.BatchNorm2d(c // 2),
            conv3=nn.Conv2d(c // 2, c // 2, 1, bias=False),
            bn3=nn.BatchNorm2d(c // 2),
            relu2=nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.branch1(x), self.branch2(x)], 1)
        return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


class Branch(nn.Module):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels // 2, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            channels, channels, 3, padding=1, groups=channels, bias=False
        )
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn1(self.conv1(x.chunk(2, 1)[1]))
        x = self.bn2(self.conv2(self.relu1(x)))
        return self.relu2(self.bn3(self.conv3(x)))


class ShuffleV2B(nn.Module):
    """Another form of `ShuffleV2A`."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.branch2 = Branch(in_channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([x.chunk(2, 1)[0], self.branch2(x)], 1)
        return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


class ShuffleNetV2(nn.Module):
    """ShuffleNetV2: each unit convolves half of the channels, and the halves are
    shuffled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(24),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage1 = seq(
            shuffle_v2_1=ShuffleV2A(24, 116),
            **{f"shuffle_v2_{i}": ShuffleV2B(116, 58) for i in range(2, 5)},
        )
        self.stage2 = seq(
            shuffle_v2_1=ShuffleV2A(116, 232),
            **{f"shuffle_v2_{i}": ShuffleV2B(232, 116) for i in range(2, 9)},
        )
        self.stage3 = seq(
            shuffle_v2_1=ShuffleV2A(232, 464),
            **{f"shuffle_v2_{i}": ShuffleV2B(464, 232) for i in range(2, 5)},
        )
        self.head = seq(
            conv1=nn.Conv2d(464, 1024, 1, bias=False),
            bn1=nn.BatchNorm2d(1024),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 24x56x56
        x = self.stage1(x)  # 116x28x28
        x = self.stage2(x)  # 232x14x14
        x = self.stage3(x)  # 464x7x7
        return self.head(x)
