"""mobilevit: 5,578,632 parameters, 2,000,831,488 multiply-adds at 3x256x256.

Compiled by archdsl 0.0.0 from mobilevit.arch with widths = [32, 64, 96, 128, 160],
tokens = [144, 192, 240], width = 1, depth = 1, expansion = 4, size = 256,
classes = 1000.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of the channels at each pixel (arXiv:2201.03545)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class WindowAttention(nn.Module):
    """Attention among the pixels of each window of an image.

    ``side`` are the pixels of a window, each way. Windows are moved by ``shift``
    (arXiv:2103.14030); those of a ``grid`` have pixels that lie apart
    (arXiv:2204.01697). The channels are those of queries, keys and values.
    ``relative`` learns a bias for each distance; ``keys``, the channels of a head,
    a vector for each distance down and to the right (arXiv:2101.11605).
    """

    def __init__(
        self,
        heads: int,
        side,
        shift: int = 0,
        grid=False,
        relative=False,
        keys: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.grid, self.shift = heads, grid, shift
        self.dropout = dropout
        self.side = h, w = side
        self.weight = self.height_rel = self.width_rel = None
        if relative:
            self.weight = nn.Parameter(torch.zeros((2 * h - 1) * (2 * w - 1), heads))
            nn.init.trunc_normal_(self.weight, std=0.02)
        if keys:
            self.height_rel = nn.Parameter(torch.randn(2 * h - 1, keys) * keys**-0.5)
            self.width_rel = nn.Parameter(torch.randn(2 * w - 1, keys) * keys**-0.5)

    def bias(self, x: Tensor, q: Tensor) -> Tensor | None:
        """What is added to the scores of pixels, for each head and window."""
        (height, width), (h, w) = x.shape[2:], self.side
        place = torch.arange(h * w, device=x.device)
        down, right = place // w, place % w
        bias = None
        if self.weight is not None:
            far = down[:, None] - down + h - 1, right[:, None] - right + w - 1
            bias = self.weight[far[0] * (2 * w - 1) + far[1]].movedim(2, 0)
        if self.shift:  # pixels that came round the border do not see the others
            y, z = (
                torch.arange(n, device=x.device) >= n - self.shift
                for n in (height, width)
            )
            end = self.cut((2 * y[:, None] + 1 * z)[None, None])[0, :, :, 0]
            apart = (end[:, :, None] != end[:, None])[:, None]
            mask = torch.zeros_like(apart, dtype=x.dtype).masked_fill(apart, -torch.inf)
            bias = mask if bias is None else mask + bias
            bias = bias.expand(-1, self.heads, -1, -1).flatten(0, 1)
        if self.height_rel is not None and self.width_rel is not None:
            rows, columns = (torch.arange(n, device=x.device) for n in (h, w))
            rows = (rows - down[:, None] + h - 1).expand(*q.shape[:-1], -1)
            columns = (columns - right[:, None] + w - 1).expand(*q.shape[:-1], -1)
            along = (q @ self.height_rel.mT).gather(-1, rows)
            across = (q @ self.width_rel.mT).gather(-1, columns)
            keys = (along.unsqueeze(-1) + across.unsqueeze(-2)).flatten(-2)
            bias = keys if bias is None else keys + bias
        return bias

    def cut(self, x: Tensor) -> Tensor:
        """``(N, windows, pixels, C)`` of an image."""
        m, n = self.side
        if self.grid:
            x = x.unflatten(3, (n, -1)).unflatten(2, (m, -1)).permute(0, 3, 5, 2, 4, 1)
        else:
            x = x.unflatten(3, (-1, n)).unflatten(2, (-1, m)).permute(0, 2, 4, 3, 5, 1)
        return x.flatten(3, 4).flatten(1, 2)

    def joined(self, x: Tensor, height: int, width: int) -> Tensor:
        """The image of its windows."""
        m, n = self.side
        x = x.reshape(-1, height // m, width // n, m, n, x.shape[-1])
        x = x.permute(0, 5, 3, 1, 4, 2) if self.grid else x.permute(0, 5, 1, 3, 2, 4)
        return x.reshape(x.shape[0], -1, height, width)

    def forward(self, x: Tensor) -> Tensor:
        (height, width), s = x.shape[2:], self.shift
        pixels = self.cut(x.roll((-s, -s), (2, 3)) if self.shift else x)
        parts = pixels.unflatten(3, (3, self.heads, -1)).permute(3, 0, 1, 4, 2, 5)
        # windows beside the heads where their masks differ, else beside the images
        q, k, v = parts.flatten(2, 3) if self.shift else parts.flatten(1, 2)
        bias, drop = self.bias(x, q), self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=drop)
        y = y.reshape(parts.shape[1:]).transpose(2, 3).flatten(3)
        y = self.joined(y, height, width)
        return y.roll((s, s), (2, 3)) if self.shift else y


class ConvBn(nn.Sequential):
    def __init__(self, in_channels: int, c: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, c, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        self.bn1 = nn.BatchNorm2d(c)
        self.silu1 = nn.SiLU(inplace=True)


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


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, arXiv:1801.04381): wide inside, `inner`
    channels, and narrow between blocks, where nothing is activated. `attention` stands
    on the wide side (MnasNet, MobileNetV3, EfficientNet); `survive < 1` drops whole
    samples in training.
    """

    def __init__(self, in_channels: int, c: int, inner: int, stride: int = 1) -> None:
        super().__init__()
        assert inner != in_channels
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.silu1 = nn.SiLU(inplace=True)
        self.depthwise1 = Depthwise(inner, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner)
        self.silu2 = nn.SiLU(inplace=True)
        self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.shortcut = stride == 1 and in_channels == c

    def forward(self, x: Tensor) -> Tensor:
        y = self.silu1(self.bn1(self.conv1(x)))
        y = self.silu2(self.bn2(self.depthwise1(y)))
        y = self.bn3(self.conv2(y))
        if self.shortcut:
            y = x + y
        return y


