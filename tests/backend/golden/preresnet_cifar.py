"""preresnet_cifar: 1,703,258 parameters, 244,500,992 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from preresnet_cifar.arch with depth = 164,
bottleneck = true, shortcut = "conv", classes = 10.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Convs(nn.Sequential):
    def __init__(self, in_channels: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 1, stride=stride, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(c, 4 * c, 1, bias=False)


class Unit(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.convs1 = Convs(in_channels, c, stride)
        self.shortcut = None
        if not (stride == 1 and in_channels == 4 * c):
            self.shortcut = nn.Conv2d(in_channels, 4 * c, 1, stride=stride, bias=False)

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
        self.stage1 = seq(
            unit1=Unit(16, 16), **{f"unit{i}": Unit(64, 16) for i in range(2, 19)}
        )
        self.stage2 = seq(
            unit1=Unit(64, 32, stride=2),
            **{f"unit{i}": Unit(128, 32) for i in range(2, 19)},
        )
        self.stage3 = seq(
            unit1=Unit(128, 64, stride=2),
            **{f"unit{i}": Unit(256, 64) for i in range(2, 19)},
        )
        self.head = seq(
            bn1=nn.BatchNorm2d(256),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(256, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x32x32
        x = self.stage1(x)  # 64x32x32
        x = self.stage2(x)  # 128x16x16
        x = self.stage3(x)  # 256x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)
