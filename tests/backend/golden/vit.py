"""vit: 86,567,656 parameters, 17,563,828,224 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from vit.arch with width = 768, depth = 12, head = 64,
patch = 16, classes = 1000.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Attention(nn.Module):
    """Scaled dot-product attention among pixels (arXiv:1706.03762).

    The channels are those of queries, keys and values: of ``heads``, ``kv_heads``
    and ``kv_heads`` heads. ``rope`` is the base of rotary positions, if there are any
    (arXiv:2104.09864). ``dropout`` is of the weights.
    """

    def __init__(
        self,
        heads: int,
        kv_heads: int | None = None,
        causal: bool = False,
        rope: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads = heads, kv_heads or heads
        self.causal, self.rope, self.dropout = causal, rope, dropout

    def forward(self, x: Tensor) -> Tensor:
        parts = self.heads, self.kv_heads, self.kv_heads
        # (N, heads, pixels, channels of a head), as the fused kernels want it
        heads = x.flatten(2).unflatten(1, (sum(parts), -1)).mT.contiguous()
        q, k, v = heads.split(parts, 1)
        if self.rope:
            q, k = self.turned(q), self.turned(k)
        if self.kv_heads != self.heads:
            k, v = (t.repeat_interleave(self.heads // self.kv_heads, 1) for t in (k, v))
        drop = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(
            q, k, v, dropout_p=drop, is_causal=self.causal
        )
        return y.mT.reshape(x.shape[0], -1, *x.shape[2:])

    def turned(self, x: Tensor) -> Tensor:
        """Each vector, turned by angles in proportion to its place."""
        half, places = x.shape[3] // 2, torch.arange(x.shape[2], device=x.device)
        speed = self.rope ** (-torch.arange(half, device=x.device) / half)
        angle = torch.outer(places, speed)
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        a, b = x.chunk(2, 3)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], 3)


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of the channels at each pixel (arXiv:2201.03545)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Prepend(nn.Module):
    """Learned tokens before those of ``(N, C, L)`` (arXiv:2010.11929)."""

    def __init__(self, channels: int, tokens: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, tokens, channels))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.weight.mT.expand(x.shape[0], -1, -1), x], 2)


class Positions(nn.Module):
    """A learned vector for each pixel, added (arXiv:2010.11929)."""

    def __init__(self, channels: int, *size: int) -> None:
        super().__init__()
        self.tokens = len(size) == 1  # stored with channels last, as elsewhere
        shape = (*size, channels) if self.tokens else (channels, *size)
        self.weight = nn.Parameter(torch.zeros(1, *shape))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        return x + (self.weight.mT if self.tokens else self.weight)


class Patches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 768, 16, stride=16)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1(x).flatten(2)


class AttentionBlock(nn.Sequential):
    """Attention of each token to all, or to those before it (Vaswani et al. 2017,
    arXiv:1706.03762).
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(768, 2304, 1)
        self.attend1 = Attention(12)
        self.conv2 = nn.Conv1d(768, 768, 1)


class Mlp(nn.Sequential):
    """Two layers on each token, the inner one `ratio` times as wide."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(768, 3072, 1)
        self.gelu1 = nn.GELU()
        self.conv2 = nn.Conv1d(3072, 768, 1)


class Unit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer_norm1 = ChannelNorm(768, eps=1e-6)
        self.attention1 = AttentionBlock()
        self.layer_norm2 = ChannelNorm(768, eps=1e-6)
        self.mlp1 = Mlp()

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer_norm1(x)
        x = x + self.attention1(y)
        z = self.layer_norm2(x)
        return x + self.mlp1(z)


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer_norm1 = ChannelNorm(768, eps=1e-6)
        self.linear1 = nn.Linear(768, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear1(self.layer_norm1(x)[:, :, 0])


class Vit(nn.Module):
    """Vision transformer: an image as a sequence of patches, to which a class token is
    added.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patches = Patches()
        self.prepend1 = Prepend(768)
        self.positions1 = Positions(768, 197)
        self.body = seq(**{f"unit{i}": Unit() for i in range(1, 13)})
        self.head = Head()
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x)  # 768x196
        x = self.positions1(self.prepend1(x))  # 768x197
        x = self.body(x)  # 768x197
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, Prepend):
                nn.init.zeros_(m.weight)
