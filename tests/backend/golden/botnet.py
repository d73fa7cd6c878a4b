"""botnet: 20,852,008 parameters, 4,024,557,568 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from botnet.arch with depth = 50, width = 64,
attends = [0, 0, 0, 3], stem = "7x7", size = 224, classes = 1000.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


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


class Unit(nn.Module):
    def __init__(
        self,
        in_channels: int,
        c: int,
        stride: int,
        attends: bool,
        channels: int,
        kernel: int,
        conv2_stride: int,
        padding: int,
        size2: tuple[int, ...] = (14, 14),
        shortcut_conv1_stride: int = 2,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            c, channels, kernel, stride=conv2_stride, padding=padding, bias=False
        )
        self.attend1 = nn.Identity()
        if attends:
            self.attend1 = WindowAttention(4, size2, keys=3 * c // 12)
        self.avgpool1 = nn.Identity()
        if attends and stride > 1:
            self.avgpool1 = nn.AvgPool2d(stride)
        self.bn2 = nn.BatchNorm2d(4 * (3 * c // 12))
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(4 * (3 * c // 12), 4 * c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * c)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != 4 * c:
            self.shortcut = seq(
                conv1=nn.Conv2d(
                    in_channels, 4 * c, 1, stride=shortcut_conv1_stride, bias=False
                ),
                bn1=nn.BatchNorm2d(4 * c),
            )
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.attend1(self.conv2(y))
        y = self.avgpool1(y)
        y = self.bn3(self.conv3(self.relu2(self.bn2(y))))
        y += self.shortcut(x)
        return self.relu3(y)


class BoTNet(nn.Module):
    """BoTNet: a residual network whose last 3x3 convolutions are attention with 2-D
    positions.
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
            unit1=Unit(64, 64, 1, False, 64, 3, 1, 1, shortcut_conv1_stride=1),
            unit2=Unit(256, 64, 1, False, 64, 3, 1, 1),
            unit3=Unit(256, 64, 1, False, 64, 3, 1, 1),
        )
        self.stage2 = seq(
            unit1=Unit(256, 128, 2, False, 128, 3, 2, 1),
            **{f"unit{i}": Unit(512, 128, 1, False, 128, 3, 1, 1) for i in range(2, 5)},
        )
        self.stage3 = seq(
            unit1=Unit(512, 256, 2, False, 256, 3, 2, 1),
            **{
                f"unit{i}": Unit(1024, 256, 1, False, 256, 3, 1, 1) for i in range(2, 7)
            },
        )
        self.stage4 = seq(
            unit1=Unit(1024, 512, 2, True, 1536, 1, 1, 0),
            unit2=Unit(2048, 512, 1, True, 1536, 1, 1, 0, size2=(7, 7)),
            unit3=Unit(2048, 512, 1, True, 1536, 1, 1, 0, size2=(7, 7)),
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
