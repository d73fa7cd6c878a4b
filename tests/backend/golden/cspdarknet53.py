"""darknet: 27,642,184 parameters, 6,533,652,480 multiply-adds at 3x256x256.

Compiled by archdsl 0.0.0 from darknet.arch with csp = true,
repeats = [1, 2, 8, 8, 4], width = 32, act = leaky_relu(0.1), size = 256,
classes = 1000.
"""

from collections import OrderedDict

import torch
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


class Branch(nn.Module):
    def __init__(self, in_channels: int, inner: int, units: int, channels: int) -> None:
        super().__init__()
        self.units = units
        for i in range(1, units + 1):
            self.add_module(f"unit{i}", Unit(in_channels // 2, inner))
        self.conv1 = nn.Conv2d(in_channels // 2, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.leaky_relu1 = nn.LeakyReLU(negative_slope=0.1, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = x.chunk(2, 1)[1]
        for i in range(1, self.units + 1):
            x = getattr(self, f"unit{i}")(x)
        return self.leaky_relu1(self.bn1(self.conv1(x)))


class CrossStage(nn.Module):
    """Half of `inner` channels go through `body`, the others around it (Wang et al.
    2020, arXiv:1911.11929).
    """

    def __init__(
        self, in_channels: int, c: int, inner: int, branch2_inner: int, units: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.leaky_relu1 = nn.LeakyReLU(negative_slope=0.1, inplace=True)
        self.branch2 = Branch(inner, branch2_inner, units, inner // 2)
        self.conv2 = nn.Conv2d(2 * (inner // 2), c, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.leaky_relu2 = nn.LeakyReLU(negative_slope=0.1, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.leaky_relu1(self.bn1(self.conv1(x)))
        x = torch.cat([x.chunk(2, 1)[0], self.branch2(x)], 1)
        return self.leaky_relu2(self.bn2(self.conv2(x)))


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
            cross_stage1=CrossStage(64, 64, 128, 32, 1),
        )
        self.stage2 = seq(
            conv1=nn.Conv2d(64, 128, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(128),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            cross_stage1=CrossStage(128, 128, 128, 64, 2),
        )
        self.stage3 = seq(
            conv1=nn.Conv2d(128, 256, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(256),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            cross_stage1=CrossStage(256, 256, 256, 128, 8),
        )
        self.stage4 = seq(
            conv1=nn.Conv2d(256, 512, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(512),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            cross_stage1=CrossStage(512, 512, 512, 256, 8),
        )
        self.stage5 = seq(
            conv1=nn.Conv2d(512, 1024, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(1024),
            leaky_relu1=nn.LeakyReLU(negative_slope=0.1, inplace=True),
            cross_stage1=CrossStage(1024, 1024, 1024, 512, 4),
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
            if isinstance(m, Unit):
                for layer in m.modules():
                    if isinstance(layer, nn.Conv2d):
                        nn.init.kaiming_normal_(
                            layer.weight, mode="fan_out", nonlinearity="relu"
                        )
        for layer in (
            self.stem.conv1,
            self.stage1.conv1,
            self.stage2.conv1,
            self.stage3.conv1,
            self.stage4.conv1,
            self.stage5.conv1,
        ):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
