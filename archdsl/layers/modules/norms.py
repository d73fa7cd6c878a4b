"""Normalisation over channels, and with a scale and no shift."""

from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of the channels at each pixel (arXiv:2201.03545)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def without_bias(norm: nn.Module) -> nn.Module:
    """The norm with its scale alone: older PyTorch has no ``bias=False`` for it."""
    norm.register_parameter("bias", None)
    return norm
