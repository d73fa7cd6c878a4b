"""patterns: 175,258 parameters, 26,657,408 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from patterns.arch with pattern = "residual", units = 4,
width = 1, second = 2, third = 2, classes = 10.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)


class Turn(nn.Module):
    def __init__(
        self, in_channels: int, c: int, channels: int = 64, shortcut: bool = False
    ) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, c)
        self.conv1 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.shortcut1 = nn.Identity()
        if shortcut:
            self.shortcut1 = seq(
                conv1=nn.Conv2d(in_channels, channels, 1, bias=False),
                bn1=nn.BatchNorm2d(channels),
            )
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.conv1(self.unit1(x)))
        y += self.shortcut1(x)
        return self.relu1(y)


class ResidualStage(nn.Sequential):
    """Pairs of convolutions beside an identity (arXiv:1512.03385)."""

    def __init__(self, in_channels: int, c: int, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.turn1 = Turn(in_channels, c, channels=channels, shortcut=shortcut)
        self.turn2 = Turn(c, c)


class Patterns(nn.Module):
    """Four ways to connect the same convolutions, in one small network of three stages:
    residual, dense, fractal, and inception branches. It is here to be searched.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 16)
        self.stage1 = seq(residual_stage1=ResidualStage(16, 16, 64, False))
        self.stage2 = seq(
            maxpool1=nn.MaxPool2d(2, ceil_mode=True),
            residual_stage1=ResidualStage(16, 32, 32, True),
        )
        self.stage3 = seq(
            maxpool1=nn.MaxPool2d(2, ceil_mode=True),
            residual_stage1=ResidualStage(32, 64, 64, True),
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
