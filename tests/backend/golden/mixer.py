"""mixer: 59,880,472 parameters, 12,601,767,936 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from mixer.arch with width = 768, depth = 12, patch = 16,
classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation of the channels at each pixel (arXiv:2201.03545)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Patches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 768, 16, stride=16)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv1(x).flatten(2)


class Across(nn.Module):
    """Two layers over the tokens, the same for each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(196, 384, 1)
        self.gelu1 = nn.GELU()
        self.conv2 = nn.Conv1d(384, 196, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.gelu1(self.conv1(x.mT))
        return self.conv2(x).mT


class MLP(nn.Sequential):
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
        self.across1 = Across()
        self.layer_norm2 = ChannelNorm(768, eps=1e-6)
        self.mlp1 = MLP()

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer_norm1(x)
        x = x + self.across1(y)
        z = self.layer_norm2(x)
        return x + self.mlp1(z)


class Mixer(nn.Module):
    """MLP-Mixer: two layers over the places of tokens, and two over their channels, in
    turn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.patches = Patches()
        self.body = seq(**{f"unit{i}": Unit() for i in range(1, 13)})
        self.head = seq(
            layer_norm1=ChannelNorm(768, eps=1e-6),
            global_avgpool1=nn.AdaptiveAvgPool1d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(768, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x)  # 768x196
        x = self.body(x)  # 768x196
        return self.head(x)
