"""mobilenet_v3: 5,483,032 parameters, 216,589,760 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from mobilenet_v3.arch with config = "large", width = 1,
size = 224, classes = 1000.
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


class SqueezeExcite(nn.Module):
    """Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507): a factor for each
    channel, from the means of all, by way of `reduced` channels.
    """

    def __init__(self, in_channels: int, reduced: int) -> None:
        super().__init__()
        self.branch2 = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            conv1=nn.Conv2d(in_channels, reduced, 1),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(reduced, in_channels, 1),
            hardsigmoid1=nn.Hardsigmoid(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.branch2(x)


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, arXiv:1801.04381): wide inside, `inner`
    channels, and narrow between blocks, where nothing is activated. `attention` stands
    on the wide side (MnasNet, MobileNetV3, EfficientNet); `survive < 1` drops whole
    samples in training.
    """

    def __init__(
        self,
        in_channels: int,
        c: int,
        inner: int,
        act: type[nn.Module],
        kernel: int = 3,
        stride: int = 1,
        reduced: int = 168,
        squeeze_excite: bool = False,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Identity()
        if inner != in_channels:
            self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.Identity()
        if inner != in_channels:
            self.bn1 = nn.BatchNorm2d(inner, eps=0.001, momentum=0.01)
        self.act1 = act(inplace=True) if inner != in_channels else nn.Identity()
        self.depthwise1 = Depthwise(inner, kernel=kernel, stride=stride)
        self.bn2 = nn.BatchNorm2d(inner, eps=0.001, momentum=0.01)
        self.act2 = act(inplace=True)
        self.squeeze_excite1 = nn.Identity()
        if squeeze_excite:
            self.squeeze_excite1 = SqueezeExcite(inner, reduced)
        self.conv2 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c, eps=0.001, momentum=0.01)
        self.shortcut = stride == 1 and in_channels == c

    def forward(self, x: Tensor) -> Tensor:
        y = self.act1(self.bn1(self.conv1(x)))
        y = self.act2(self.bn2(self.depthwise1(y)))
        y = self.squeeze_excite1(y)
        y = self.bn3(self.conv2(y))
        if self.shortcut:
            y = x + y
        return y


class MobileNetV3(nn.Module):
    """MobileNetV3: the inverted residuals of MobileNetV2 with squeeze and excitation
    and hard-swish, every layer's width found by a search.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(16, eps=0.001, momentum=0.01),
            hardswish1=nn.Hardswish(inplace=True),
        )
        self.features = seq(
            inverted_residual1=InvertedResidual(16, 16, 16, nn.ReLU),
            inverted_residual2=InvertedResidual(16, 24, 64, nn.ReLU, stride=2),
            inverted_residual3=InvertedResidual(24, 24, 72, nn.ReLU),
            inverted_residual4=InvertedResidual(
                24, 40, 72, nn.ReLU, kernel=5, stride=2, reduced=24, squeeze_excite=True
            ),
            inverted_residual5=InvertedResidual(
                40, 40, 120, nn.ReLU, kernel=5, reduced=32, squeeze_excite=True
            ),
            inverted_residual6=InvertedResidual(
                40, 40, 120, nn.ReLU, kernel=5, reduced=32, squeeze_excite=True
            ),
            inverted_residual7=InvertedResidual(40, 80, 240, nn.Hardswish, stride=2),
            inverted_residual8=InvertedResidual(80, 80, 200, nn.Hardswish),
            inverted_residual9=InvertedResidual(80, 80, 184, nn.Hardswish),
            inverted_residual10=InvertedResidual(80, 80, 184, nn.Hardswish),
            inverted_residual11=InvertedResidual(
                80, 112, 480, nn.Hardswish, reduced=120, squeeze_excite=True
            ),
            inverted_residual12=InvertedResidual(
                112, 112, 672, nn.Hardswish, squeeze_excite=True
            ),
            inverted_residual13=InvertedResidual(
                112, 160, 672, nn.Hardswish, kernel=5, stride=2, squeeze_excite=True
            ),
            inverted_residual14=InvertedResidual(
                160, 160, 960, nn.Hardswish, kernel=5, reduced=240, squeeze_excite=True
            ),
            inverted_residual15=InvertedResidual(
                160, 160, 960, nn.Hardswish, kernel=5, reduced=240, squeeze_excite=True
            ),
        )
        self.head = seq(
            conv1=nn.Conv2d(160, 960, 1, bias=False),
            bn1=nn.BatchNorm2d(960, eps=0.001, momentum=0.01),
            hardswish1=nn.Hardswish(inplace=True),
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(960, 1280),
            hardswish2=nn.Hardswish(inplace=True),
            dropout1=nn.Dropout(p=0.2),
            linear2=nn.Linear(1280, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 16x112x112
        x = self.features(x)  # 160x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)
