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


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, arXiv:1801.04381): wide inside, `inner`
    channels, and narrow between blocks, where nothing is activated. `attention` stands
    on the wide side (MnasNet, MobileNetV3, EfficientNet); `survive < 1` drops whole
    samples in training.
    """

    def __init__(
        self,
        in_channels: int,
        c: int,
        inner: int,
        reduced: int,
        kernel: int = 3,
        stride: int = 1,
        survive: float = 1.0,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Identity()
        if inner != in_channels:
            self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner) if inner != in_channels else nn.Identity()
        self.silu1 = nn.SiLU(inplace=True) if inner != in_channels else nn.Identity()
        self.depthwise1 = Depthwise(inner, kernel=kernel, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner)
        self.silu2 = nn.SiLU(inplace=True)
        self.squeeze_excite1 = SqueezeExcite(inner, reduced)
        self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.add1 = None
        if stride == 1 and in_channels == c:
            self.add1 = StochasticDepth(survive, per="sample", scaling="train")

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x)))
        y = self.silu2(self.bn2(self.depthwise1(y)))
        y = self.squeeze_excite1(y)
        y = self.bn3(self.conv2(y))
        if self.add1 is not None:
            y = self.add1(x, y)
        return y


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
        self.stage1 = seq(inverted_residual1=InvertedResidual(32, 16, 32, 8))
        self.stage2 = seq(
            inverted_residual1=InvertedResidual(
                16, 24, 96, 4, stride=2, survive=0.9875
            ),
            inverted_residual2=InvertedResidual(24, 24, 144, 6, survive=0.975),
        )
        self.stage3 = seq(
            inverted_residual1=InvertedResidual(
                24, 40, 144, 6, kernel=5, stride=2, survive=0.9625
            ),
            inverted_residual2=InvertedResidual(
                40, 40, 240, 10, kernel=5, survive=0.95
            ),
        )
        self.stage4 = seq(
            inverted_residual1=InvertedResidual(
                40, 80, 240, 10, stride=2, survive=0.9375
            ),
            inverted_residual2=InvertedResidual(80, 80, 480, 20, survive=0.925),
            inverted_residual3=InvertedResidual(80, 80, 480, 20, survive=0.9125),
        )
        self.stage5 = seq(
            inverted_residual1=InvertedResidual(
                80, 112, 480, 20, kernel=5, survive=0.9
            ),
            inverted_residual2=InvertedResidual(
                112, 112, 672, 28, kernel=5, survive=0.8875
            ),
            inverted_residual3=InvertedResidual(
                112, 112, 672, 28, kernel=5, survive=0.875
            ),
        )
        self.stage6 = seq(
            inverted_residual1=InvertedResidual(
                112, 192, 672, 28, kernel=5, stride=2, survive=0.8625
            ),
            inverted_residual2=InvertedResidual(
                192, 192, 1152, 48, kernel=5, survive=0.85
            ),
            inverted_residual3=InvertedResidual(
                192, 192, 1152, 48, kernel=5, survive=0.8375
            ),
            inverted_residual4=InvertedResidual(
                192, 192, 1152, 48, kernel=5, survive=0.825
            ),
        )
        self.stage7 = seq(
            inverted_residual1=InvertedResidual(192, 320, 1152, 48, survive=0.8125)
        )
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
