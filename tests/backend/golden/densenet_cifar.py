"""densenet_cifar: 1,019,722 parameters, 264,812,928 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from densenet_cifar.arch with depth = 40, growth = 12,
bc = false, drop = 0, classes = 10.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class DenseBlock(nn.Sequential):
    """Each layer sees all before it, concatenated (arXiv:1608.06993)."""

    def __init__(self, layers) -> None:
        named = ((f"layer{i}", layer) for i, layer in enumerate(layers, 1))
        super().__init__(OrderedDict(named))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self:
            x = torch.cat([x, layer(x)], 1)
        return x


class Layer(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn2 = nn.BatchNorm2d(in_channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(in_channels, 12, 3, padding=1, bias=False)


class Transition(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, in_channels, 1, bias=False)
        self.avgpool1 = nn.AvgPool2d(2)


class DenseNetCIFAR(nn.Module):
    """DenseNets, densely connected networks, for CIFAR: basic ones, and with
    bottlenecks and compression (BC).
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.dense1 = DenseBlock(Layer(16 + 12 * i) for i in range(12))
        self.transition1 = Transition(160)
        self.dense2 = DenseBlock(Layer(160 + 12 * i) for i in range(12))
        self.transition2 = Transition(304)
        self.dense3 = DenseBlock(Layer(304 + 12 * i) for i in range(12))
        self.head = seq(
            bn1=nn.BatchNorm2d(448),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(448, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x32x32
        x = self.dense1(x)  # 160x32x32
        x = self.transition1(x)  # 160x16x16
        x = self.dense2(x)  # 304x16x16
        x = self.transition2(x)  # 304x8x8
        x = self.dense3(x)  # 448x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)
