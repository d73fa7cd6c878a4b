"""nin: 7,595,176 parameters, 1,100,188,800 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from nin.arch with data = "imagenet", classes = 1000,
size = 224.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Mlpconv(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        second: int,
        third: int,
        channels: int,
        kernel: int,
        stride: int,
        padding: int,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, channels, kernel, stride=stride, padding=padding
        )
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, second, 1)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(second, third, 1)
        self.relu3 = nn.ReLU(inplace=True)


class NiN(nn.Module):
    """Network in Network (NiN): each convolution is followed by two of 1x1, a small
    perceptron slid over the image; there is no fully connected layer.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = Mlpconv(3, 96, 96, 96, 11, 4, 0)
        self.pool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.stage2 = Mlpconv(96, 256, 256, 256, 5, 1, 2)
        self.pool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.stage3 = Mlpconv(256, 384, 384, 384, 3, 1, 1)
        self.pool3 = seq(
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True), dropout1=nn.Dropout()
        )
        self.stage4 = Mlpconv(384, 1024, 1000, 1024, 3, 1, 1)
        self.head = seq(global_avgpool1=nn.AdaptiveAvgPool2d(1), flatten1=nn.Flatten())

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(x)  # 96x54x54
        x = self.pool1(x)  # 96x27x27
        x = self.stage2(x)  # 256x27x27
        x = self.pool2(x)  # 256x13x13
        x = self.stage3(x)  # 384x13x13
        x = self.pool3(x)  # 384x6x6
        x = self.stage4(x)  # 1000x6x6
        return self.head(x)
