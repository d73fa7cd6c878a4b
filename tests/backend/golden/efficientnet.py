"""efficientnet: 5,288,548 parameters, 385,814,752 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from efficientnet.arch with width = 1, depth = 1,
size = 224, drop = 0.2, drop_path = 0.2, norm = bn, classes = 1000.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class StochasticDepth(nn.Module):
    """shortcut + branch, the branch dropped at random in training (arXiv:1603.09382).

    ``survive`` is the probability to keep it: drawn once per "batch" or per "sample".
    The branch is scaled by it in "eval" (the paper), or by its inverse in "train".
    """

    def __init__(
        self, survive: float, per: str = "batch", scaling: str = "eval"
    ) -> None:
        super().__init__()
        self.survive, self.per, self.scaling = survive, per, scaling

    def forward(self, shortcut: Tensor, branch: Tensor) -> Tensor:
        if self.survive == 1 or not (self.training or self.scaling == "eval"):
            return shortcut + branch
        if not self.training:
            return shortcut + self.survive * branch
        draws = [len(branch) if self.per == "sample" else 1] + [1] * (branch.dim() - 1)
        keep = (torch.rand(draws, device=branch.device) < self.survive).to(branch.dtype)
        if self.scaling == "train" and self.survive:
            keep = keep / self.survive
        return shortcut + keep * branch


class Depthwise(nn.Sequential):
    """A filter for each channel."""

    def __init__(self, in_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels,
            in_channels,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=in_channels,
            bias=False,
        )


class SqueezeExcite(nn.Module):
    """Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507): a factor for each
    channel, from the means of all, by way of `reduced` channels.
    """

    def __init__(self, in_channels: int, reduced: int) -> None:
        super().__init__()
        self.branch2 = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            conv1=nn.Conv2d(in_channels, reduced, 1),
            silu1=nn.SiLU(inplace=True),
            conv2=nn.Conv2d(reduced, in_channels, 1),
            sigmoid1=nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.branch2(x)


class InvertedResidualA(nn.Sequential):
    """MobileNetV2's block (Sandler et al. 2018, arXiv:1801.04381): wide inside, `inner`
    channels, and narrow between blocks, where nothing is activated. `attention` stands
    on the wide side (MnasNet, MobileNetV3, EfficientNet); `survive < 1` drops whole
    samples in training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.depthwise1 = Depthwise(32)
        self.bn1 = nn.BatchNorm2d(32)
        self.silu1 = nn.SiLU(inplace=True)
        self.squeeze_excite1 = SqueezeExcite(32, 8)
        self.conv1 = nn.Conv2d(32, 16, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(16)


class InvertedResidualB(nn.Sequential):
    """Another form of `InvertedResidualA`."""

    def __init__(
        self, in_channels: int, c: int, inner: int, kernel: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.silu1 = nn.SiLU(inplace=True)
        self.depthwise1 = Depthwise(inner, kernel=kernel, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner)
        self.silu2 = nn.SiLU(inplace=True)
        self.squeeze_excite1 = SqueezeExcite(inner, in_channels // 4)
        self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)


class InvertedResidualC(nn.Module):
    """Another form of `InvertedResidualA`."""

    def __init__(
        self, in_channels: int, c: int, inner: int, survive: float, kernel: int = 3
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.silu1 = nn.SiLU(inplace=True)
        self.depthwise1 = Depthwise(inner, kernel=kernel)
        self.bn2 = nn.BatchNorm2d(inner)
        self.silu2 = nn.SiLU(inplace=True)
        self.squeeze_excite1 = SqueezeExcite(inner, in_channels // 4)
        self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.add1 = StochasticDepth(survive, per="sample", scaling="train")

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x)))
        y = self.depthwise1(y)
        y = self.silu2(self.bn2(y))
        y = self.squeeze_excite1(y)
        y = self.bn3(self.conv2(y))
        return self.add1(x, y)


class EfficientNet(nn.Module):
    """EfficientNet: one network found by a search (B0), made deeper, wider and larger
    together.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(32),
            silu1=nn.SiLU(inplace=True),
        )
        self.stage1 = InvertedResidualA()
        self.stage2 = seq(
            inverted_residual1=InvertedResidualB(16, 24, 96, stride=2),
            inverted_residual2=InvertedResidualC(24, 24, 144, 0.975),
        )
        self.stage3 = seq(
            inverted_residual1=InvertedResidualB(24, 40, 144, kernel=5, stride=2),
            inverted_residual2=InvertedResidualC(40, 40, 240, 0.95, kernel=5),
        )
        self.stage4 = seq(
            inverted_residual1=InvertedResidualB(40, 80, 240, stride=2),
            inverted_residual2=InvertedResidualC(80, 80, 480, 0.925),
            inverted_residual3=InvertedResidualC(80, 80, 480, 0.9125),
        )
        self.stage5 = seq(
            inverted_residual1=InvertedResidualB(80, 112, 480, kernel=5),
            inverted_residual2=InvertedResidualC(112, 112, 672, 0.8875, kernel=5),
            inverted_residual3=InvertedResidualC(112, 112, 672, 0.875, kernel=5),
        )
        self.stage6 = seq(
            inverted_residual1=InvertedResidualB(112, 192, 672, kernel=5, stride=2),
            inverted_residual2=InvertedResidualC(192, 192, 1152, 0.85, kernel=5),
            inverted_residual3=InvertedResidualC(192, 192, 1152, 0.8375, kernel=5),
            inverted_residual4=InvertedResidualC(192, 192, 1152, 0.825, kernel=5),
        )
        self.stage7 = InvertedResidualB(192, 320, 1152)
        self.head = seq(
            conv1=nn.Conv2d(320, 1280, 1, bias=False),
            bn1=nn.BatchNorm2d(1280),
            silu1=nn.SiLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            dropout1=nn.Dropout(p=0.2),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1280, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x112x112
        x = self.stage1(x)  # 16x112x112
        x = self.stage2(x)  # 24x56x56
        x = self.stage3(x)  # 40x28x28
        x = self.stage4(x)  # 80x14x14
        x = self.stage5(x)  # 112x14x14
        x = self.stage6(x)  # 192x7x7
        x = self.stage7(x)  # 320x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.uniform_(
                    m.weight, a=-0.03162277660168379, b=0.03162277660168379
                )
                nn.init.zeros_(m.bias)
