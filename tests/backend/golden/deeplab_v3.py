"""deeplab_v3: 42,004,074 parameters, 168,731,205,888 multiply-adds at 3x520x520.

Compiled by archdsl 0.0.0 from deeplab_v3.arch with depth = 50, head = "aspp",
aux = true, size = 520, classes = 21.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, `inner` channels wide (He et al. 2015);
    `groups` make it a ResNeXt's (Xie et al. 2017, arXiv:1611.05431).
    """

    def __init__(
        self, in_channels: int, c: int, inner: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            inner,
            inner,
            3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(inner)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(inner, c, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c)
        self.shortcut = nn.Identity()
        if not (stride == 1 and in_channels == c):
            self.shortcut = seq(
                conv1=nn.Conv2d(in_channels, c, 1, stride=stride, bias=False),
                bn1=nn.BatchNorm2d(c),
            )
        self.relu3 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.relu2(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += self.shortcut(x)
        return self.relu3(y)


class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, c: int, n: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        channels = in_channels
        for j in range(1, n + 1):
            bottleneck = Bottleneck(
                channels,
                c,
                c // 4,
                stride=stride if j == 1 else 1,
                dilation=dilation if j > 1 else max(1, dilation // 2),
            )
            self.add_module(f"bottleneck{j}", bottleneck)
            channels = c


class FCN(nn.Sequential):
    """The head of a fully convolutional network (FCN)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1024, 256, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(256)
        self.relu1 = nn.ReLU(inplace=True)
        self.dropout1 = nn.Dropout(p=0.1)
        self.conv2 = nn.Conv2d(256, 21, 1)


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling (ASPP): parallel 3x3 convolutions at several
    `rates` of dilation, a 1x1, and the mean of the whole image (Chen et al. 2017,
    arXiv:1706.05587).
    """

    def __init__(self) -> None:
        super().__init__()
        self.branch1 = seq(
            conv1=nn.Conv2d(2048, 256, 1, bias=False),
            bn1=nn.BatchNorm2d(256),
            relu1=nn.ReLU(inplace=True),
        )
        self.branch2 = seq(
            conv1=nn.Conv2d(2048, 256, 3, padding=12, dilation=12, bias=False),
            bn1=nn.BatchNorm2d(256),
            relu1=nn.ReLU(inplace=True),
        )
        self.branch3 = seq(
            conv1=nn.Conv2d(2048, 256, 3, padding=24, dilation=24, bias=False),
            bn1=nn.BatchNorm2d(256),
            relu1=nn.ReLU(inplace=True),
        )
        self.branch4 = seq(
            conv1=nn.Conv2d(2048, 256, 3, padding=36, dilation=36, bias=False),
            bn1=nn.BatchNorm2d(256),
            relu1=nn.ReLU(inplace=True),
        )
        self.branch5 = seq(
            global_avgpool1=nn.AdaptiveAvgPool2d(1),
            conv1=nn.Conv2d(2048, 256, 1, bias=False),
            bn1=nn.BatchNorm2d(256),
            relu1=nn.ReLU(inplace=True),
            resize1=nn.Upsample(size=(65, 65), mode="bilinear", align_corners=False),
        )
        self.conv1 = nn.Conv2d(1280, 256, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(256)
        self.relu1 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat(
            [
                self.branch1(x),
                self.branch2(x),
                self.branch3(x),
                self.branch4(x),
                self.branch5(x),
            ],
            1,
        )
        return self.relu1(self.bn1(self.conv1(x)))


class DeepLabv3(nn.Module):
    """DeepLabv3: a residual network whose last stages dilate their filters instead of
    shrinking the image, and a head that looks at several scales. It gives every pixel a
    class.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage1 = Stage(64, 256, 3)
        self.stage2 = Stage(256, 512, 4, stride=2)
        self.stage3 = Stage(512, 1024, 6, dilation=2)
        self.aux = seq(
            fcn1=FCN(),
            resize1=nn.Upsample(size=(520, 520), mode="bilinear", align_corners=False),
        )
        self.stage4 = Stage(1024, 2048, 3, dilation=4)
        self.head = seq(
            aspp1=ASPP(),
            dropout1=nn.Dropout(),
            conv1=nn.Conv2d(256, 256, 3, padding=1, bias=False),
            bn1=nn.BatchNorm2d(256),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(256, 21, 1),
            resize1=nn.Upsample(size=(520, 520), mode="bilinear", align_corners=False),
        )
        self.output_weights = {"main": 1.0, "aux": 0.5}
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor | dict[str, Tensor]:
        x = self.stem(x)  # 64x130x130
        x = self.stage1(x)  # 256x130x130
        x = self.stage2(x)  # 512x65x65
        x = self.stage3(x)  # 1024x65x65
        aux = self.aux(x) if self.training else None
        x = self.stage4(x)  # 2048x65x65
        x = self.head(x)  # 21x520x520
        if self.training:
            return {"main": x, "aux": aux}
        return x

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, (Bottleneck, FCN)):
                for layer in m.modules():
                    if isinstance(layer, nn.Conv2d):
                        nn.init.kaiming_normal_(
                            layer.weight, mode="fan_out", nonlinearity="relu"
                        )
        for layer in (self.stem.conv1, self.head.conv1, self.head.conv2):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def loss(self, outputs, target, criterion=F.cross_entropy) -> Tensor:
        """The loss of all outputs, each with its weight; of one alone in evaluation."""
        if isinstance(outputs, Tensor):
            return criterion(outputs, target)
        weights = self.output_weights
        return sum(weights[k] * criterion(y, target) for k, y in outputs.items())
