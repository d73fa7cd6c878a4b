"""llama: 6,738,415,616 parameters, 14,630,806,093,824 multiply-adds at 2048.

Compiled by archdsl 0.0.0 from llama.arch with width = 4096, depth = 32, head = 128,
shared = 1, inner = 11008, length = 2048, base = 10000, eps = 0.00001,
vocabulary = 32000.
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
        self.rms_norm1 = RMSNorm(4096, eps=1e-5)
        self.conv1 = nn.Conv1d(4096, 12288, 1, bias=False)
        self.attend1 = Attention(32, kv_heads=32, causal=True, rope=10000.0)
        self.conv2 = nn.Conv1d(4096, 4096, 1, bias=False)
        self.rms_norm2 = RMSNorm(4096, eps=1e-5)
        self.branch1 = seq(
            conv1=nn.Conv1d(4096, 11008, 1, bias=False), silu1=nn.SiLU(inplace=True)
        )
        self.branch2 = nn.Conv1d(4096, 11008, 1, bias=False)
        self.conv3 = nn.Conv1d(11008, 4096, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(self.rms_norm1(x))
        y = self.conv2(self.attend1(y))
        x = x + y
        z = self.rms_norm2(x)
        z = self.conv3(self.branch1(z) * self.branch2(z))
        return x + z


class Llama(nn.Module):
    """A decoder of the Llama family: rotary positions, RMS norm, gated layers, grouped
    queries.
    """

    def __init__(self) -> None:
        super().__init__()
        self.embedding = Embedding(32000, 4096)
        self.body = seq(**{f"unit{i}": Unit() for i in range(1, 33)})
        self.head = seq(
            rms_norm1=RMSNorm(4096, eps=1e-5),
            conv1=nn.Conv1d(4096, 32000, 1, bias=False),
        )
        self.init_weights()

    def forward(self, words: Tensor) -> Tensor:
        x = self.embedding(words)  # 4096x2048
        x = self.body(x)  # 4096x2048
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, Embedding):
                nn.init.normal_(m.weight, std=0.02)
