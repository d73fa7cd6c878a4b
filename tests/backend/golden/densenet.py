"""densenet: 7,978,856 parameters, 2,834,161,664 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from densenet.arch with depth = 121, growth = 32,
theta = 0.5, stem = "7x7", classes = 1000.
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
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, 128, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(128)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(128, 32, 3, padding=1, bias=False)


class Transition(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, in_channels // 2, 1, bias=False)
        self.avgpool1 = nn.AvgPool2d(2)


class DenseNet(nn.Module):
    """DenseNet: densely connected networks for ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self.features = seq(
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.dense1 = DenseBlock(Layer(64 + 32 * i) for i in range(6))
        self.transition1 = Transition(256)
        self.dense2 = DenseBlock(Layer(128 + 32 * i) for i in range(12))
        self.transition2 = Transition(512)
        self.dense3 = DenseBlock(Layer(256 + 32 * i) for i in range(24))
        self.transition3 = Transition(1024)
        self.dense4 = DenseBlock(Layer(512 + 32 * i) for i in range(16))
        self.head = seq(
            bn1=nn.BatchNorm2d(1024),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 64x56x56
        x = self.dense1(x)  # 256x56x56
        x = self.transition1(x)  # 128x28x28
        x = self.dense2(x)  # 512x28x28
        x = self.transition2(x)  # 256x14x14
        x = self.dense3(x)  # 1024x14x14
        x = self.transition3(x)  # 512x7x7
        x = self.dense4(x)  # 1024x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)
