"""unet: 31,030,658 parameters, 150,428,424,448 multiply-adds at 1x572x572.

Compiled by archdsl 0.0.0 from unet.arch with width = 64, levels = 4, size = 572,
pad = 0, norm = identity, channels = 1, classes = 2.
"""

import torch
from torch import Tensor, nn


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions. `pad = 0` cuts a pixel off every side in each."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3)
        self.relu2 = nn.ReLU(inplace=True)


class UNetA(nn.Sequential):
    """A U of `levels` steps down and as many up, each half the size and twice the
    channels of the one before. What comes up has the skipped image beside it, cropped
    where the way cost pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.double_conv1 = DoubleConv(512, 1024)


class UNetB(nn.Module):
    """Another form of `UNetA`."""

    def __init__(self) -> None:
        super().__init__()
        self.double_conv1 = DoubleConv(256, 512)
        self.maxpool1 = nn.MaxPool2d(2)
        self.unet1 = UNetA()
        self.conv_transpose1 = nn.ConvTranspose2d(1024, 512, 2, stride=2)
        self.double_conv2 = DoubleConv(1024, 512)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.double_conv1(x)
        y = self.maxpool1(skip)
        y = self.unet1(y)
        y = torch.cat([skip[:, :, 4:-4, 4:-4], self.conv_transpose1(y)], 1)
        return self.double_conv2(y)


class UNetC(nn.Module):
    """Another form of `UNetA`."""

    def __init__(self) -> None:
        super().__init__()
        self.double_conv1 = DoubleConv(128, 256)
        self.maxpool1 = nn.MaxPool2d(2)
        self.unet1 = UNetB()
        self.conv_transpose1 = nn.ConvTranspose2d(512, 256, 2, stride=2)
        self.double_conv2 = DoubleConv(512, 256)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.double_conv1(x)
        y = self.maxpool1(skip)
        y = self.unet1(y)
        y = torch.cat([skip[:, :, 16:-16, 16:-16], self.conv_transpose1(y)], 1)
        return self.double_conv2(y)


class UNetD(nn.Module):
    """Another form of `UNetA`."""

    def __init__(self) -> None:
        super().__init__()
        self.double_conv1 = DoubleConv(64, 128)
        self.maxpool1 = nn.MaxPool2d(2)
        self.unet1 = UNetC()
        self.conv_transpose1 = nn.ConvTranspose2d(256, 128, 2, stride=2)
        self.double_conv2 = DoubleConv(256, 128)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.double_conv1(x)
        y = self.maxpool1(skip)
        y = self.unet1(y)
        y = torch.cat([skip[:, :, 40:-40, 40:-40], self.conv_transpose1(y)], 1)
        return self.double_conv2(y)


class UNetE(nn.Module):
    """Another form of `UNetA`."""

    def __init__(self) -> None:
        super().__init__()
        self.double_conv1 = DoubleConv(1, 64)
        self.maxpool1 = nn.MaxPool2d(2)
        self.unet1 = UNetD()
        self.conv_transpose1 = nn.ConvTranspose2d(128, 64, 2, stride=2)
        self.double_conv2 = DoubleConv(128, 64)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.double_conv1(x)
        y = self.maxpool1(skip)
        y = self.unet1(y)
        y = torch.cat([skip[:, :, 88:-88, 88:-88], self.conv_transpose1(y)], 1)
        return self.double_conv2(y)


class UNet(nn.Module):
    """U-Net: a class for every pixel. With the defaults the paper's, which pads
    nothing, so that its output is smaller than its input.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unet1 = UNetE()
        self.head = nn.Conv2d(64, 2, 1)
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.unet1(x)  # 64x388x388
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
