"""fractalnet: 1,290,388 parameters, 34,664,960 multiply-adds at 3x32x32.

Compiled by archdsl 0.0.0 from fractalnet.arch with columns = 3,
widths = [16, 32, 64, 128, 128], drop_path = 0.15,
dropouts = [0, 0.1, 0.2, 0.3, 0.4], plain = true, caffe = false, classes = 100.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Unit(nn.Sequential):
    def __init__(self, in_channels: int, c: int, p: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, c, 3, padding=1, bias=False)
        self.dropout1 = nn.Dropout(p=p) if p > 0 else nn.Identity()
        self.bn1 = nn.BatchNorm2d(c)
        self.relu1 = nn.ReLU(inplace=True)


class FractalNet(nn.Module):
    """FractalNet for CIFAR: no residuals; a fractal of convolutions in each block,
    trained by dropping paths.
    """

    def __init__(self) -> None:
        super().__init__()
        self.block_1 = seq(
            unit1=Unit(3, 16, 0.0),
            **{f"unit{i}": Unit(16, 16, 0.0) for i in range(2, 5)},
        )
        self.maxpool1 = nn.MaxPool2d(2)
        self.block_2 = seq(
            unit1=Unit(16, 32, 0.1),
            **{f"unit{i}": Unit(32, 32, 0.1) for i in range(2, 5)},
        )
        self.maxpool2 = nn.MaxPool2d(2)
        self.block_3 = seq(
            unit1=Unit(32, 64, 0.2),
            **{f"unit{i}": Unit(64, 64, 0.2) for i in range(2, 5)},
        )
        self.maxpool3 = nn.MaxPool2d(2)
        self.block_4 = seq(
            unit1=Unit(64, 128, 0.3),
            **{f"unit{i}": Unit(128, 128, 0.3) for i in range(2, 5)},
        )
        self.maxpool4 = nn.MaxPool2d(2)
        self.block_5 = seq(**{f"unit{i}": Unit(128, 128, 0.4) for i in range(1, 5)})
        self.maxpool5 = nn.MaxPool2d(2)
        self.head = nn.Linear(128, 100)
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.block_1(x)  # 16x32x32
        x = self.maxpool1(x)  # 16x16x16
        x = self.block_2(x)  # 32x16x16
        x = self.maxpool2(x)  # 32x8x8
        x = self.block_3(x)  # 64x8x8
        x = self.maxpool3(x)  # 64x4x4
        x = self.block_4(x)  # 128x4x4
        x = self.maxpool4(x)  # 128x2x2
        x = self.block_5(x)  # 128x2x2
        x = self.maxpool5(x)  # 128x1x1
        return self.head(x.flatten(1))

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.xavier_uniform_(m.weight)
