"""Networks that torchvision lacks, written straight from their papers in plain PyTorch.

Every network is one class, or one function that gives a sequence; nothing is shared with what
the compiler emits. Where a paper leaves something open, its authors' code decides.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def zfnet(size: int, classes: int) -> nn.Sequential:
    """Zeiler & Fergus 2013 (arXiv:1311.2901), figure 3: AlexNet with 7x7 windows, stride 2."""

    def shrink() -> list[nn.Module]:
        return [nn.MaxPool2d(3, 2, ceil_mode=True), nn.LocalResponseNorm(5, 5e-4, 0.75, 2)]

    features = nn.Sequential(
        nn.Conv2d(3, 96, 7, 2, 1), nn.ReLU(), *shrink(),
        nn.Conv2d(96, 256, 5, 2), nn.ReLU(), *shrink(),
        nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(384, 384, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
    )  # fmt: skip
    seen = nn.Sequential(features, nn.Flatten())(torch.empty(1, 3, size, size)).shape[1]
    return nn.Sequential(
        features, nn.Flatten(),
        nn.Linear(seen, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
        nn.Linear(4096, classes),
    )  # fmt: skip


def mlpconv(before: int, kernel: int, stride: int, pad: int, *widths: int) -> nn.Sequential:
    """Lin et al. 2013 (arXiv:1312.4400), equation 2: a convolution, then a perceptron."""
    first, second, third = widths
    return nn.Sequential(
        nn.Conv2d(before, first, kernel, stride, pad), nn.ReLU(),
        nn.Conv2d(first, second, 1), nn.ReLU(),
        nn.Conv2d(second, third, 1), nn.ReLU(),
    )  # fmt: skip


def nin_cifar(classes: int) -> nn.Sequential:
    """Network in Network for CIFAR-10: the last perceptrons give a map for each class."""
    return nn.Sequential(
        mlpconv(3, 5, 1, 2, 192, 160, 96), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(),
        mlpconv(96, 5, 1, 2, 192, 192, 192), nn.AvgPool2d(3, 2, ceil_mode=True), nn.Dropout(),
        mlpconv(192, 3, 1, 1, 192, 192, classes), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def nin_imagenet(classes: int) -> nn.Sequential:
    """Network in Network for ImageNet, of Caffe's model zoo."""
    return nn.Sequential(
        mlpconv(3, 11, 4, 0, 96, 96, 96), nn.MaxPool2d(3, 2, ceil_mode=True),
        mlpconv(96, 5, 1, 2, 256, 256, 256), nn.MaxPool2d(3, 2, ceil_mode=True),
        mlpconv(256, 3, 1, 1, 384, 384, 384), nn.MaxPool2d(3, 2, ceil_mode=True), nn.Dropout(),
        mlpconv(384, 3, 1, 1, 1024, 1024, classes), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def conv3(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride, 1, bias=False)


def conv1(before: int, after: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, 1, stride, bias=False)


class ZeroPadded(nn.Module):
    """Option A of a shortcut (arXiv:1512.03385, section 4.2): every second pixel, and zeros for
    the channels that are new; ``pooled`` averages four pixels instead (arXiv:1603.09382)."""

    def __init__(self, missing: int, pooled: bool = False) -> None:
        super().__init__()
        self.missing, self.pooled = missing, pooled

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 2) if self.pooled else x[:, :, ::2, ::2]
        return torch.cat([x, x.new_zeros(len(x), self.missing, *x.shape[2:])], 1)


class Basic(nn.Module):
    """Two 3x3 convolutions and a shortcut: A, B or none (arXiv:1512.03385, figure 5 left).

    ``gate`` multiplies the branch (arXiv:1603.09382, equations 2 and 5): what was drawn in
    training, the probability of survival in evaluation.
    """

    def __init__(self, before: int, after: int, stride: int, option: str) -> None:
        super().__init__()
        self.option, self.gate = option, 1.0
        self.conv1, self.bn1 = conv3(before, after, stride), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = conv3(after, after), nn.BatchNorm2d(after)
        self.shortcut: nn.Module = nn.Identity()
        if stride == 2 and option == "B":
            self.shortcut = nn.Sequential(conv1(before, after, 2), nn.BatchNorm2d(after))
        elif stride == 2:
            self.shortcut = ZeroPadded(after - before, option == "pooled")

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y if self.option == "none" else self.gate * y + self.shortcut(x))


