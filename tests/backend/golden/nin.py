"""nin: 966,986 parameters, 222,486,528 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from nin.arch with data = "cifar", classes = 10,
size = 32.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Mlpconv(nn.Sequential):
    def __init__(
        self, in_channels: int, second: int, third: int, kernel: int, padding: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 192, kernel, padding=padding)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(192, second, 1)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(second, third, 1)
        self.relu3 = nn.ReLU(inplace=True)


class NiN(nn.Module):
    """Network in Network (NiN): each convolution is followed by two of 1x1, a small
    perceptron slid over the image; there is no fully connected layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = Mlpconv(3, 160, 96, 5, 2)
        self.pool1 = seq(
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True), dropout1=nn.Dropout()
        )
        self.stage2 = Mlpconv(96, 192, 192, 5, 2)
        self.pool2 = seq(
            avgpool1=nn.AvgPool2d(3, stride=2, ceil_mode=True), dropout1=nn.Dropout()
        )
        self.stage3 = Mlpconv(192, 192, 10, 3, 1)
        self.head = seq(global_avgpool1=nn.AdaptiveAvgPool2d(1), flatten1=nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(x)  # 96x32x32
        x = self.pool1(x)  # 96x16x16
        x = self.stage2(x)  # 192x16x16
        x = self.pool2(x)  # 192x8x8
        x = self.stage3(x)  # 10x8x8
        return self.head(x)
