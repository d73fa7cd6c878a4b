"""resnet: 11,515,688 parameters, 1,794,805,760 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from resnet.arch with depth = 18, width = 64, inner = 1,
stride_on = "3x3", shortcut = "A", zero_init = false, classes = 1000.
"""

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Shortcut(nn.Module):
    def __init__(self, after: int) -> None:
        super().__init__()
        self.pad_channels_after = after

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.pad_channels_after))


class Basic(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        assert stride == 2 or (stride == 1 and in_channels == c)
        self.conv1 = nn.Conv2d(in_channels, c, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != c:
            self.shortcut = Shortcut(c - in_channels)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu2(y)


class ResNet(nn.Module):
    """ResNet: residual networks for ImageNet (He et al. 2015), bottleneck-wide ones
    included. With the defaults, torchvision's: the stride sits on the 3x3 convolution
    ("v1.5").
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage1 = seq(basic1=Basic(64, 64), basic2=Basic(64, 64))
        self.stage2 = seq(basic1=Basic(64, 128, stride=2), basic2=Basic(128, 128))
        self.stage3 = seq(basic1=Basic(128, 256, stride=2), basic2=Basic(256, 256))
        self.stage4 = seq(basic1=Basic(256, 512, stride=2), basic2=Basic(512, 512))
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(512, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.stage1(x)  # 64x56x56
        x = self.stage2(x)  # 128x28x28
        x = self.stage3(x)  # 256x14x14
        x = self.stage4(x)  # 512x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
