"""mnasnet: 4,383,312 parameters, 314,415,872 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from mnasnet.arch with width = 1, size = 224, drop = 0.2,
classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Depthwise(nn.Sequential):
    """A filter for each channel."""

    def __init__(self, in_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels,
            in_channels,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=in_channels,
            bias=False,
        )


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, arXiv:1801.04381): wide inside, `inner`
    channels, and narrow between blocks, where nothing is activated. `attention` stands
    on the wide side (MnasNet, MobileNetV3, EfficientNet); `survive < 1` drops whole
    samples in training.
    """

    def __init__(
        self, in_channels: int, c: int, inner: int, kernel: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        assert inner != in_channels
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner, momentum=0.0003)
        self.relu1 = nn.ReLU(inplace=True)
        self.depthwise1 = Depthwise(inner, kernel=kernel, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner, momentum=0.0003)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c, momentum=0.0003)
        self.shortcut = stride == 1 and in_channels == c

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.depthwise1(y)))
        y = self.bn3(self.conv2(y))
        if self.shortcut:
            y = x + y
        return y


class MnasNet(nn.Module):
    """MnasNet: found by a search for accuracy and for speed on a phone. It is the one
    without attention (B1), as torchvision has it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(32, momentum=0.0003),
            relu1=nn.ReLU(inplace=True),
            depthwise1=Depthwise(32),
            bn2=nn.BatchNorm2d(32, momentum=0.0003),
            relu2=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(32, 16, 1, bias=False),
            bn3=nn.BatchNorm2d(16, momentum=0.0003),
        )
        self.stage1 = seq(
            inverted_residual1=InvertedResidual(16, 24, 48, stride=2),
            inverted_residual2=InvertedResidual(24, 24, 72),
            inverted_residual3=InvertedResidual(24, 24, 72),
        )
        self.stage2 = seq(
            inverted_residual1=InvertedResidual(24, 40, 72, kernel=5, stride=2),
            inverted_residual2=InvertedResidual(40, 40, 120, kernel=5),
            inverted_residual3=InvertedResidual(40, 40, 120, kernel=5),
        )
        self.stage3 = seq(
            inverted_residual1=InvertedResidual(40, 80, 240, kernel=5, stride=2),
            inverted_residual2=InvertedResidual(80, 80, 480, kernel=5),
            inverted_residual3=InvertedResidual(80, 80, 480, kernel=5),
        )
        self.stage4 = seq(
            inverted_residual1=InvertedResidual(80, 96, 480),
            inverted_residual2=InvertedResidual(96, 96, 576),
        )
        self.stage5 = seq(
            inverted_residual1=InvertedResidual(96, 192, 576, kernel=5, stride=2),
            **{
                f"inverted_residual{i}": InvertedResidual(192, 192, 1152, kernel=5)
                for i in range(2, 5)
            },
        )
        self.stage6 = seq(inverted_residual1=InvertedResidual(192, 320, 1152))
        self.head = seq(
            conv1=nn.Conv2d(320, 1280, 1, bias=False),
            bn1=nn.BatchNorm2d(1280, momentum=0.0003),
            relu1=nn.ReLU(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            dropout1=nn.Dropout(p=0.2),
            flatten=nn.Flatten(),
            linear1=nn.Linear(1280, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x112x112
        x = self.stage1(x)  # 24x56x56
        x = self.stage2(x)  # 40x28x28
        x = self.stage3(x)  # 80x14x14
        x = self.stage4(x)  # 96x14x14
        x = self.stage5(x)  # 192x7x7
        x = self.stage6(x)  # 320x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.kaiming_uniform_(
                    m.weight, mode="fan_out", nonlinearity="sigmoid"
                )
                nn.init.zeros_(m.bias)