class Mlp(nn.Sequential):
    """Two layers on each token, the inner one `ratio` times as wide."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 2 * in_channels, 1)
        self.silu1 = nn.SiLU(inplace=True)
        self.conv2 = nn.Conv2d(2 * in_channels, in_channels, 1)


class Unit(nn.Module):
    def __init__(self, in_channels: int, d: int, size2: tuple[int, ...]) -> None:
        super().__init__()
        assert in_channels == d
        self.layer_norm1 = ChannelNorm(in_channels)
        self.conv1 = nn.Conv2d(in_channels, 3 * d, 1)
        self.attend1 = WindowAttention(4, size2, grid=True)
        self.conv2 = nn.Conv2d(4 * (3 * d // 12), d, 1)
        self.layer_norm2 = ChannelNorm(d)
        self.mlp1 = Mlp(d)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.attend1(self.conv1(self.layer_norm1(x))))
        x = x + y
        z = self.layer_norm2(x)
        return x + self.mlp1(z)


class NearAndFar(nn.Module):
    def __init__(
        self, in_channels: int, c: int, d: int, n: int, size2: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.branch2 = seq(
            conv_bn1=ConvBn(in_channels, c, 3),
            conv1=nn.Conv2d(c, d, 1, bias=False),
            **{f"unit{i}": Unit(d, d, size2) for i in range(1, n + 1)},
            layer_norm1=ChannelNorm(d),
            conv_bn2=ConvBn(d, c, 1),
        )
        self.conv_bn1 = ConvBn(in_channels + c, c, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_bn1(torch.cat([x, self.branch2(x)], 1))


class MobileViT(nn.Module):
    """MobileViT: a light network; in its late stages pixels see those at one place of
    all patches.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBn(3, 16, 3, stride=2)
        self.stage1 = seq(inverted_residual1=InvertedResidual(16, 32, 64))
        self.stage2 = seq(
            inverted_residual1=InvertedResidual(32, 64, 128, stride=2),
            inverted_residual2=InvertedResidual(64, 64, 256),
            inverted_residual3=InvertedResidual(64, 64, 256),
        )
        self.stage3 = seq(
            inverted_residual1=InvertedResidual(64, 96, 256, stride=2),
            near_and_far1=NearAndFar(96, 96, 144, 2, (16, 16)),
        )
        self.stage4 = seq(
            inverted_residual1=InvertedResidual(96, 128, 384, stride=2),
            near_and_far1=NearAndFar(128, 128, 192, 4, (8, 8)),
        )
        self.stage5 = seq(
            inverted_residual1=InvertedResidual(128, 160, 512, stride=2),
            near_and_far1=NearAndFar(160, 160, 240, 3, (4, 4)),
        )
        self.head = seq(
            conv_bn1=ConvBn(160, 640, 1),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(640, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x128x128
        x = self.stage1(x)  # 32x128x128
        x = self.stage2(x)  # 64x64x64
        x = self.stage3(x)  # 96x32x32
        x = self.stage4(x)  # 128x16x16
        x = self.stage5(x)  # 160x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, Depthwise):
                nn.init.kaiming_normal_(
                    m.conv1.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(m, InvertedResidual):
                nn.init.kaiming_normal_(
                    m.conv1.weight, mode="fan_out", nonlinearity="relu"
                )
                nn.init.kaiming_normal_(
                    m.conv2.weight, mode="fan_out", nonlinearity="relu"
                )