class CifarResNet(nn.Module):
    """6n + 2 layers: 16, 32 and 64 channels on 32, 16 and 8 pixels (arXiv:1512.03385, 4.2)."""

    def __init__(self, n: int, option: str, classes: int = 10) -> None:
        super().__init__()
        self.conv, self.bn = conv3(3, 16), nn.BatchNorm2d(16)
        widths = [16] * n + [32] * n + [64] * n
        befores = [16, *widths]
        self.units = nn.Sequential(
            *(Basic(b, a, 1 + (a > b), option) for b, a in zip(befores, widths, strict=False))
        )
        self.fc = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.units(torch.relu(self.bn(self.conv(x))))
        return self.fc(x.mean((2, 3)))


class PreActivated(nn.Module):
    """A unit of arXiv:1603.05027 (figure 1b, equation 5); with ``drop`` and ``wide`` of
    arXiv:1605.07146 (figure 1d). Where channels change, the first activation is before both."""

    def __init__(
        self, before: int, layers: list[nn.Module], after: int, shortcut: nn.Module
    ) -> None:
        super().__init__()
        self.bn, self.branch = nn.BatchNorm2d(before), nn.Sequential(*layers)
        self.shared, self.shortcut = before != after, shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn(x))
        return self.branch(y) + self.shortcut(y if self.shared else x)


def two_convolutions(before: int, c: int, stride: int, drop: float = 0) -> list[nn.Module]:
    between = [nn.BatchNorm2d(c), nn.ReLU()] + [nn.Dropout(drop)] * (drop > 0)
    return [conv3(before, c, stride), *between, conv3(c, c)]


def three_convolutions(
    before: int, inner: int, c: int, strides: tuple[int, int], groups: int = 1
) -> list[nn.Module]:
    return [
        conv1(before, inner, strides[0]), nn.BatchNorm2d(inner), nn.ReLU(),
        nn.Conv2d(inner, inner, 3, strides[1], 1, groups=groups, bias=False),
        nn.BatchNorm2d(inner), nn.ReLU(), conv1(inner, c),
    ]  # fmt: skip


def preactivated(
    kind: str, n: int, widths: tuple[int, ...], drop: float = 0, stem: int = 16, groups: int = 1
) -> nn.Sequential:
    """A pre-activation network for CIFAR of three stages of ``n`` units with ``widths`` channels.

    ``kind`` is "basic" or "wide" (two convolutions; zeros or a 1x1 convolution as the shortcut
    where channels change), "bottleneck" (their quarter inside, the stride on the first), or
    "grouped" (``groups`` paths of 24 channels, doubled in each stage; the stride on the second).
    """
    units: list[nn.Module] = []
    before = stem
    for i, c in enumerate(widths):
        for j in range(n):
            stride = 2 if i and not j else 1
            shortcut: nn.Module = nn.Identity()
            if before != c:
                zeros = kind == "basic"
                shortcut = ZeroPadded(c - before) if zeros else conv1(before, c, stride)
            if kind in ("basic", "wide"):
                layers = two_convolutions(before, c, stride, drop)
            elif kind == "bottleneck":
                layers = three_convolutions(before, c // 4, c, (stride, 1))
            else:
                inner = 24 * 2**i * groups
                layers = three_convolutions(before, inner, c, (1, stride), groups)
            units.append(PreActivated(before, layers, c, shortcut))
            before = c
    return nn.Sequential(
        conv3(3, stem), *units, nn.BatchNorm2d(before), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10),
    )  # fmt: skip


class Aggregated(nn.Module):
    """A ResNeXt block in the form of figure 3a of arXiv:1611.05431: a sum over paths, each with
    its own 3x3 and its own last 1x1 convolution. What the paths have in weights lies together."""

    def __init__(self, before: int, inner: int, c: int, paths: int, stride: int) -> None:
        super().__init__()
        self.paths = paths
        self.first, self.bn1 = conv1(before, inner), nn.BatchNorm2d(inner)
        self.second = nn.Conv2d(inner, inner, 3, stride, 1, groups=paths, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.third, self.bn3 = conv1(inner, c), nn.BatchNorm2d(c)
        self.shortcut: nn.Module = nn.Identity()
        if before != c:
            self.shortcut = nn.Sequential(conv1(before, c, stride), nn.BatchNorm2d(c))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.bn1(self.first(x)))
        weights = self.second.weight.chunk(self.paths)
        y = torch.cat(
            [
                F.conv2d(part, weight, stride=self.second.stride, padding=1)
                for part, weight in zip(y.chunk(self.paths, 1), weights, strict=True)
            ],
            1,
        )
        y = torch.relu(self.bn2(y))
        columns = zip(y.chunk(self.paths, 1), self.third.weight.chunk(self.paths, 1), strict=True)
        y = self.bn3(torch.stack([F.conv2d(part, weight) for part, weight in columns]).sum(0))
        return torch.relu(y + self.shortcut(x))


