"""shufflenet_v2: 2,278,604 parameters, 144,907,992 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from shufflenet_v2.arch with width = 116,
repeats = [4, 8, 4], last = 1024, classes = 1000.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class ShuffleV2(nn.Module):
    """ShuffleNetV2's unit (Ma et al. 2018, arXiv:1807.11164): half of the channels pass
    by. With a stride both halves come from all channels, each by convolutions of its
    own.
    """

    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        all_ = in_channels
        if stride == 1:
            self.branch2 = seq(
                conv1=nn.Conv2d(in_channels // 2, c // 2, 1, bias=False),
                bn1=nn.BatchNorm2d(c // 2),
                relu1=nn.ReLU(inplace=True),
                conv2=nn.Conv2d(
                    c // 2,
                    c // 2,
                    3,
                    stride=stride,
                    padding=1,
                    groups=c // 2,
                    bias=False,
                ),
                bn2=nn.BatchNorm2d(c // 2),
                conv3=nn.Conv2d(c // 2, c // 2, 1, bias=False),
                bn3=nn.BatchNorm2d(c // 2),
                relu2=nn.ReLU(inplace=True),
            )
        else:
            self.branch1 = seq(
                conv1=nn.Conv2d(
                    in_channels,
                    all_,
                    3,
                    stride=stride,
                    padding=1,
                    groups=all_,
                    bias=False,
                ),
                bn1=nn.BatchNorm2d(all_),
                conv2=nn.Conv2d(all_, c // 2, 1, bias=False),
                bn2=nn.BatchNorm2d(c // 2),
                relu1=nn.ReLU(inplace=True),
            )
            self.branch2 = seq(
                conv1=nn.Conv2d(in_channels, c // 2, 1, bias=False),
                bn1=nn.BatchNorm2d(c // 2),
                relu1=nn.ReLU(inplace=True),
                conv2=nn.Conv2d(
                    c // 2,
                    c // 2,
                    3,
                    stride=stride,
                    padding=1,
                    groups=c // 2,
                    bias=False,
                ),
                bn2=nn.BatchNorm2d(c // 2),
                conv3=nn.Conv2d(c // 2, c // 2, 1, bias=False),
                bn3=nn.BatchNorm2d(c // 2),
                relu2=nn.ReLU(inplace=True),
            )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            x = torch.cat([x.chunk(2, 1)[0], self.branch2(x.chunk(2, 1)[1])], 1)
        else:
            x = torch.cat([self.branch1(x), self.branch2(x)], 1)
        return x.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


class ShuffleNetV2(nn.Module):
    """ShuffleNetV2: each unit convolves half of the channels, and the halves are
    shuffled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 24, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(24),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage1 = seq(
            shuffle_v2_1=ShuffleV2(24, 116, stride=2),
            **{f"shuffle_v2_{i}": ShuffleV2(116, 116) for i in range(2, 5)},
        )
        self.stage2 = seq(
            shuffle_v2_1=ShuffleV2(116, 232, stride=2),
            **{f"shuffle_v2_{i}": ShuffleV2(232, 232) for i in range(2, 9)},
        )
        self.stage3 = seq(
            shuffle_v2_1=ShuffleV2(232, 464, stride=2),
            **{f"shuffle_v2_{i}": ShuffleV2(464, 464) for i in range(2, 5)},
        )
        self.head = seq(
            conv1=nn.Conv2d(464, 1024, 1, bias=False),
            bn1=nn.BatchNorm2d(1024),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 24x56x56
        x = self.stage1(x)  # 116x28x28
        x = self.stage2(x)  # 232x14x14
        x = self.stage3(x)  # 464x7x7
        return self.head(x)
