"""maxvit: 30,916,528 parameters, 5,545,201,664 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from maxvit.arch with width = 64, stem_width = 64,
depth = 5, second = 2, size = 224, drop_path = 0.2, classes = 1000.
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


class Same(nn.modules.conv._ConvNd):
    """A convolution that pads as TensorFlow does: ``ceil(n / stride)`` results of ``n``
    pixels; where the padding is odd, the pixel more stands after the image."""

    def forward(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for n, k, s, d in zip(
            x.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True
        ):
            room = max((n - 1) // s * s + d * (k - 1) + 1 - n, 0)
            sides = [room // 2, room - room // 2, *sides]
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        y: Tensor = super().forward(F.pad(x, sides, mode))
        return y


class SameConv2d(Same, nn.Conv2d):
    """A convolution of images padded as TensorFlow does."""


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


class Pooled(nn.Sequential):
    """What stands beside a branch that changes the shape: fewer pixels, and other
    channels.
    """

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.avgpool1 = nn.AvgPool2d(2)
        self.conv1 = nn.Conv2d(in_channels, c, 1) if in_channels != c else nn.Identity()


class Mbconv(nn.Module):
    """An inverted residual that begins with its normalisation; four times as wide
    inside.
    """

    def __init__(
        self,
        in_channels: int,
        c: int,
        stride: int = 1,
        survive: float = 1.0,
        shortcut: bool = False,
    ) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels, eps=0.001)
        self.conv1 = nn.Conv2d(in_channels, 4 * c, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * c, eps=0.001)
        self.gelu1 = nn.GELU(approximate="tanh")
        self.conv2 = SameConv2d(
            4 * c, 4 * c, 3, stride=stride, groups=4 * c, bias=False
        )
        self.bn3 = nn.BatchNorm2d(4 * c, eps=0.001)
        self.gelu2 = nn.GELU(approximate="tanh")
        self.squeeze_excite1 = SqueezeExcite(4 * c, c // 4)
        self.conv3 = nn.Conv2d(4 * c, c, 1)
        self.shortcut = Pooled(in_channels, c) if shortcut else nn.Identity()
        self.add1 = StochasticDepth(survive, per="sample", scaling="train")

    def forward(self, x: Tensor) -> Tensor:
        y = self.gelu1(self.bn2(self.conv1(self.bn1(x))))
        y = self.gelu2(self.bn3(self.conv2(y)))
        y = self.conv3(self.squeeze_excite1(y))
        return self.add1(self.shortcut(x), y)


class Mlp(nn.Sequential):
    """Two layers on each token, the inner one `ratio` times as wide."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 4 * in_channels, 1)
        self.gelu1 = nn.GELU(approximate="tanh")
        self.conv2 = nn.Conv2d(4 * in_channels, in_channels, 1)


class Transformer(nn.Module):
    """Attention among pixels, and two layers on each; `attention` says which sees
    which.
    """

    def __init__(
        self, in_channels: int, c: int, size1: int, grid: bool, survive: float = 1.0
    ) -> None:
        super().__init__()
        assert in_channels == c
        self.layer_norm1 = ChannelNorm(in_channels)
        self.conv1 = nn.Conv2d(in_channels, 3 * c, 1)
        self.attend1 = WindowAttention(size1, (7, 7), relative=True, grid=grid)
        self.conv2 = nn.Conv2d(16 * (3 * c // 48), c, 1)
        self.add1 = StochasticDepth(survive, per="sample", scaling="train")
        self.layer_norm2 = ChannelNorm(c)
        self.mlp1 = Mlp(c)
        self.add2 = StochasticDepth(survive, per="sample", scaling="train")

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.attend1(self.conv1(self.layer_norm1(x))))
        x = self.add1(x, y)
        z = self.layer_norm2(x)
        return self.add2(x, self.mlp1(z))


class Unit(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        c: int,
        stride: int,
        survive: float,
        shortcut: bool,
        size1: int,
    ) -> None:
        super().__init__()
        self.mbconv1 = Mbconv(
            in_channels, c, stride=stride, survive=survive, shortcut=shortcut
        )
        self.transformer1 = Transformer(c, c, size1, False, survive=survive)
        self.transformer2 = Transformer(c, c, size1, True, survive=survive)


class MaxViT(nn.Module):
    """MaxViT: each block convolves, then attends within windows, then within grids."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=SameConv2d(3, 64, 3, stride=2),
            bn1=nn.BatchNorm2d(64, eps=0.001),
            gelu1=nn.GELU(approximate="tanh"),
            conv2=nn.Conv2d(64, 64, 3, padding=1),
        )
        self.stage1 = seq(
            unit1=Unit(64, 64, 2, 1.0, True, 2), unit2=Unit(64, 64, 1, 0.98, False, 2)
        )
        self.stage2 = seq(
            unit1=Unit(64, 128, 2, 0.96, True, 4),
            unit2=Unit(128, 128, 1, 0.94, False, 4),
        )
        self.stage3 = seq(
            unit1=Unit(128, 256, 2, 0.92, True, 8),
            **{
                f"unit{i}": Unit(256, 256, 1, (47 - i) / 50, False, 8)
                for i in range(2, 6)
            },
        )
        self.stage4 = seq(
            unit1=Unit(256, 512, 2, 0.82, True, 16),
            unit2=Unit(512, 512, 1, 0.8, False, 16),
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            layer_norm1=ChannelNorm(512),
            flatten=nn.Flatten(),
            linear1=nn.Linear(512, 512),
            tanh1=nn.Tanh(),
            linear2=nn.Linear(512, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x112x112
        x = self.stage1(x)  # 64x56x56
        x = self.stage2(x)  # 128x28x28
        x = self.stage3(x)  # 256x14x14
        x = self.stage4(x)  # 512x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, SqueezeExcite):
                for layer in m.modules():
                    if isinstance(layer, nn.Conv2d):
                        nn.init.kaiming_normal_(
                            layer.weight, mode="fan_out", nonlinearity="relu"
                        )
                        nn.init.zeros_(layer.bias)
