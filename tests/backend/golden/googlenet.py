"""googlenet: 13,004,888 parameters, 1,498,376,192 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from googlenet.arch with version = "torchvision",
aux = true, classes = 1000.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, c: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, c, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(c, eps=0.001)
        self.relu1 = nn.ReLU(inplace=True)


class Inception(nn.Module):
    def __init__(
        self,
        in_channels: int,
        c1: int,
        c3_in: int,
        c3: int,
        c5_in: int,
        c5: int,
        c_pool: int,
    ) -> None:
        super().__init__()
        self.branch1 = Unit(in_channels, c1, 1)
        self.branch2 = seq(unit1=Unit(in_channels, c3_in, 1), unit2=Unit(c3_in, c3, 3))
        self.branch3 = seq(unit1=Unit(in_channels, c5_in, 1), unit2=Unit(c5_in, c5, 3))
        self.branch4 = seq(
            maxpool1=nn.MaxPool2d(3, stride=1, padding=1, ceil_mode=True),
            unit1=Unit(in_channels, c_pool, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1
        )


class Classifier(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.adaptive_avgpool1 = nn.AdaptiveAvgPool2d(4)
        self.unit1 = Unit(in_channels, 128, 1)
        self.flatten = nn.Flatten()
        self.linear1 = nn.Linear(2048, 1024)
        self.relu1 = nn.ReLU(inplace=True)
        self.dropout1 = nn.Dropout(p=0.7)
        self.linear2 = nn.Linear(1024, 1000)


class GoogLeNet(nn.Module):
    """GoogLeNet (Inception v1) with its two auxiliary classifiers. The paper's network
    has biases, 5x5 convolutions and no normalisation; torchvision's has batch
    normalisation, and a 3x3 where the 5x5 should be.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            unit1=Unit(3, 64, 7, stride=2),
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
            unit2=Unit(64, 64, 1),
            unit3=Unit(64, 192, 3),
            maxpool2=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        )
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.pool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.aux1 = seq(classifier1=Classifier(512))
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.aux2 = seq(classifier1=Classifier(528))
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.pool4 = nn.MaxPool2d(2, ceil_mode=True)
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            dropout1=nn.Dropout(p=0.2),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )
        self.output_weights = {"main": 1.0, "aux1": 0.3, "aux2": 0.3}
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        x = self.stem(x)  # 192x28x28
        x = self.inception3a(x)  # 256x28x28
        x = self.inception3b(x)  # 480x28x28
        x = self.pool3(x)  # 480x14x14
        x = self.inception4a(x)  # 512x14x14
        aux1 = self.aux1(x) if self.training else None
        x = self.inception4b(x)  # 512x14x14
        x = self.inception4c(x)  # 512x14x14
        x = self.inception4d(x)  # 528x14x14
        aux2 = self.aux2(x) if self.training else None
        x = self.inception4e(x)  # 832x14x14
        x = self.pool4(x)  # 832x7x7
        x = self.inception5a(x)  # 832x7x7
        x = self.inception5b(x)  # 1024x7x7
        x = self.head(x)  # 1000
        if self.training:
            return {"main": x, "aux1": aux1, "aux2": aux2}
        return x

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(m.weight, std=0.01)

    def loss(self, outputs, target, criterion=F.cross_entropy) -> Tensor:
        """The loss of all outputs, each with its weight; of one alone in evaluation."""
        if isinstance(outputs, Tensor):
            return criterion(outputs, target)
        weights = self.output_weights
        return sum(weights[k] * criterion(y, target) for k, y in outputs.items())
