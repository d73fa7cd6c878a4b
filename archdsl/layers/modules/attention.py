"""Attention among all pixels, those of a window, or channels."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


class ChannelAttention(nn.Module):
    """Scaled dot-product attention among the channels of each head (arXiv:2204.03645).

    The channels are those of queries, keys and values.
    """

    def __init__(self, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout

    def forward(self, x: Tensor) -> Tensor:
        # (N, heads, channels of a head, pixels)
        heads = x.flatten(2).unflatten(1, (3 * self.heads, -1))
        q, k, v = heads.chunk(3, 1)
        drop = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(
            q, k, v, dropout_p=drop, scale=q.shape[2] ** -0.5
        )
        return y.reshape(x.shape[0], -1, *x.shape[2:])
