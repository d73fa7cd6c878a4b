"""resnext_cifar: 34,423,114 parameters, 5,387,266,048 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from resnext_cifar.arch with cardinality = 8, base = 64,
preactivate = true, classes = 10.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Convs(nn.Sequential):
    def __init__(self, in_channels: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 8 * c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8 * c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            8 * c, 8 * c, 3, stride=stride, padding=1, groups=8, bias=False
        )
        self.bn2 = nn.BatchNorm2d(8 * c)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(8 * c, 4 * c, 1, bias=False)


class Unit(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.convs1 = Convs(in_channels, c, stride)
        self.shortcut = None
        if stride != 1 or in_channels != 4 * c:
            self.shortcut = nn.Conv2d(in_channels, 4 * c, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        return shortcut + self.convs1(y)


class ResNeXtCIFAR(nn.Module):
    """ResNeXt-29 for CIFAR: three stages of three bottlenecks with groups."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(conv1=nn.Conv2d(3, 64, 3, padding=1, bias=False))
        self.stage1 = seq(unit1=Unit(64, 64), unit2=Unit(256, 64), unit3=Unit(256, 64))
        self.stage2 = seq(
            unit1=Unit(256, 128, stride=2), unit2=Unit(512, 128), unit3=Unit(512, 128)
        )
        self.stage3 = seq(
            unit1=Unit(512, 256, stride=2), unit2=Unit(1024, 256), unit3=Unit(1024, 256)
        )
        self.head = seq(
            bn1=nn.BatchNorm2d(1024),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x32x32
        x = self.stage1(x)  # 256x32x32
        x = self.stage2(x)  # 512x16x16
        x = self.stage3(x)  # 1024x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)
