"""semantic_fpn: 28,478,675 parameters, 44,017,123,328 multiply-adds at 3x512x512.

Compiled by archdsl 0.0.0 from semantic_fpn.arch with depth = 50, width = 256,
merged = 128, size = 512, classes = 19.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Bottleneck(nn.Module):
    """A 3x3 convolution between two of 1x1, `inner` channels wide (He et al. 2015);
    `groups` make it a ResNeXt's (Xie et al. 2017, arXiv:1611.05431).
    """

    def __init__(self, in_channels: int, c: int, inner: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=stride, padding=1, bias=False)
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
    def __init__(self, in_channels: int, c: int, n: int, stride: int = 2) -> None:
        super().__init__()
        channels = in_channels
        for j in range(1, n + 1):
            bottleneck = Bottleneck(channels, c, c // 4, stride=stride if j == 1 else 1)
            self.add_module(f"bottleneck{j}", bottleneck)
            channels = c


class TopDown(nn.Module):
    """One step down a feature pyramid (Lin et al. 2017, arXiv:1612.03144): the coarse
    image, as large as the `lateral` one of the trunk, and that one added.
    """

    def __init__(self, size: tuple[int, ...], branch2_in_channels: int) -> None:
        super().__init__()
        self.branch1 = nn.Upsample(size=size)
        self.branch2 = nn.Conv2d(branch2_in_channels, 256, 1)

    def forward(self, x: Tensor, lateral: Tensor) -> Tensor:
        return self.branch1(x) + self.branch2(lateral)


class Quarter(nn.Sequential):
    """A level of the pyramid at a quarter of the image's size."""

    def __init__(self, steps: int, conv: bool = False, conv4: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(256, 256, 3, padding=1)
        self.conv2 = nn.Conv2d(256, 128, 3, padding=1, bias=False)
        self.group_norm1 = nn.GroupNorm(32, 128)
        self.relu1 = nn.ReLU(inplace=True)
        self.upsample1 = nn.Identity()
        if steps > 0:
            self.upsample1 = nn.Upsample(
                scale_factor=2, mode="bilinear", align_corners=False
            )
        self.conv3 = nn.Identity()
        if conv:
            self.conv3 = nn.Conv2d(128, 128, 3, padding=1, bias=False)
        self.group_norm2 = nn.GroupNorm(32, 128) if conv else nn.Identity()
        self.relu2 = nn.ReLU(inplace=True) if conv else nn.Identity()
        self.upsample2 = nn.Identity()
        if conv:
            self.upsample2 = nn.Upsample(
                scale_factor=2, mode="bilinear", align_corners=False
            )
        self.conv4 = nn.Identity()
        if conv4:
            self.conv4 = nn.Conv2d(128, 128, 3, padding=1, bias=False)
        self.group_norm3 = nn.GroupNorm(32, 128) if conv4 else nn.Identity()
        self.relu3 = nn.ReLU(inplace=True) if conv4 else nn.Identity()
        self.upsample3 = nn.Identity()
        if conv4:
            self.upsample3 = nn.Upsample(
                scale_factor=2, mode="bilinear", align_corners=False
            )


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch1 = Quarter(0)
        self.branch2 = Quarter(1)
        self.branch3 = Quarter(2, conv=True)
        self.branch4 = Quarter(3, conv=True, conv4=True)
        self.conv1 = nn.Conv2d(128, 19, 1)
        self.upsample1 = nn.Upsample(
            scale_factor=4, mode="bilinear", align_corners=False
        )

    def forward(self, p2: Tensor, p3: Tensor, p4: Tensor, p5: Tensor) -> Tensor:
        x = self.branch1(p2) + self.branch2(p3) + self.branch3(p4) + self.branch4(p5)
        return self.upsample1(self.conv1(x))


class SemanticFPN(nn.Module):
    """Semantic FPN: a pyramid of features on a residual network, all its levels brought
    to a quarter of the image's size and summed. It gives every pixel a class.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(64),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stage1 = Stage(64, 256, 3, stride=1)
        self.stage2 = Stage(256, 512, 4)
        self.stage3 = Stage(512, 1024, 6)
        self.stage4 = Stage(1024, 2048, 3)
        self.top = nn.Conv2d(2048, 256, 1)
        self.top_down1 = TopDown((32, 32), 1024)
        self.top_down2 = TopDown((64, 64), 512)
        self.top_down3 = TopDown((128, 128), 256)
        self.head = Head()
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64x128x128
        c2 = self.stage1(x)  # 256x128x128
        c3 = self.stage2(c2)  # 512x64x64
        c4 = self.stage3(c3)  # 1024x32x32
        y = self.stage4(c4)  # 2048x16x16
        p5 = self.top(y)  # 256x16x16
        p4 = self.top_down1(p5, c4)  # 256x32x32
        p3 = self.top_down2(p4, c3)  # 256x64x64
        p2 = self.top_down3(p3, c2)  # 256x128x128
        return self.head(p2, p3, p4, p5)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, (Bottleneck, Quarter)):
                for layer in m.modules():
                    if isinstance(layer, nn.Conv2d):
                        nn.init.kaiming_normal_(
                            layer.weight, mode="fan_out", nonlinearity="relu"
                        )
            elif isinstance(m, Head):
                nn.init.kaiming_normal_(
                    m.conv1.weight, mode="fan_out", nonlinearity="relu"
                )
        nn.init.kaiming_normal_(
            self.stem.conv1.weight, mode="fan_out", nonlinearity="relu"
        )
        nn.init.kaiming_normal_(self.top.weight, mode="fan_out", nonlinearity="relu")
