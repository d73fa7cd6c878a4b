"""repvgg: 9,108,968 parameters, 1,512,581,120 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from repvgg.arch with depths = [2, 4, 14, 1],
width = 0.75, last = 2.5, groups = 1, classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.branch1 = None
        if stride == 1 and in_channels == c:
            self.branch1 = nn.BatchNorm2d(in_channels)
        self.branch2 = seq(
            conv1=nn.Conv2d(in_channels, c, 3, stride=stride, padding=1, bias=False),
            bn1=nn.BatchNorm2d(c),
        )
        self.branch3 = seq(
            conv1=nn.Conv2d(in_channels, c, 1, stride=stride, bias=False),
            bn1=nn.BatchNorm2d(c),
        )
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch2(x) + self.branch3(x)
        if self.branch1 is not None:
            y = self.branch1(x) + y
        return self.relu1(y)


class RepVGG(nn.Module):
    """RepVGG as it is trained: each unit a 3x3 and a 1x1 convolution, and the tensor
    itself. The three are linear, so that a 3x3 convolution with a bias can take the
    place of all when it is trained.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Unit(3, 48, stride=2)
        self.stage1 = seq(unit1=Unit(48, 48, stride=2), unit2=Unit(48, 48))
        self.stage2 = seq(
            unit1=Unit(48, 96, stride=2),
            **{f"unit{i}": Unit(96, 96) for i in range(2, 5)},
        )
        self.stage3 = seq(
            unit1=Unit(96, 192, stride=2),
            **{f"unit{i}": Unit(192, 192) for i in range(2, 15)},
        )
        self.stage4 = seq(unit1=Unit(192, 1280, stride=2))
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1280, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 48x112x112
        x = self.stage1(x)  # 48x56x56
        x = self.stage2(x)  # 96x28x28
        x = self.stage3(x)  # 192x14x14
        x = self.stage4(x)  # 1280x7x7
        return self.head(x)
