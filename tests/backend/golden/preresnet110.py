"""preresnet_cifar: 1,727,962 parameters, 252,887,680 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from preresnet_cifar.arch with depth = 110,
bottleneck = false, shortcut = "pad", classes = 10.
"""

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Convs(nn.Sequential):
    def __init__(self, in_channels: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)


class Shortcut(nn.Module):
    def __init__(self, after: int) -> None:
        super().__init__()
        self.pad_channels_after = after

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.pad_channels_after))


class Unit(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        assert stride == 2 or (stride == 1 and in_channels == c)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.convs1 = Convs(in_channels, c, stride)
        self.shortcut = None
        if not (stride == 1 and in_channels == c):
            self.shortcut = Shortcut(c - in_channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        return shortcut + self.convs1(y)


class PreResNetCIFAR(nn.Module):
    """PreResNet for CIFAR: pre-activation residual networks ("identity mappings") with
    6n + 2 layers of basic units, or 9n + 2 of bottlenecks.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.stage1 = seq(**{f"unit{i}": Unit(16, 16) for i in range(1, 19)})
        self.stage2 = seq(
            unit1=Unit(16, 32, stride=2),
            **{f"unit{i}": Unit(32, 32) for i in range(2, 19)},
        )
        self.stage3 = seq(
            unit1=Unit(32, 64, stride=2),
            **{f"unit{i}": Unit(64, 64) for i in range(2, 19)},
        )
        self.head = seq(
            bn1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(inplace=True),
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
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)
