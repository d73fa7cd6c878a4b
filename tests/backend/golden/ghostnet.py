"""ghostnet: 5,182,508 parameters, 141,150,512 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from ghostnet.arch with width = 1, ratio = 2,
classes = 1000.
"""

import math
from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Ghost(nn.Module):
    """As a convolution, but only one channel of `ratio` is convolved: the others are
    made of it by cheap filters of their own.
    """

    def __init__(self, in_channels: int, c: int, relu: bool = False) -> None:
        super().__init__()
        few = math.ceil(c / 2)
        assert 2 * few <= c
        self.conv1 = nn.Conv2d(in_channels, few, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(few)
        self.relu1 = nn.ReLU(inplace=True) if relu else nn.Identity()
        self.branch2 = seq(
            conv1=nn.Conv2d(few, few, 3, padding=1, groups=few, bias=False),
            bn1=nn.BatchNorm2d(few),
            relu1=nn.ReLU(inplace=True) if relu else nn.Identity(),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.bn1(self.conv1(x)))
        return torch.cat([x, self.branch2(x)], 1)


class Depthwise(nn.Sequential):
    """A filter for each channel."""

    def __init__(self, in_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels,
            in_channels,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=in_channels,
            bias=False,
        )


class SqueezeExcite(nn.Module):
    """Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507): a factor for each
    channel, from the means of all, by way of `reduced` channels.
    """

    def __init__(self, in_channels: int, reduced: int) -> None:
        super().__init__()
        self.branch2 = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            conv1=nn.Conv2d(in_channels, reduced, 1),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(reduced, in_channels, 1),
            hardsigmoid1=nn.Hardsigmoid(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.branch2(x)


class GhostBottleneck(nn.Module):
    """An inverted residual of ghost modules: `inner` channels on the wide side, where
    `attention` stands.
    """

    def __init__(
        self,
        in_channels: int,
        c: int,
        inner: int,
        kernel: int = 3,
        stride: int = 1,
        reduced: int = 168,
        squeeze_excite: bool = False,
    ) -> None:
        super().__init__()
        self.ghost1 = Ghost(in_channels, inner, relu=True)
        self.depthwise1 = nn.Identity()
        if stride > 1:
            self.depthwise1 = Depthwise(
                2 * math.ceil(inner / 2), kernel=kernel, stride=stride
            )
        self.bn1 = nn.Identity()
        if stride > 1:
            self.bn1 = nn.BatchNorm2d(2 * math.ceil(inner / 2))
        self.squeeze_excite1 = nn.Identity()
        if squeeze_excite:
            self.squeeze_excite1 = SqueezeExcite(2 * math.ceil(inner / 2), reduced)
        self.ghost2 = Ghost(2 * math.ceil(inner / 2), c)
        self.shortcut = nn.Identity()
        if not (stride == 1 and in_channels == c):
            self.shortcut = seq(
                depthwise1=Depthwise(in_channels, kernel=kernel, stride=stride),
                bn1=nn.BatchNorm2d(in_channels),
                conv1=nn.Conv2d(in_channels, c, 1, bias=False),
                bn2=nn.BatchNorm2d(c),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.ghost1(x)
        y = self.bn1(self.depthwise1(y))
        y = self.squeeze_excite1(y)
        return self.shortcut(x) + self.ghost2(y)


class GhostNet(nn.Module):
    """GhostNet: the layers of MobileNetV3 with half of all channels made cheaply from
    the others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(16),
            relu1=nn.ReLU(inplace=True),
        )
        self.features = seq(
            ghost_bottleneck1=GhostBottleneck(16, 16, 16),
            ghost_bottleneck2=GhostBottleneck(16, 24, 48, stride=2),
            ghost_bottleneck3=GhostBottleneck(24, 24, 72),
            ghost_bottleneck4=GhostBottleneck(
                24, 40, 72, kernel=5, stride=2, reduced=20, squeeze_excite=True
            ),
            ghost_bottleneck5=GhostBottleneck(
                40, 40, 120, kernel=5, reduced=32, squeeze_excite=True
            ),
            ghost_bottleneck6=GhostBottleneck(40, 80, 240, stride=2),
            ghost_bottleneck7=GhostBottleneck(80, 80, 200),
            ghost_bottleneck8=GhostBottleneck(80, 80, 184),
            ghost_bottleneck9=GhostBottleneck(80, 80, 184),
            ghost_bottleneck10=GhostBottleneck(
                80, 112, 480, reduced=120, squeeze_excite=True
            ),
            ghost_bottleneck11=GhostBottleneck(112, 112, 672, squeeze_excite=True),
            ghost_bottleneck12=GhostBottleneck(
                112, 160, 672, kernel=5, stride=2, squeeze_excite=True
            ),
            ghost_bottleneck13=GhostBottleneck(160, 160, 960, kernel=5),
            ghost_bottleneck14=GhostBottleneck(
                160, 160, 960, kernel=5, reduced=240, squeeze_excite=True
            ),
            ghost_bottleneck15=GhostBottleneck(160, 160, 960, kernel=5),
            ghost_bottleneck16=GhostBottleneck(
                160, 160, 960, kernel=5, reduced=240, squeeze_excite=True
            ),
        )
        self.head = seq(
            conv1=nn.Conv2d(160, 960, 1, bias=False),
            bn1=nn.BatchNorm2d(960),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            conv2=nn.Conv2d(960, 1280, 1),
            relu2=nn.ReLU(inplace=True),
            dropout1=nn.Dropout(p=0.2),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1280, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x112x112
        x = self.features(x)  # 160x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        for m in self.modules():
            if isinstance(m, SqueezeExcite):
                nn.init.zeros_(m.branch2.conv1.bias)
                nn.init.zeros_(m.branch2.conv2.bias)
