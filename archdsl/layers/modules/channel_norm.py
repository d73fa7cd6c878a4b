"""Layer normalisation over channels."""

from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of the channels at each pixel (arXiv:2201.03545)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
