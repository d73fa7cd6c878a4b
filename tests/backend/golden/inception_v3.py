"""inception_v3: 27,161,264 parameters, 5,713,216,096 multiply-adds at 3x299x299.

Compiled by archdsl 0.0.0 from inception_v3.arch with aux = true, classes = 1000.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        c: int,
        kernel: int | tuple[int, ...],
        padding: int | tuple[int, ...],
        stride: int = 1,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, c, kernel, stride=stride, padding=padding, bias=False
        )
        self.bn1 = nn.BatchNorm2d(c, eps=0.001)
        self.relu1 = nn.ReLU(inplace=True)


class A(nn.Module):
    def __init__(self, in_channels: int, pool: int) -> None:
        super().__init__()
        self.branch1 = Unit(in_channels, 64, 1, 0)
        self.branch2 = seq(unit1=Unit(in_channels, 48, 1, 0), unit2=Unit(48, 64, 5, 2))
        self.branch3 = seq(
            unit1=Unit(in_channels, 64, 1, 0),
            unit2=Unit(64, 96, 3, 1),
            unit3=Unit(96, 96, 3, 1),
        )
        self.branch4 = seq(
            avgpool1=nn.AvgPool2d(3, stride=1, padding=1),
            unit1=Unit(in_channels, pool, 1, 0),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1
        )


class B(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch1 = Unit(288, 384, 3, 0, stride=2)
        self.branch2 = seq(
            unit1=Unit(288, 64, 1, 0),
            unit2=Unit(64, 96, 3, 1),
            unit3=Unit(96, 96, 3, 0, stride=2),
        )
        self.branch3 = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x)], 1)


class C(nn.Module):
    def __init__(self, k: int) -> None:
        super().__init__()
        self.branch1 = Unit(768, 192, 1, 0)
        self.branch2 = seq(
            unit1=Unit(768, k, 1, 0),
            unit2=Unit(k, k, (1, 7), (0, 3)),
            unit3=Unit(k, 192, (7, 1), (3, 0)),
        )
        self.branch3 = seq(
            unit1=Unit(768, k, 1, 0),
            unit2=Unit(k, k, (7, 1), (3, 0)),
            unit3=Unit(k, k, (1, 7), (0, 3)),
            unit4=Unit(k, k, (7, 1), (3, 0)),
            unit5=Unit(k, 192, (1, 7), (0, 3)),
        )
        self.branch4 = seq(
            avgpool1=nn.AvgPool2d(3, stride=1, padding=1), unit1=Unit(768, 192, 1, 0)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1
        )


class D(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch1 = seq(
            unit1=Unit(768, 192, 1, 0), unit2=Unit(192, 320, 3, 0, stride=2)
        )
        self.branch2 = seq(
            unit1=Unit(768, 192, 1, 0),
            unit2=Unit(192, 192, (1, 7), (0, 3)),
            unit3=Unit(192, 192, (7, 1), (3, 0)),
            unit4=Unit(192, 192, 3, 0, stride=2),
        )
        self.branch3 = nn.MaxPool2d(3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x)], 1)


class Branch2(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, 384, 1, 0)
        self.branch1 = Unit(384, 384, (1, 3), (0, 1))
        self.branch2 = Unit(384, 384, (3, 1), (1, 0))

    def forward(self, x: Tensor) -> Tensor:
        x = self.unit1(x)
        return torch.cat([self.branch1(x), self.branch2(x)], 1)


class Branch3(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, 448, 1, 0)
        self.unit2 = Unit(448, 384, 3, 1)
        self.branch1 = Unit(384, 384, (1, 3), (0, 1))
        self.branch2 = Unit(384, 384, (3, 1), (1, 0))

    def forward(self, x: Tensor) -> Tensor:
        x = self.unit1(x)
        x = self.unit2(x)
        return torch.cat([self.branch1(x), self.branch2(x)], 1)


class E(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch1 = Unit(in_channels, 320, 1, 0)
        self.branch2 = Branch2(in_channels)
        self.branch3 = Branch3(in_channels)
        self.branch4 = seq(
            avgpool1=nn.AvgPool2d(3, stride=1, padding=1),
            unit1=Unit(in_channels, 192, 1, 0),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1
        )


class InceptionV3(nn.Module):
    """Inception-v3 as torchvision has it, with its auxiliary classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            unit1=Unit(3, 32, 3, 0, stride=2),
            unit2=Unit(32, 32, 3, 0),
            unit3=Unit(32, 64, 3, 1),
            maxpool1=nn.MaxPool2d(3, stride=2),
            unit4=Unit(64, 80, 1, 0),
            unit5=Unit(80, 192, 3, 0),
            maxpool2=nn.MaxPool2d(3, stride=2),
        )
        self.stage1 = seq(a1=A(192, 32), a2=A(256, 64), a3=A(288, 64))
        self.reduce1 = B()
        self.stage2 = seq(c1=C(128), c2=C(160), c3=C(160), c4=C(192))
        self.aux = seq(
            avgpool1=nn.AvgPool2d(5, stride=3),
            unit1=Unit(768, 128, 1, 0),
            unit2=Unit(128, 768, 5, 0),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(768, 1000),
        )
        self.reduce2 = D()
        self.stage3 = seq(e1=E(1280), e2=E(2048))
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            dropout1=nn.Dropout(),
            flatten=nn.Flatten(),
            linear1=nn.Linear(2048, 1000),
        )
        self.output_weights = {"main": 1.0, "aux": 0.4}
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        x = self.stem(x)  # 192x35x35
        x = self.stage1(x)  # 288x35x35
        x = self.reduce1(x)  # 768x17x17
        x = self.stage2(x)  # 768x17x17
        aux = self.aux(x) if self.training else None
        x = self.reduce2(x)  # 1280x8x8
        x = self.stage3(x)  # 2048x8x8
        x = self.head(x)  # 1000
        if self.training:
            return {"main": x, "aux": aux}
        return x

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.trunc_normal_(m.weight, std=0.1)
            elif isinstance(m, nn.Linear):
                nn.init.trunc_normal_(m.weight, std=0.001)
        nn.init.trunc_normal_(self.head.linear1.weight, std=0.1)

    def loss(self, outputs, target, criterion=F.cross_entropy) -> Tensor:
        """The loss of all outputs, each with its weight; of one alone in evaluation."""
        if isinstance(outputs, Tensor):
            return criterion(outputs, target)
        weights = self.output_weights
        return sum(weights[k] * criterion(y, target) for k, y in outputs.items())
