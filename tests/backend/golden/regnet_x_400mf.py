"""regnet: 5,495,976 parameters, 413,812,608 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from regnet.arch with depth = 22, w_0 = 24, w_a = 24.48,
w_m = 2.54, group = 16, attention = false, classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Bottleneck(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            c, c, 3, stride=stride, padding=1, groups=c // min(16, c), bias=False
        )
        self.bn2 = nn.BatchNorm2d(c)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(c, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != c:
            self.shortcut = seq(
                conv1=nn.Conv2d(in_channels, c, 1, stride=stride, bias=False),
                bn1=nn.BatchNorm2d(c),
            )
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += self.shortcut(x)
        return self.relu3(y)


class RegNet(nn.Module):
    """RegNets: the widths of all blocks follow from four numbers. X is the plain
    network, Y has squeeze and excitation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(32),
            relu1=nn.ReLU(inplace=True),
        )
        self.stage1 = seq(bottleneck1=Bottleneck(32, 32, 2))
        self.stage2 = seq(
            bottleneck1=Bottleneck(32, 64, 2), bottleneck2=Bottleneck(64, 64, 1)
        )
        self.stage3 = seq(
            bottleneck1=Bottleneck(64, 160, 2),
            **{f"bottleneck{i}": Bottleneck(160, 160, 1) for i in range(2, 8)},
        )
        self.stage4 = seq(
            bottleneck1=Bottleneck(160, 400, 2),
            **{f"bottleneck{i}": Bottleneck(400, 400, 1) for i in range(2, 13)},
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(400, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x112x112
        x = self.stage1(x)  # 32x56x56
        x = self.stage2(x)  # 64x28x28
        x = self.stage3(x)  # 160x14x14
        x = self.stage4(x)  # 400x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)
