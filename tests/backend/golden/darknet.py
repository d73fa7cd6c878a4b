"""darknet: 41,609,928 parameters, 9,285,115,904 multiply-adds at 3x256x256.

Compiled by archdsl 0.0.0 from darknet.arch with csp = false,
repeats = [1, 2, 8, 8, 4], width = 32, act = leaky_relu(0.1), size = 256,
classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Module):
    def __init__(self, in_channels: int, inner: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.leaky_relu1 = nn.LeakyReLU(negative_slope=0.1, inplace=True)
        self.conv2 = nn.Conv2d(inner, in_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(in_channels)
        self.leaky_relu2 = nn.LeakyReLU(negative_slope=0.1, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.leaky_relu1(self.bn1(self.conv1(x)))
        y = self.leaky_relu2(self.bn2(self.conv2(y)))
        return x + y


class Darknet(nn.Module):
    """Darknet-53, the trunk of YOLOv3, and its cross-stage partial form, the trunk of
    YOLOv4.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 32, 3, padding=1, bias=False),
            bn1=nn.BatchNorm2d(32),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
        )
        self.stage1 = seq(
            conv1=nn.Conv2d(32, 64, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(64),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            unit1=Unit(64, 32),
        )
        self.stage2 = seq(
            conv1=nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(128),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            unit1=Unit(128, 64),
            unit2=Unit(128, 64),
        )
        self.stage3 = seq(
            conv1=nn.Conv2d(128, 256, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(256),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            **{f"unit{i}": Unit(256, 128) for i in range(1, 9)},
        )
        self.stage4 = seq(
            conv1=nn.Conv2d(256, 512, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(512),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            **{f"unit{i}": Unit(512, 256) for i in range(1, 9)},
        )
        self.stage5 = seq(
            conv1=nn.Conv2d(512, 1024, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(1024),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            **{f"unit{i}": Unit(1024, 512) for i in range(1, 5)},
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x256x256
        x = self.stage1(x)  # 64x128x128
        x = self.stage2(x)  # 128x64x64
        x = self.stage3(x)  # 256x32x32
        x = self.stage4(x)  # 512x16x16
        x = self.stage5(x)  # 1024x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
