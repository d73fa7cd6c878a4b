"""Classes of archdsl's own files as earlier versions compiled them: such sources are imported."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.layers.modules.attention import Attention


class CertainAttention(nn.Module):
    """``Attention`` before its weights could be dropped."""

    def __init__(
        self,
        heads: int,
        kv_heads: int | None = None,
        causal: bool = False,
        rope: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads = heads, kv_heads or heads
        self.causal, self.rope = causal, rope

    def forward(self, x: Tensor) -> Tensor:
        parts = self.heads, self.kv_heads, self.kv_heads
        # (N, heads, pixels, channels of a head), as the fused kernels want it
        heads = x.flatten(2).unflatten(1, (sum(parts), -1)).mT.contiguous()
        q, k, v = heads.split(parts, 1)
        if self.rope:
            q, k = self.turned(q), self.turned(k)
        if self.kv_heads != self.heads:
            k, v = (t.repeat_interleave(self.heads // self.kv_heads, 1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return y.mT.reshape(x.shape[0], -1, *x.shape[2:])

    turned: Any = Attention.turned


EARLIER: dict[str, tuple[type[nn.Module], ...]] = {"Attention": (CertainAttention,)}
