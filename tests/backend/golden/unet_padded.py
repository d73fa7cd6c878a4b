"""unet: 31,043,586 parameters, 48,171,581,440 multiply-adds at 3x256x256.

Compiled by archdsl 0.0.0 from unet.arch with width = 64, levels = 4, size = 256,
pad = 1, norm = bn, channels = 3, classes = 2.
"""

import torch
from torch import Tensor, nn


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions. `pad = 0` cuts a pixel off every side in each."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c, c, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(c)
        self.relu2 = nn.ReLU(inplace=True)


class UNetBlock(nn.Module):
    """A U of `levels` steps down and as many up, each half the size and twice the
    channels of the one before. What comes up has the skipped image beside it, cropped
    where the way cost pixels.
    """

    def __init__(self, in_channels: int, c: int, levels: int) -> None:
        super().__init__()
        self.levels = levels
        self.double_conv1 = DoubleConv(in_channels, c)
        if levels > 0:
            self.maxpool1 = nn.MaxPool2d(2)
            self.unet1 = UNetBlock(c, 2 * c, levels - 1)
            self.conv_transpose1 = nn.ConvTranspose2d(2 * c, c, 2, stride=2)
            self.double_conv2 = DoubleConv(2 * c, c)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.double_conv1(x)
        if self.levels > 0:
            x = self.maxpool1(skip)
            x = self.unet1(x)
            x = self.conv_transpose1(x)
            margin = (skip.shape[-2] - x.shape[-2]) // 2
            x = torch.cat(
                [skip[:, :, margin:-margin, margin:-margin] if margin > 0 else skip, x],
                1,
            )
            return self.double_conv2(x)
        return skip


class UNet(nn.Module):
    """U-Net: a class for every pixel. With the defaults the paper's, which pads
    nothing, so that its output is smaller than its input.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unet1 = UNetBlock(3, 64, 4)
        self.head = nn.Conv2d(64, 2, 1)
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.unet1(x)  # 64x256x256
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, nonlinearity="relu")
