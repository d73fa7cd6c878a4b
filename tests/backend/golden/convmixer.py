"""convmixer: 51,625,960 parameters, 51,099,168,768 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from convmixer.arch with width = 1536, depth = 20,
kernel = 9, patch = 7, act = gelu, classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Turn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1536, 1536, 9, padding=4, groups=1536)
        self.gelu1 = nn.GELU()
        self.bn1 = nn.BatchNorm2d(1536)
        self.conv2 = nn.Conv2d(1536, 1536, 1)
        self.gelu2 = nn.GELU()
        self.bn2 = nn.BatchNorm2d(1536)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn1(self.gelu1(self.conv1(x)))
        y += x
        return self.bn2(self.gelu2(self.conv2(y)))


class ConvMixer(nn.Module):
    """ConvMixer: patches, then filters over space and mixtures of channels in turns."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 1536, 7, stride=7),
            gelu1=nn.GELU(),
            bn1=nn.BatchNorm2d(1536),
        )
        self.body = seq(**{f"turn{i}": Turn() for i in range(1, 21)})
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1536, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 1536x32x32
        x = self.body(x)  # 1536x32x32
        return self.head(x)
