"""waveform: 4,070,890 parameters, 461,147,904 multiply-adds at 1x32000.

Compiled by archdsl 0.0.0 from waveform.arch with depth = 34, width = 1,
length = 32000, classes = 10.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Basic(nn.Module):
    """Two 3x3 convolutions (He et al. 2015, arXiv:1512.03385)."""

    def __init__(self, in_channels: int, c: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(in_channels, c, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm1d(c)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv1d(c, c, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm1d(c)
        self.shortcut = nn.Identity()
        if in_channels != c:
            self.shortcut = seq(
                conv1=nn.Conv1d(in_channels, c, 1, bias=False), bn1=nn.BatchNorm1d(c)
            )
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.shortcut(x)
        return self.relu2(y)


class Waveform(nn.Module):
    """Convolutional networks that hear: the waveform itself goes in, four seconds at 8
    kHz. A wide first filter stands for the spectrogram, and only filters of 3 follow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv1d(1, 48, 80, stride=4, padding=38, bias=False),
            bn1=nn.BatchNorm1d(48),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool1d(4),
        )
        self.stage1 = seq(**{f"turn{i}": Basic(48, 48) for i in range(1, 4)})
        self.maxpool1 = nn.MaxPool1d(4, ceil_mode=True)
        self.stage2 = seq(
            turn1=Basic(48, 96), **{f"turn{i}": Basic(96, 96) for i in range(2, 5)}
        )
        self.maxpool2 = nn.MaxPool1d(4, ceil_mode=True)
        self.stage3 = seq(
            turn1=Basic(96, 192), **{f"turn{i}": Basic(192, 192) for i in range(2, 7)}
        )
        self.maxpool3 = nn.MaxPool1d(4, ceil_mode=True)
        self.stage4 = seq(
            turn1=Basic(192, 384), turn2=Basic(384, 384), turn3=Basic(384, 384)
        )
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool1d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(384, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 48x2000
        x = self.stage1(x)  # 48x2000
        x = self.maxpool1(x)  # 48x500
        x = self.stage2(x)  # 96x500
        x = self.maxpool2(x)  # 96x125
        x = self.stage3(x)  # 192x125
        x = self.maxpool3(x)  # 192x32
        x = self.stage4(x)  # 384x32
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv1d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        nn.init.xavier_uniform_(self.stem.conv1.weight)
