"""regnet: 4,344,144 parameters, 401,842,848 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from regnet.arch with depth = 16, w_0 = 48, w_a = 27.89,
w_m = 2.09, group = 8, attention = true, classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class SqueezeExcite(nn.Module):
    """Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507): a factor for each
    channel, from the means of all, by way of `reduced` channels.
    """

    def __init__(self, in_channels: int, reduced: int) -> None:
        super().__init__()
        self.branch2 = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            conv1=nn.Conv2d(in_channels, reduced, 1),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(reduced, in_channels, 1),
            sigmoid1=nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.branch2(x)


class Bottleneck(nn.Module):
    def __init__(
        self,
        in_channels: int,
        c: int,
        stride: int,
        reduced: int,
        shortcut: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            c, c, 3, stride=stride, padding=1, groups=c // min(8, c), bias=False
        )
        self.bn2 = nn.BatchNorm2d(c)
        self.relu2 = nn.ReLU(inplace=True)
        self.squeeze_excite1 = SqueezeExcite(c, reduced)
        self.conv3 = nn.Conv2d(c, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.shortcut = nn.Identity()
        if shortcut:
            self.shortcut = seq(
                conv1=nn.Conv2d(in_channels, c, 1, stride=2, bias=False),
                bn1=nn.BatchNorm2d(c),
            )
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.squeeze_excite1(y)
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
        self.stage1 = seq(bottleneck1=Bottleneck(32, 48, 2, 8, shortcut=True))
        self.stage2 = seq(
            bottleneck1=Bottleneck(48, 104, 2, 12, shortcut=True),
            bottleneck2=Bottleneck(104, 104, 1, 26),
            bottleneck3=Bottleneck(104, 104, 1, 26),
        )
        self.stage3 = seq(
            bottleneck1=Bottleneck(104, 208, 2, 26, shortcut=True),
            **{f"bottleneck{i}": Bottleneck(208, 208, 1, 52) for i in range(2, 7)},
        )
        self.stage4 = seq(
            bottleneck1=Bottleneck(208, 440, 2, 52, shortcut=True),
            **{f"bottleneck{i}": Bottleneck(440, 440, 1, 110) for i in range(2, 7)},
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(440, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x112x112
        x = self.stage1(x)  # 48x56x56
        x = self.stage2(x)  # 104x28x28
        x = self.stage3(x)  # 208x14x14
        x = self.stage4(x)  # 440x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)
