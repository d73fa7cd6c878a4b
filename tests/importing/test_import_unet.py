"""Modules of several tensors, as the steps up of a U-Net, are blocks that are given kept ones."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archdsl


class DoubleConv(nn.Module):
    def __init__(self, before: int, after: int, between: int = 0) -> None:
        super().__init__()
        between = between or after
        self.double_conv = nn.Sequential(
            *(nn.Conv2d(before, between, 3, padding=1, bias=False), nn.BatchNorm2d(between)),
            nn.ReLU(inplace=True),
            *(nn.Conv2d(between, after, 3, padding=1, bias=False), nn.BatchNorm2d(after)),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(before, after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.maxpool_conv(x)


class Up(nn.Module):
    def __init__(self, before: int, after: int, bilinear: bool) -> None:
        super().__init__()
        half = before // 2
        if bilinear:
            self.up: nn.Module = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
            self.conv = DoubleConv(before, after, half)
        else:
            self.up = nn.ConvTranspose2d(before, half, kernel_size=2, stride=2)
            self.conv = DoubleConv(before, after)

    def forward(self, x1: torch.Tensor, x2: torch.Tensor) -> torch.Tensor:
        x1 = self.up(x1)
        dy, dx = (b - a for a, b in zip(x1.shape[2:], x2.shape[2:], strict=True))
        x1 = F.pad(x1, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.conv(torch.cat([x2, x1], dim=1))


class UNet(nn.Module):
    """As in https://github.com/milesial/Pytorch-UNet."""

    def __init__(self, bilinear: bool, named: bool = False) -> None:
        super().__init__()
        by, self.named = 1 + bilinear, named
        self.inc = DoubleConv(3, 8)
        self.down1, self.down2, self.down3 = Down(8, 16), Down(16, 32), Down(32, 64 // by)
        self.up1, self.up2 = Up(64, 32 // by, bilinear), Up(32, 16 // by, bilinear)
        self.up3, self.outc = Up(16, 8, bilinear), nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x = self.down3(x3)
        for up, other in ((self.up1, x3), (self.up2, x2), (self.up3, x1)):
            x = up(x, x2=other) if self.named else up(x, other)
        return self.outc(x)


TRANSPOSED = """\
arch net(classes = 2)

use "lib/unet.arch": pad_to

input 3x16x16
default conv(bias = false)

block double_conv(c) { repeat 2 { conv(c, 3) -> bn -> relu } }

block down { maxpool(2) -> double_conv(2 * in.channels) }

block up(x2) {
  conv_transpose(in.channels / 2, 2, stride = 2) -> pad_to(x2)
  branch concat { x2; identity } -> double_conv(in.channels / 2)
}

double_conv(8) as t1
down as t2
down as t3
down
up(t3)
up(t2)
up(t1)
conv(classes, 1, bias = true)
"""
BILINEAR = """\
arch net(classes = 2)

use "lib/unet.arch": pad_to

input 3x16x16
default conv(bias = false)

block double_conv(c, c2) {
  conv(c, 3) -> bn -> relu
  conv(c2, 3) -> bn -> relu
}

block down(c) { maxpool(2) -> double_conv(c, c) }

block up(x2, c) {
  let entering = in.channels
  upsample(2, mode = bilinear, align_corners = true)
  pad_to(x2)
  branch concat { x2; identity } -> double_conv(entering, c)
}

double_conv(8, 8) as t1
down(16) as t2
down(32) as t3
down(32)
up(t3, 16)
up(t2, 8)
up(t1, 8)
conv(classes, 1, bias = true)
"""


@pytest.mark.parametrize(
    ("bilinear", "named", "text"), [(False, True, TRANSPOSED), (True, False, BILINEAR)]
)
def test_steps_up_are_blocks(bilinear: bool, named: bool, text: str) -> None:
    made = archdsl.import_module(UNet(bilinear, named), (3, 16, 16), name="net", run=False)
    assert made.text == text
    assert made.differs == []  # neither at other sizes, where what comes up is padded
