"""resnet_d: 25,576,264 parameters, 4,328,824,832 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from resnet_d.arch with depth = 50, width = 64,
classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, `inner` channels wide (He et al. 2015);
    `groups` make it a ResNeXt's (Xie et al. 2017, arXiv:1611.05431).
    """

    def __init__(
        self,
        in_channels: int,
        c: int,
        inner: int,
        stride: int = 1,
        avgpool: bool = False,
        channels: int = 2048,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.shortcut = nn.Identity()
        if not (stride == 1 and in_channels == c):
            self.shortcut = seq(
                avgpool1=nn.AvgPool2d(2, ceil_mode=True) if avgpool else nn.Identity(),
                conv1=nn.Conv2d(in_channels, channels, 1, bias=False),
                bn1=nn.BatchNorm2d(channels),
            )
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += self.shortcut(x)
        return self.relu3(y)


class ResNetD(nn.Module):
    """ResNet-D: a residual network with three 3x3 convolutions for its stem, and
    shortcuts that average before they project.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(32),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(32, 32, 3, padding=1, bias=False),
            bn2=nn.BatchNorm2d(32),
            relu2=nn.ReLU(inplace=True),
            conv3=nn.Conv2d(32, 64, 3, padding=1, bias=False),
            bn3=nn.BatchNorm2d(64),
            relu3=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage1 = seq(
            bottleneck1=Bottleneck(64, 256, 64, channels=256),
            bottleneck2=Bottleneck(256, 256, 64),
            bottleneck3=Bottleneck(256, 256, 64),
        )
        self.stage2 = seq(
            bottleneck1=Bottleneck(256, 512, 128, stride=2, avgpool=True, channels=512),
            **{f"bottleneck{i}": Bottleneck(512, 512, 128) for i in range(2, 5)},
        )
        self.stage3 = seq(
            bottleneck1=Bottleneck(
                512, 1024, 256, stride=2, avgpool=True, channels=1024
            ),
            **{f"bottleneck{i}": Bottleneck(1024, 1024, 256) for i in range(2, 7)},
        )
        self.stage4 = seq(
            bottleneck1=Bottleneck(1024, 2048, 512, stride=2, avgpool=True),
            bottleneck2=Bottleneck(2048, 2048, 512),
            bottleneck3=Bottleneck(2048, 2048, 512),
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(2048, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.stage1(x)  # 256x56x56
        x = self.stage2(x)  # 512x28x28
        x = self.stage3(x)  # 1024x14x14
        x = self.stage4(x)  # 2048x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