def resnext29(paths: int, width: int) -> nn.Sequential:
    """ResNeXt-29 (arXiv:1611.05431, section 5.3): three stages of three blocks."""
    blocks, before = [], 64
    for i, c in enumerate((256, 512, 1024)):
        for j in range(3):
            stride = 2 if i and not j else 1
            blocks.append(Aggregated(before, width * 2**i * paths, c, paths, stride))
            before = c
    return nn.Sequential(
        conv3(3, 64), nn.BatchNorm2d(64), nn.ReLU(), *blocks,
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1024, 10),
    )  # fmt: skip


class FractalBlock(nn.Module):
    """The expansion rule of arXiv:1605.07648 (section 3): f_1 is a convolution, and f_{C+1} joins
    a convolution with f_C after f_C; a join next to a join is one join. A join is a mean.

    ``column`` leaves one column alone: 0 has one convolution, the last 2 ** (C - 1).
    """

    def __init__(self, columns: int, before: int, c: int, drop: float, caffe: bool) -> None:
        super().__init__()
        self.column: int | None = None
        self.columns = nn.ModuleList(
            nn.ModuleList(self.unit(c if i else before, c, drop, caffe) for i in range(2**k))
            for k in range(columns)
        )

    @staticmethod
    def unit(before: int, c: int, drop: float, caffe: bool) -> nn.Sequential:
        """Convolution, dropout, normalisation, ReLU; in Caffe normalisation learns nothing."""
        convolution = nn.Conv2d(before, c, 3, 1, 1, bias=caffe)
        return nn.Sequential(
            convolution, nn.Dropout(drop), nn.BatchNorm2d(c, affine=not caffe), nn.ReLU()
        )

    def ends(self, x: Tensor, waiting: list[Iterator[nn.Module]]) -> list[Tensor]:
        """What meets in the last join of f_C, where C columns are ``waiting``."""
        first, *deeper = waiting
        end = next(first)(x)
        if not deeper:
            return [end]
        middle = self.ends(x, deeper)
        return [end, *self.ends(sum(middle) / len(middle), deeper)]

    def forward(self, x: Tensor) -> Tensor:
        if self.column is not None:
            return nn.Sequential(*self.columns[self.column])(x)
        ends = self.ends(x, [iter(c) for c in self.columns])
        return sum(ends) / len(ends)


class FractalNet(nn.Module):
    """Blocks with a 2x2 pooling after each, then a linear classifier (arXiv:1605.07648, 4.1)."""

    def __init__(self, columns: int, widths: list[int], caffe: bool = False) -> None:
        super().__init__()
        befores = [3, *widths]
        self.blocks = nn.ModuleList(
            FractalBlock(columns, befores[i], c, i / 10, caffe) for i, c in enumerate(widths)
        )
        self.fc = nn.Linear(widths[-1], 10)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = F.max_pool2d(block(x), 2)
        return self.fc(x.flatten(1))


class CifarDenseNet(nn.Module):
    """Three dense blocks (arXiv:1608.06993, section 3): x_l = H_l([x_0, ..., x_{l-1}]).

    With ``bc`` H starts with a 1x1 convolution to 4k channels, and transitions halve them.
    """

    def __init__(self, depth: int, k: int, bc: bool, drop: float = 0.2) -> None:
        super().__init__()

        def composite(before: int, after: int, kernel: int) -> list[nn.Module]:
            convolution = nn.Conv2d(before, after, kernel, 1, kernel // 2, bias=False)
            return [nn.BatchNorm2d(before), nn.ReLU(), convolution, nn.Dropout(drop)]

        channels = 2 * k if bc else 16
        self.first = conv3(3, channels)
        self.parts = nn.ModuleList()
        for i in range(3):
            layers = nn.ModuleList()
            for _ in range((depth - 4) // (6 if bc else 3)):
                inner = composite(channels, 4 * k, 1) if bc else []
                layers.append(nn.Sequential(*inner, *composite(4 * k if bc else channels, k, 3)))
                channels += k
            self.parts.append(layers)
            if i < 2:
                after = channels // 2 if bc else channels
                self.parts.append(nn.Sequential(*composite(channels, after, 1), nn.AvgPool2d(2)))
                channels = after
        self.bn, self.fc = nn.BatchNorm2d(channels), nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for part in self.parts:
            if isinstance(part, nn.Sequential):
                x = part(x)
                continue
            features = [x]
            for layer in part:
                features.append(layer(torch.cat(features, 1)))
            x = torch.cat(features, 1)
        return self.fc(torch.relu(self.bn(x)).mean((2, 3)))
