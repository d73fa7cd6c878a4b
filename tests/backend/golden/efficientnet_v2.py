"""efficientnet_v2: 21,458,488 parameters, 8,365,617,152 multiply-adds at 3x384x384.

Compiled by archdsl 0.0.0 from efficientnet_v2.arch with config = "s", width = 1,
size = 384, drop = 0.2, drop_path = 0.2, classes = 1000.
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


class FusedInvertedResidual(nn.Module):
    """EfficientNetV2's block for early stages (Tan and Le 2021, arXiv:2104.00298): one
    full convolution instead of the depthwise one and the 1x1 before it.
    """

    def __init__(
        self,
        in_channels: int,
        c: int,
        inner: int,
        stride: int = 1,
        survive: float = 1.0,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, inner, 3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(inner, eps=0.001)
        self.silu1 = nn.SiLU(inplace=True)
        self.conv2 = nn.Identity()
        if inner != in_channels:
            self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn2 = nn.Identity()
        if inner != in_channels:
            self.bn2 = nn.BatchNorm2d(c, eps=0.001)
        self.add1 = None
        if stride == 1 and in_channels == c:
            self.add1 = StochasticDepth(survive, per="sample", scaling="train")

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.add1 is not None:
            y = self.add1(x, y)
        return y


class Depthwise(nn.Sequential):
    """A filter for each channel."""

    def __init__(self, in_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels,
            in_channels,
            3,
            stride=stride,
            padding=1,
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
        survive: float,
        reduced: int,
        stride: int = 1,
    ) -> None:
        super().__init__()
        assert inner != in_channels
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner, eps=0.001)
        self.silu1 = nn.SiLU(inplace=True)
        self.depthwise1 = Depthwise(inner, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner, eps=0.001)
        self.silu2 = nn.SiLU(inplace=True)
        self.squeeze_excite1 = SqueezeExcite(inner, reduced)
        self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c, eps=0.001)
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


class EfficientNetV2(nn.Module):
    """EfficientNetV2: full convolutions in the early stages, where depthwise ones are
    slow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(24, eps=0.001),
            silu1=nn.SiLU(inplace=True),
        )
        self.stage1 = seq(
            fused_inverted_residual1=FusedInvertedResidual(24, 24, 24),
            fused_inverted_residual2=FusedInvertedResidual(24, 24, 24, survive=0.995),
        )
        self.stage2 = seq(
            fused_inverted_residual1=FusedInvertedResidual(
                24, 48, 96, stride=2, survive=0.99
            ),
            fused_inverted_residual2=FusedInvertedResidual(48, 48, 192, survive=0.985),
            fused_inverted_residual3=FusedInvertedResidual(48, 48, 192, survive=0.98),
            fused_inverted_residual4=FusedInvertedResidual(48, 48, 192, survive=0.975),
        )
        self.stage3 = seq(
            fused_inverted_residual1=FusedInvertedResidual(
                48, 64, 192, stride=2, survive=0.97
            ),
            fused_inverted_residual2=FusedInvertedResidual(64, 64, 256, survive=0.965),
            fused_inverted_residual3=FusedInvertedResidual(64, 64, 256, survive=0.96),
            fused_inverted_residual4=FusedInvertedResidual(64, 64, 256, survive=0.955),
        )
        self.stage4 = seq(
            inverted_residual1=InvertedResidual(64, 128, 256, 0.95, 16, stride=2),
            **{
                f"inverted_residual{i}": InvertedResidual(
                    128, 128, 512, (191 - i) / 200, 32
                )
                for i in range(2, 7)
            },
        )
        self.stage5 = seq(
            inverted_residual1=InvertedResidual(128, 160, 768, 0.92, 32),
            **{
                f"inverted_residual{i}": InvertedResidual(
                    160, 160, 960, (185 - i) / 200, 40
                )
                for i in range(2, 10)
            },
        )
        self.stage6 = seq(
            inverted_residual1=InvertedResidual(160, 256, 960, 0.875, 40, stride=2),
            **{
                f"inverted_residual{i}": InvertedResidual(
                    256, 256, 1536, (176 - i) / 200, 64
                )
                for i in range(2, 16)
            },
        )
        self.head = seq(
            conv1=nn.Conv2d(256, 1280, 1, bias=False),
            bn1=nn.BatchNorm2d(1280, eps=0.001),
            silu1=nn.SiLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            dropout1=nn.Dropout(p=0.2),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1280, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 24x192x192
        x = self.stage1(x)  # 24x192x192
        x = self.stage2(x)  # 48x96x96
        x = self.stage3(x)  # 64x48x48
        x = self.stage4(x)  # 128x24x24
        x = self.stage5(x)  # 160x24x24
        x = self.stage6(x)  # 256x12x12
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
