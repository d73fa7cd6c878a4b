"""gpt: 134,515,008 parameters, 420,369,924,096 multiply-adds at 2048.

Compiled by archdsl 0.0.0 from gpt.arch with width = 576, depth = 30, head = 64,
grouped = 3, ratio = 8 / 3, length = 2048, vocabulary = 49152.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class RMSNorm(nn.Module):
    """The channels at each pixel over their root mean square (arXiv:1910.07467)."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        y = wide * torch.rsqrt(wide.square().mean(1, keepdim=True) + self.eps)
        return y.to(x.dtype) * self.weight.view(-1, *(1,) * (x.dim() - 2))


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


class Embedding(nn.Embedding):
    """A learned vector for each token id: ``(N, C, L)`` of ``(N, L)``."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).movedim(-1, 1)


class Unit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rms_norm1 = RMSNorm(576, eps=1e-5)
        self.conv1 = nn.Conv1d(576, 960, 1, bias=False)
        self.attend1 = Attention(9, kv_heads=3, causal=True, rope=10000.0)
        self.conv2 = nn.Conv1d(576, 576, 1, bias=False)
        self.rms_norm2 = RMSNorm(576, eps=1e-5)
        self.branch1 = seq(
            conv1=nn.Conv1d(576, 1536, 1, bias=False), silu1=nn.SiLU(inplace=True)
        )
        self.branch2 = nn.Conv1d(576, 1536, 1, bias=False)
        self.conv3 = nn.Conv1d(1536, 576, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.rms_norm1(x))
        y = self.conv2(self.attend1(y))
        x = x + y
        z = self.rms_norm2(x)
        z = self.conv3(self.branch1(z) * self.branch2(z))
        return x + z


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rms_norm1 = RMSNorm(576, eps=1e-5)

    def forward(self, x: Tensor, table: nn.Module) -> Tensor:
        return F.linear(self.rms_norm1(x).mT, table.weight).mT


class Gpt(nn.Module):
    """A small decoder of words or characters: rotary positions, RMS norm, gated layers,
    and one table for what comes in and what goes out.
    """

    def __init__(self) -> None:
        super().__init__()
        self.table = Embedding(49152, 576)
        self.body = seq(**{f"unit{i}": Unit() for i in range(1, 31)})
        self.head = Head()
        self.init_weights()

    def forward(self, words: Tensor) -> Tensor:
        x = self.table(words)  # 576x2048
        x = self.body(x)  # 576x2048
        return self.head(x, self.table)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, Embedding):
                nn.init.normal_(m.weight, std=0.02)
