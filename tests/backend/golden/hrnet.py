"""hrnet: 21,299,004 parameters, 4,283,537,072 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from hrnet.arch with width = 18, modules = [1, 4, 3],
units = 4, classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(
        self, in_channels: int, c: int, kernel: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, c, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(c)


class Bottleneck(nn.Module):
    def __init__(self, in_channels: int, c: int, inner: int) -> None:
        super().__init__()
        self.unit1 = Unit(in_channels, inner, kernel=1)
        self.relu1 = nn.ReLU()
        self.unit2 = Unit(inner, inner)
        self.relu2 = nn.ReLU()
        self.unit3 = Unit(inner, c, kernel=1)
        self.shortcut = nn.Identity()
        if in_channels != c:
            self.shortcut = seq(
                conv1=nn.Conv2d(in_channels, c, 1, bias=False), bn1=nn.BatchNorm2d(c)
            )
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.unit1(x))
        y = self.relu2(self.unit2(y))
        return self.relu3(self.shortcut(x) + self.unit3(y))


class Basic(nn.Module):
    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        assert in_channels == c
        self.unit1 = Unit(in_channels, c)
        self.relu1 = nn.ReLU()
        self.unit2 = Unit(c, c)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.unit1(x))
        return self.relu2(x + self.unit2(y))


class Basics(nn.Sequential):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        for i in range(1, 5):
            self.add_module(f"basic{i}", Basic(in_channels, in_channels))


class Shrink(nn.Sequential):
    """Half the size, `steps` times; the last step gives `c` channels."""

    def __init__(self, in_channels: int, c: int, steps: int) -> None:
        super().__init__()
        channels = in_channels
        for k in range(1, steps + 1):
            width = c if k == steps else channels
            self.add_module(f"unit{k}", Unit(channels, width, stride=2))
            if k < steps:
                self.add_module(f"relu{k}", nn.ReLU())
            channels = width


class Fuse(nn.Module):
    """All sizes brought to that of number `i`, and summed."""

    def __init__(self, in_channels: tuple[int, ...], i: int) -> None:
        super().__init__()
        self.i = i
        c = in_channels[i - 1]
        for j, x in enumerate(in_channels, 1):
            if j < i:
                self.add_module(f"branch{j}", seq(shrink1=Shrink(x, c, i - j)))
            if j > i:
                branch = seq(
                    unit1=Unit(x, c, kernel=1),
                    upsample1=nn.Upsample(scale_factor=2 ** (j - i)),
                )
                self.add_module(f"branch{j}", branch)
        self.relu1 = nn.ReLU()

    def forward(self, xs: list[Tensor]) -> Tensor:
        ys = []
        for j, x in enumerate(xs, 1):
            ys.append(x if j == self.i else getattr(self, f"branch{j}")(x))
        return self.relu1(sum(ys))


class Module(nn.Module):
    def __init__(self, in_channels: tuple[int, ...]) -> None:
        super().__init__()
        for i, x in enumerate(in_channels, 1):
            self.add_module(f"basics{i}", Basics(x))
        for i in range(1, len(in_channels) + 1):
            self.add_module(f"fuse{i}", Fuse(in_channels, i))

    def forward(self, xs: list[Tensor]) -> list[Tensor]:
        xs = [getattr(self, f"basics{i}")(x) for i, x in enumerate(xs, 1)]
        return [getattr(self, f"fuse{i}")(xs) for i in range(1, len(xs) + 1)]


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bottleneck1 = Bottleneck(18, 128, 32)
        self.bottleneck2 = Bottleneck(36, 256, 64)
        self.bottleneck3 = Bottleneck(72, 512, 128)
        self.bottleneck4 = Bottleneck(144, 1024, 256)
        for i, c in ((2, 128), (4, 256), (6, 512)):
            branch = seq(
                conv1=nn.Conv2d(c, 2 * c, 3, stride=2, padding=1),
                bn1=nn.BatchNorm2d(2 * c),
                relu1=nn.ReLU(inplace=True),
            )
            self.add_module(f"branch{i}", branch)
        self.conv1 = nn.Conv2d(1024, 2048, 1)
        self.bn1 = nn.BatchNorm2d(2048)
        self.relu1 = nn.ReLU(inplace=True)
        self.global_avgpool1 = nn.AdaptiveAvgPool2d(1)
        self.linear1 = nn.Linear(2048, 1000)

    def forward(self, x: Tensor, skip: Tensor, skip2: Tensor, skip3: Tensor) -> Tensor:
        x = self.bottleneck1(x)
        x = self.branch4(self.bottleneck2(skip) + self.branch2(x))
        x = self.branch6(self.bottleneck3(skip2) + x)
        x = self.relu1(self.bn1(self.conv1(self.bottleneck4(skip3) + x)))
        return self.linear1(self.global_avgpool1(x).flatten(1))


class HRNet(nn.Module):
    """HRNet: images of several sizes, kept side by side and mixed again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            unit1=Unit(3, 64, stride=2),
            relu1=nn.ReLU(),
            unit2=Unit(64, 64, stride=2),
            relu2=nn.ReLU(),
        )
        self.stage1 = seq(
            bottleneck1=Bottleneck(64, 256, 64),
            **{f"bottleneck{i}": Bottleneck(256, 256, 64) for i in range(2, 5)},
        )
        self.unit1 = Unit(256, 18)
        self.relu1 = nn.ReLU()
        self.unit2 = Unit(256, 36, stride=2)
        self.relu2 = nn.ReLU()
        self.module1 = Module((18, 36))
        self.unit3 = Unit(36, 72, stride=2)
        self.relu3 = nn.ReLU()
        for i in range(2, 6):
            self.add_module(f"module{i}", Module((18, 36, 72)))
        self.unit4 = Unit(72, 144, stride=2)
        self.relu4 = nn.ReLU()
        for i in range(6, 9):
            self.add_module(f"module{i}", Module((18, 36, 72, 144)))
        self.head = Head()
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x56x56
        x = self.stage1(x)  # 256x56x56
        y = self.relu1(self.unit1(x))  # 18x56x56
        x = self.relu2(self.unit2(x))  # 36x28x28
        y, x = self.module1([y, x])
        z = self.relu3(self.unit3(x))  # 72x14x14
        for i in range(2, 6):
            y, x, z = getattr(self, f"module{i}")([y, x, z])
        h = self.relu4(self.unit4(z))  # 144x7x7
        for i in range(6, 9):
            y, x, z, h = getattr(self, f"module{i}")([y, x, z, h])
        return self.head(y, x, z, h)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
