"""resnext: 25,028,904 parameters, 4,230,479,872 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from resnext.arch with depth = 50, cardinality = 32,
base = 4, classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Bottleneck(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        inner = 32 * (4 * c // 64)
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            inner, inner, 3, stride=stride, padding=1, groups=32, bias=False
        )
        self.bn2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(inner, 4 * c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * c)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != 4 * c:
            self.shortcut = seq(
                conv1=nn.Conv2d(in_channels, 4 * c, 1, stride=stride, bias=False),
                bn1=nn.BatchNorm2d(4 * c),
            )
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += self.shortcut(x)
        return self.relu3(y)


class ResNeXt(nn.Module):
    """ResNeXt for ImageNet: bottlenecks whose 3x3 convolution has groups
    ("cardinality").
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage1 = seq(
            bottleneck1=Bottleneck(64, 64),
            bottleneck2=Bottleneck(256, 64),
            bottleneck3=Bottleneck(256, 64),
        )
        self.stage2 = seq(
            bottleneck1=Bottleneck(256, 128, stride=2),
            **{f"bottleneck{i}": Bottleneck(512, 128) for i in range(2, 5)},
        )
        self.stage3 = seq(
            bottleneck1=Bottleneck(512, 256, stride=2),
            **{f"bottleneck{i}": Bottleneck(1024, 256) for i in range(2, 7)},
        )
        self.stage4 = seq(
            bottleneck1=Bottleneck(1024, 512, stride=2),
            bottleneck2=Bottleneck(2048, 512),
            bottleneck3=Bottleneck(2048, 512),
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
