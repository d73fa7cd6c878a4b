"""mobilenet_v2: 3,504,872 parameters, 300,774,272 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from mobilenet_v2.arch with width = 1, expansion = 6,
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


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, arXiv:1801.04381): wide inside, `inner`
    channels, and narrow between blocks, where nothing is activated. `attention` stands
    on the wide side (MnasNet, MobileNetV3, EfficientNet); `survive < 1` drops whole
    samples in training.
    """

    def __init__(self, in_channels: int, c: int, inner: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Identity()
        if inner != in_channels:
            self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner) if inner != in_channels else nn.Identity()
        self.relu6_1 = nn.ReLU6(inplace=True) if inner != in_channels else nn.Identity()
        self.depthwise1 = Depthwise(inner, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner)
        self.relu6_2 = nn.ReLU6(inplace=True)
        self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.shortcut = stride == 1 and in_channels == c

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu6_1(self.bn1(self.conv1(x)))
        y = self.relu6_2(self.bn2(self.depthwise1(y)))
        y = self.bn3(self.conv2(y))
        if self.shortcut:
            y = x + y
        return y


class MobileNetV2(nn.Module):
    """MobileNetV2: blocks that are wide inside and narrow between, with depthwise
    convolutions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(32),
            relu6_1=nn.ReLU6(inplace=True),
        )
        self.stage1 = seq(inverted_residual1=InvertedResidual(32, 16, 32))
        self.stage2 = seq(
            inverted_residual1=InvertedResidual(16, 24, 96, stride=2),
            inverted_residual2=InvertedResidual(24, 24, 144),
        )
        self.stage3 = seq(
            inverted_residual1=InvertedResidual(24, 32, 144, stride=2),
            inverted_residual2=InvertedResidual(32, 32, 192),
            inverted_residual3=InvertedResidual(32, 32, 192),
        )
        self.stage4 = seq(
            inverted_residual1=InvertedResidual(32, 64, 192, stride=2),
            **{
                f"inverted_residual{i}": InvertedResidual(64, 64, 384)
                for i in range(2, 5)
            },
        )
        self.stage5 = seq(
            inverted_residual1=InvertedResidual(64, 96, 384),
            inverted_residual2=InvertedResidual(96, 96, 576),
            inverted_residual3=InvertedResidual(96, 96, 576),
        )
        self.stage6 = seq(
            inverted_residual1=InvertedResidual(96, 160, 576, stride=2),
            inverted_residual2=InvertedResidual(160, 160, 960),
            inverted_residual3=InvertedResidual(160, 160, 960),
        )
        self.stage7 = seq(inverted_residual1=InvertedResidual(160, 320, 960))
        self.head = seq(
            conv1=nn.Conv2d(320, 1280, 1, bias=False),
            bn1=nn.BatchNorm2d(1280),
            relu6_1=nn.ReLU6(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            dropout1=nn.Dropout(p=0.2),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1280, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32x112x112
        x = self.stage1(x)  # 16x112x112
        x = self.stage2(x)  # 24x56x56
        x = self.stage3(x)  # 32x28x28
        x = self.stage4(x)  # 64x14x14
        x = self.stage5(x)  # 96x14x14
        x = self.stage6(x)  # 160x7x7
        x = self.stage7(x)  # 320x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)
