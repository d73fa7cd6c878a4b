"""mobilenet: 4,231,976 parameters, 568,740,352 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from mobilenet.arch with width = 1, repeats = 5,
size = 224, classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Depthwise(nn.Sequential):
    """A filter for each channel."""

    def __init__(self, in_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels,
            in_channels,
            3,
            stride=stride,
            padding=1,
            groups=in_channels,
            bias=False,
        )


class DepthwiseSeparable(nn.Sequential):
    """Filters over space, then a mixture of channels (Howard et al. 2017,
    arXiv:1704.04861).
    """

    def __init__(self, in_channels: int, c: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise1 = Depthwise(in_channels, stride=stride)
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu6_1 = nn.ReLU6(inplace=True)
        self.conv1 = nn.Conv2d(in_channels, c, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c)
        self.relu6_2 = nn.ReLU6(inplace=True)


class MobileNet(nn.Module):
    """MobileNet: depthwise separable convolutions, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(32),
            relu6_1=nn.ReLU6(inplace=True),
        )
        self.stage1 = seq(depthwise_separable1=DepthwiseSeparable(32, 64))
        self.stage2 = seq(
            depthwise_separable1=DepthwiseSeparable(64, 128, stride=2),
            depthwise_separable2=DepthwiseSeparable(128, 128),
        )
        self.stage3 = seq(
            depthwise_separable1=DepthwiseSeparable(128, 256, stride=2),
            depthwise_separable2=DepthwiseSeparable(256, 256),
        )
        self.stage4 = seq(
            depthwise_separable1=DepthwiseSeparable(256, 512, stride=2),
            **{
                f"depthwise_separable{i}": DepthwiseSeparable(512, 512)
                for i in range(2, 7)
            },
        )
        self.stage5 = seq(
            depthwise_separable1=DepthwiseSeparable(512, 1024, stride=2),
            depthwise_separable2=DepthwiseSeparable(1024, 1024),
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1024, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x112x112
        x = self.stage1(x)  # 64x112x112
        x = self.stage2(x)  # 128x56x56
        x = self.stage3(x)  # 256x28x28
        x = self.stage4(x)  # 512x14x14
        x = self.stage5(x)  # 1024x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
