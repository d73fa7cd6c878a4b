"""wide_resnet: 36,479,194 parameters, 5,243,328,768 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from wide_resnet.arch with depth = 28, width = 10,
drop = 0, classes = 10.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Pair(nn.Sequential):
    def __init__(self, in_channels: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)


class Unit(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.pair1 = Pair(in_channels, c, stride)
        self.shortcut = None
        if stride != 1 or in_channels != c:
            self.shortcut = nn.Conv2d(in_channels, c, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        return shortcut + self.pair1(y)


class WideResNet(nn.Module):
    """Wide ResNets (WRN) for CIFAR: pre-activation units, `width` times as wide as the
    thin network of 16, 32 and 64 channels. The depth counts three shortcut
    convolutions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.stage1 = seq(
            unit1=Unit(16, 160), **{f"unit{i}": Unit(160, 160) for i in range(2, 5)}
        )
        self.stage2 = seq(
            unit1=Unit(160, 320, stride=2),
            **{f"unit{i}": Unit(320, 320) for i in range(2, 5)},
        )
        self.stage3 = seq(
            unit1=Unit(320, 640, stride=2),
            **{f"unit{i}": Unit(640, 640) for i in range(2, 5)},
        )
        self.head = seq(
            bn1=nn.BatchNorm2d(640),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(640, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x32x32
        x = self.stage1(x)  # 160x32x32
        x = self.stage2(x)  # 320x16x16
        x = self.stage3(x)  # 640x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)
