"""res2net: 25,699,120 parameters, 4,255,166,464 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from res2net.arch with depth = 50, base = 26, parts = 4,
classes = 1000.
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


class Branch(nn.Module):
    def __init__(self, in_channels: int, part: int, channels: int, stride: int) -> None:
        super().__init__()
        self.split_part = part
        self.conv1 = nn.Conv2d(
            in_channels // 4, channels, 3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu1(self.bn1(self.conv1(x.chunk(4, 1)[self.split_part])))


class Branch4(nn.Module):
    def __init__(self, stride: int) -> None:
        super().__init__()
        self.avgpool1 = nn.AvgPool2d(3, stride=stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.avgpool1(x.chunk(4, 1)[3])


class Res2(nn.Module):
    """The bottleneck of Res2Net (Gao et al. 2019, arXiv:1904.01169): its middle is cut
    into `parts` of `width` channels. Each but the last is convolved, together with what
    came of the one before it; where shapes change, by itself.
    """

    def __init__(self, in_channels: int, c: int, width: int, stride: int = 1) -> None:
        super().__init__()
        assert not (stride == 1 and in_channels == c)
        self.conv1 = nn.Conv2d(in_channels, 4 * width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4 * width)
        self.relu1 = nn.ReLU(inplace=True)
        self.branch1 = Branch(4 * width, 0, width, stride)
        self.branch2 = Branch(4 * width, 1, width, stride)
        self.branch3 = Branch(4 * width, 2, width, stride)
        self.branch4 = Branch4(stride)
        self.conv2 = nn.Conv2d(4 * width, c, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.shortcut = seq(
            conv1=nn.Conv2d(in_channels, c, 1, stride=stride, bias=False),
            bn1=nn.BatchNorm2d(c),
        )
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = torch.cat(
            [self.branch1(y), self.branch2(y), self.branch3(y), self.branch4(y)], 1
        )
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu2(y)


class Layer1(nn.Module):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels // 4, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu1(self.bn1(self.conv1(x.chunk(4, 1)[0])))


class Layer(nn.Module):
    def __init__(
        self, parts: int, part: int, branch_part: int, conv1_in_channels: int
    ) -> None:
        super().__init__()
        self.branch_parts = parts
        self.branch_part = part
        self.branch2_part = branch_part
        self.conv1 = nn.Conv2d(
            conv1_in_channels, conv1_in_channels, 3, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(conv1_in_channels)
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = (
            x.chunk(self.branch_parts, 1)[self.branch_part]
            + x.chunk(self.branch_parts, 1)[self.branch2_part]
        )
        return self.relu1(self.bn1(self.conv1(x)))


class DenseRes2(nn.Module):
    """Another form of `Res2`."""

    def __init__(self, in_channels: int, c: int, width: int) -> None:
        super().__init__()
        assert in_channels == c
        self.conv1 = nn.Conv2d(in_channels, 4 * width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4 * width)
        self.relu1 = nn.ReLU(inplace=True)
        self.dense1 = DenseBlock(
            [Layer1(4 * width, width), Layer(5, 1, 4, width), Layer(6, 2, 5, width)]
        )
        self.slice_first = 3 * width
        self.conv2 = nn.Conv2d(4 * width, c, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.dense1(y)
        y = y[:, self.slice_first :]
        y = self.bn2(self.conv2(y))
        y += x
        return self.relu2(y)


class Res2Net(nn.Module):
    """Res2Net: bottlenecks whose middle convolves its channels part by part, each part
    with the result of the one before.
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
            res2_1=Res2(64, 256, 26),
            res2_2=DenseRes2(256, 256, 26),
            res2_3=DenseRes2(256, 256, 26),
        )
        self.stage2 = seq(
            res2_1=Res2(256, 512, 52, stride=2),
            **{f"res2_{i}": DenseRes2(512, 512, 52) for i in range(2, 5)},
        )
        self.stage3 = seq(
            res2_1=Res2(512, 1024, 104, stride=2),
            **{f"res2_{i}": DenseRes2(1024, 1024, 104) for i in range(2, 7)},
        )
        self.stage4 = seq(
            res2_1=Res2(1024, 2048, 208, stride=2),
            res2_2=DenseRes2(2048, 2048, 208),
            res2_3=DenseRes2(2048, 2048, 208),
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
