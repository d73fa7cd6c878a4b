"""resnet_cifar: 269,722 parameters, 40,551,040 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from resnet_cifar.arch with depth = 20, width = 16,
shortcut = "A", classes = 10.
"""

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Shortcut(nn.Module):
    def __init__(self, after: int) -> None:
        super().__init__()
        self.pad_channels_after = after

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.pad_channels_after))


class Basic(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        assert stride == 2 or (stride == 1 and in_channels == c)
        self.conv1 = nn.Conv2d(in_channels, c, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != c:
            self.shortcut = Shortcut(c - in_channels)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu2(y)


class ResNetCIFAR(nn.Module):
    """ResNets, residual networks, for CIFAR (He et al. 2015, section 4.2): 6n + 2
    layers.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 16, 3, padding=1, bias=False),
            bn1=nn.BatchNorm2d(16),
            relu1=nn.ReLU(inplace=True),
        )
        self.stage1 = seq(**{f"basic{i}": Basic(16, 16) for i in range(1, 4)})
        self.stage2 = seq(
            basic1=Basic(16, 32, stride=2), basic2=Basic(32, 32), basic3=Basic(32, 32)
        )
        self.stage3 = seq(
            basic1=Basic(32, 64, stride=2), basic2=Basic(64, 64), basic3=Basic(64, 64)
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
