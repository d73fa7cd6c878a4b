"""convnext: 28,589,128 parameters, 4,455,531,264 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from convnext.arch with width = 96, depth = 9,
drop_path = 0.1, gamma = 0.000001, classes = 1000.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of the channels at each pixel (arXiv:2201.03545)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Scale(nn.Module):
    """A learned factor per channel, and a shift if asked for (arXiv:2103.17239)."""

    def __init__(
        self, channels: int, axes: int = 2, value: float = 1.0, bias: bool = False
    ) -> None:
        super().__init__()
        self.shape = (channels,) + (1,) * axes
        self.weight = nn.Parameter(torch.full((channels,), value))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.weight.view(self.shape)
        return x if self.bias is None else x + self.bias.view(self.shape)


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


class ConvNeXtBlock(nn.Module):
    """A depthwise 7x7 convolution, then a perceptron at each pixel, four times as wide
    inside. `last` are the learned factors of the branch; the second version (Woo et al.
    2023, arXiv:2301.00808) has none, and `grn` in the `middle` of the perceptron.
    """

    def __init__(self, in_channels: int, survive: float = 1.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, in_channels, 7, padding=3, groups=in_channels
        )
        self.layer_norm1 = ChannelNorm(in_channels, eps=1e-6)
        self.conv2 = nn.Conv2d(in_channels, 4 * in_channels, 1)
        self.gelu1 = nn.GELU()
        self.conv3 = nn.Conv2d(4 * in_channels, in_channels, 1)
        self.scale1 = Scale(in_channels, axes=2, value=1e-6)
        self.add1 = StochasticDepth(survive, per="sample", scaling="train")

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer_norm1(self.conv1(x))
        y = self.scale1(self.conv3(self.gelu1(self.conv2(y))))
        return self.add1(x, y)


class Downsample(nn.Sequential):
    """Half the size, before a stage."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.layer_norm1 = ChannelNorm(in_channels, eps=1e-6)
        self.conv1 = nn.Conv2d(in_channels, c, 2, stride=2)


class ConvNeXt(nn.Module):
    """ConvNeXt: a residual network made modern step by step, until it equals a
    transformer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 96, 4, stride=4), layer_norm1=ChannelNorm(96, eps=1e-6)
        )
        self.stage1 = seq(
            convnext1=ConvNeXtBlock(96),
            convnext2=ConvNeXtBlock(96, survive=169 / 170),
            convnext3=ConvNeXtBlock(96, survive=84 / 85),
        )
        self.downsample2 = Downsample(96, 192)
        self.stage2 = seq(
            convnext1=ConvNeXtBlock(192, survive=167 / 170),
            convnext2=ConvNeXtBlock(192, survive=83 / 85),
            convnext3=ConvNeXtBlock(192, survive=33 / 34),
        )
        self.downsample3 = Downsample(192, 384)
        self.stage3 = seq(
            **{
                f"convnext{i}": ConvNeXtBlock(384, survive=(165 - i) / 170)
                for i in range(1, 10)
            },
        )
        self.downsample4 = Downsample(384, 768)
        self.stage4 = seq(
            convnext1=ConvNeXtBlock(768, survive=31 / 34),
            convnext2=ConvNeXtBlock(768, survive=77 / 85),
            convnext3=ConvNeXtBlock(768, survive=0.9),
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            layer_norm1=ChannelNorm(768, eps=1e-6),
            flatten=nn.Flatten(),
            linear1=nn.Linear(768, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 96x56x56
        x = self.stage1(x)  # 96x56x56
        x = self.downsample2(x)  # 192x28x28
        x = self.stage2(x)  # 192x28x28
        x = self.downsample3(x)  # 384x14x14
        x = self.stage3(x)  # 384x14x14
        x = self.downsample4(x)  # 768x7x7
        x = self.stage4(x)  # 768x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(m.weight, std=0.02)
                nn.init.zeros_(m.bias)
