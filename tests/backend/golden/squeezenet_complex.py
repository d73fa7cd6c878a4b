"""squeezenet: 1,589,672 parameters, 1,183,953,184 multiply-adds at 3x227x227.

Compiled by archdsl 0.0.0 from squeezenet.arch with version = "1.0",
bypass = "complex", size = 227, pad = 0, classes = 1000.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Fire(nn.Module):
    def __init__(self, in_channels: int, s: int, e: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, s, 1)
        self.relu1 = nn.ReLU(inplace=True)
        self.branch1 = seq(conv1=nn.Conv2d(s, e, 1), relu1=nn.ReLU(inplace=True))
        self.branch2 = seq(
            conv1=nn.Conv2d(s, e, 3, padding=1), relu1=nn.ReLU(inplace=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu1(self.conv1(x))
        return torch.cat([self.branch1(x), self.branch2(x)], 1)


class SqueezeNet(nn.Module):
    """SqueezeNet: AlexNet's accuracy with fifty times fewer parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 96, 7, stride=2),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
        )
        self.fire1 = Fire(96, 16, 64)
        self.shortcut1 = nn.Conv2d(96, 128, 1)
        self.fire2 = Fire(128, 16, 64)
        self.fire3 = Fire(128, 32, 128)
        self.shortcut3 = nn.Conv2d(128, 256, 1)
        self.maxpool4 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.fire4 = Fire(256, 32, 128)
        self.fire5 = Fire(256, 48, 192)
        self.shortcut5 = nn.Conv2d(256, 384, 1)
        self.fire6 = Fire(384, 48, 192)
        self.fire7 = Fire(384, 64, 256)
        self.shortcut7 = nn.Conv2d(384, 512, 1)
        self.maxpool8 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.fire8 = Fire(512, 64, 256)
        self.head = seq(
            dropout1=nn.Dropout(),
            conv1=nn.Conv2d(512, 1000, 1),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten1=nn.Flatten(),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 96x55x55
        x = self.shortcut1(x) + self.fire1(x)  # 128x55x55
        x = x + self.fire2(x)  # 128x55x55
        x = self.maxpool4(self.shortcut3(x) + self.fire3(x))  # 256x27x27
        x = x + self.fire4(x)  # 256x27x27
        x = self.shortcut5(x) + self.fire5(x)  # 384x27x27
        x = x + self.fire6(x)  # 384x27x27
        x = self.maxpool8(self.shortcut7(x) + self.fire7(x))  # 512x13x13
        return self.head(x + self.fire8(x))

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_uniform_(m.weight, nonlinearity="relu")
                nn.init.zeros_(m.bias)
        nn.init.normal_(self.head.conv1.weight, std=0.01)
