"""video_resnet: 33,371,472 parameters, 40,696,553,472 multiply-adds at 3x16x112x112.

Compiled by archdsl 0.0.0 from video_resnet.arch with kind = "r3d", width = 64,
repeats = [2, 2, 2, 2], frames = 16, size = 112, classes = 400.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Convolve(nn.Sequential):
    def __init__(self, in_channels: int, c: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(in_channels, c, 3, stride=stride, padding=1, bias=False)


class Unit(nn.Module):
    def __init__(self, in_channels: int, c: int, stride: int) -> None:
        super().__init__()
        self.convolve1 = Convolve(in_channels, c, stride)
        self.bn1 = nn.BatchNorm3d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.convolve2 = Convolve(c, c, 1)
        self.bn2 = nn.BatchNorm3d(c)
        self.shortcut = nn.Identity()
        if stride != 1 or in_channels != c:
            self.shortcut = seq(
                conv1=nn.Conv3d(in_channels, c, 1, stride=stride, bias=False),
                bn1=nn.BatchNorm3d(c),
            )
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.convolve1(x)))
        y = self.bn2(self.convolve2(y))
        y += self.shortcut(x)
        return self.relu2(y)


class VideoResNet(nn.Module):
    """Residual networks for video: ResNet-18 over space and time, with full filters
    (R3D), full ones in the first stage and flat ones in the others (MC3), or flat ones
    followed by filters over time (R(2+1)D).
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv3d(
                3, 64, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False
            ),
            bn1=nn.BatchNorm3d(64),
            relu1=nn.ReLU(inplace=True),
        )
        self.stage1 = seq(unit1=Unit(64, 64, 1), unit2=Unit(64, 64, 1))
        self.stage2 = seq(unit1=Unit(64, 128, 2), unit2=Unit(128, 128, 1))
        self.stage3 = seq(unit1=Unit(128, 256, 2), unit2=Unit(256, 256, 1))
        self.stage4 = seq(unit1=Unit(256, 512, 2), unit2=Unit(512, 512, 1))
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool3d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(512, 400),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x16x56x56
        x = self.stage1(x)  # 64x16x56x56
        x = self.stage2(x)  # 128x8x28x28
        x = self.stage3(x)  # 256x4x14x14
        x = self.stage4(x)  # 512x2x7x7
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv3d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)
