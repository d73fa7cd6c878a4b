"""preresnet: 25,549,352 parameters, 4,089,184,256 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from preresnet.arch with depth = 50, width = 64,
version = "torch7", classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Convs(nn.Sequential):
    def __init__(self, in_channels: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, stride=stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(c, 4 * c, 1, bias=False)


class Unit(nn.Module):
    def __init__(
        self, in_channels: int, c: int, stride: int = 1, activate: bool = True
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels) if activate else nn.Identity()
        self.relu1 = nn.ReLU(inplace=True) if activate else nn.Identity()
        self.convs1 = Convs(in_channels, c, stride)
        self.shortcut = None
        if stride != 1 or in_channels != 4 * c:
            self.shortcut = nn.Conv2d(in_channels, 4 * c, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        return shortcut + self.convs1(y)


class PreResNet(nn.Module):
    """PreResNet: pre-activation residual networks for ImageNet ("identity mappings"),
    where nothing stands after an addition.
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
            unit1=Unit(64, 64, activate=False), unit2=Unit(256, 64), unit3=Unit(256, 64)
        )
        self.stage2 = seq(
            unit1=Unit(256, 128, stride=2),
            **{f"unit{i}": Unit(512, 128) for i in range(2, 5)},
        )
        self.stage3 = seq(
            unit1=Unit(512, 256, stride=2),
            **{f"unit{i}": Unit(1024, 256) for i in range(2, 7)},
        )
        self.stage4 = seq(
            unit1=Unit(1024, 512, stride=2),
            unit2=Unit(2048, 512),
            unit3=Unit(2048, 512),
        )
        self.head = seq(
            bn1=nn.BatchNorm2d(2048),
            relu1=nn.ReLU(inplace=True),
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
            elif isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)
