"""Attention of one sequence to another."""

import torch.nn.functional as F
from torch import Tensor, nn


class CrossAttention(nn.Module):
    """Scaled dot-product attention between two tensors (arXiv:1706.03762).

    The first has the channels of the queries, of ``heads`` heads; the second those of
    keys and values, of ``kv_heads`` heads each: what the keys leave are the values'.
    ``dropout`` is of the weights.
    """

    def __init__(
        self, heads: int, kv_heads: int | None = None, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.dropout = heads, kv_heads or heads, dropout

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        # (N, heads, pixels, channels of a head), as the fused kernels want it
        q = x.flatten(2).unflatten(1, (self.heads, -1)).mT.contiguous()
        keys = self.kv_heads * q.shape[3]
        both = context.flatten(2).split((keys, context.shape[1] - keys), 1)
        k, v = (t.unflatten(1, (self.kv_heads, -1)).mT.contiguous() for t in both)
        if self.kv_heads != self.heads:
            k, v = (t.repeat_interleave(self.heads // self.kv_heads, 1) for t in (k, v))
        drop = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=drop)
        return y.mT.reshape(x.shape[0], -1, *x.shape[2:])
