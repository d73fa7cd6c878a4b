"""stochastic_depth: 1,727,962 parameters, 252,887,680 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from stochastic_depth.arch with depth = 110, p_last = 0.5,
decay = "linear", classes = 10.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class StochasticDepth(nn.Module):
    """shortcut + branch, the branch dropped at random in training (arXiv:1603.09382).

    ``survive`` is the probability to keep it: drawn once per "batch" or per "sample".
    The branch is scaled by it in "eval" (the paper), or by its inverse in "train".
    """

    def __init__(
        self, survive: float, per: str = "batch", scaling: str = "eval"
    ) -> None:
        super().__init__()
        self.survive, self.per, self.scaling = survive, per, scaling

    def forward(self, shortcut: Tensor, branch: Tensor) -> Tensor:
        if self.survive == 1 or not (self.training or self.scaling == "eval"):
            return shortcut + branch
        if not self.training:
            return shortcut + self.survive * branch
        draws = [len(branch) if self.per == "sample" else 1] + [1] * (branch.dim() - 1)
        keep = (torch.rand(draws, device=branch.device) < self.survive).to(branch.dtype)
        if self.scaling == "train" and self.survive:
            keep = keep / self.survive
        return shortcut + keep * branch


class Shortcut(nn.Module):
    def __init__(self, after: int) -> None:
        super().__init__()
        self.avgpool1 = nn.AvgPool2d(2)
        self.pad_channels_after = after

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(self.avgpool1(x), (0, 0, 0, 0, 0, self.pad_channels_after))


class Unit(nn.Module):
    def __init__(self, in_channels: int, c: int, size1: float, stride: int = 1) -> None:
        super().__init__()
        assert stride == 2 or (stride == 1 and in_channels == c)
        self.conv1 = nn.Conv2d(in_channels, c, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.shortcut = Shortcut(c - in_channels) if stride != 1 else nn.Identity()
        self.add1 = StochasticDepth(size1)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu2(self.add1(self.shortcut(x), y))


class StochasticDepthNet(nn.Module):
    """Deep networks with stochastic depth: ResNets for CIFAR whose units are dropped at
    random in training, later ones more often.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 16, 3, padding=1, bias=False),
            bn1=nn.BatchNorm2d(16),
            relu1=nn.ReLU(inplace=True),
        )
        self.stage1 = seq(
            **{f"unit{i}": Unit(16, 16, 1 - i / 108) for i in range(1, 19)}
        )
        self.stage2 = seq(
            unit1=Unit(16, 32, 89 / 108, stride=2),
            **{f"unit{i}": Unit(32, 32, (90 - i) / 108) for i in range(2, 19)},
        )
        self.stage3 = seq(
            unit1=Unit(32, 64, 71 / 108, stride=2),
            **{f"unit{i}": Unit(64, 64, (72 - i) / 108) for i in range(2, 19)},
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(64, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x32x32
        x = self.stage1(x)  # 16x32x32
        x = self.stage2(x)  # 32x16x16
        x = self.stage3(x)  # 64x8x8
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
