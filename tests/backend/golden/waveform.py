"""waveform: 558,090 parameters, 278,533,120 multiply-adds at 1x32000.

Compiled by archdsl 0.0.0 from waveform.arch with depth = 5, width = 1,
length = 32000, classes = 10.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Waveform(nn.Module):
    """Convolutional networks that hear: the waveform itself goes in, four seconds at 8
    kHz. A wide first filter stands for the spectrogram, and only filters of 3 follow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = seq(
            conv1=nn.Conv1d(1, 128, 80, stride=4, padding=38, bias=False),
            bn1=nn.BatchNorm1d(128),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool1d(4),
        )
        self.stage1 = seq(
            turn1=seq(
                conv1=nn.Conv1d(128, 128, 3, padding=1, bias=False),
                bn1=nn.BatchNorm1d(128),
                relu1=nn.ReLU(inplace=True),
            ),
        )
        self.maxpool1 = nn.MaxPool1d(4, ceil_mode=True)
        self.stage2 = seq(
            turn1=seq(
                conv1=nn.Conv1d(128, 256, 3, padding=1, bias=False),
                bn1=nn.BatchNorm1d(256),
                relu1=nn.ReLU(inplace=True),
            ),
        )
        self.maxpool2 = nn.MaxPool1d(4, ceil_mode=True)
        self.stage3 = seq(
            turn1=seq(
                conv1=nn.Conv1d(256, 512, 3, padding=1, bias=False),
                bn1=nn.BatchNorm1d(512),
                relu1=nn.ReLU(inplace=True),
            ),
        )
        self.maxpool3 = nn.MaxPool1d(4, ceil_mode=True)
        self.head = seq(
            global_avgpool1=nn.AdaptiveAvgPool1d(1),
            flatten=nn.Flatten(),
            linear1=nn.Linear(512, 10),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 128x2000
        x = self.stage1(x)  # 128x2000
        x = self.maxpool1(x)  # 128x500
        x = self.stage2(x)  # 256x500
        x = self.maxpool2(x)  # 256x125
        x = self.stage3(x)  # 512x125
        x = self.maxpool3(x)  # 512x32
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv1d):
                nn.init.xavier_uniform_(m.weight)
