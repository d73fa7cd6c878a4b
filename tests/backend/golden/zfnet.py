"""zfnet: 62,357,608 parameters, 1,168,032,896 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from zfnet.arch with widths = [384, 384, 256],
classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class ZFNet(nn.Module):
    """ZFNet: AlexNet with a smaller first window and stride, and no groups."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = seq(
            conv1=nn.Conv2d(3, 96, 7, stride=2, padding=1),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
            lrn1=nn.LocalResponseNorm(5, alpha=0.0005, k=2.0),
        )
        self.conv2 = seq(
            conv1=nn.Conv2d(96, 256, 5, stride=2),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2, ceil_mode=True),
            lrn1=nn.LocalResponseNorm(5, alpha=0.0005, k=2.0),
        )
        self.conv3 = seq(
            conv1=nn.Conv2d(256, 384, 3, padding=1), relu1=nn.ReLU(inplace=True)
        )
        self.conv4 = seq(
            conv1=nn.Conv2d(384, 384, 3, padding=1), relu1=nn.ReLU(inplace=True)
        )
        self.conv5 = seq(
            conv1=nn.Conv2d(384, 256, 3, padding=1), relu1=nn.ReLU(inplace=True)
        )
        self.pool5 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.head = seq(
            flatten=nn.Flatten(),
            linear1=nn.Linear(9216, 4096),
            relu1=nn.ReLU(inplace=True),
            dropout1=nn.Dropout(),
            linear2=nn.Linear(4096, 4096),
            relu2=nn.ReLU(inplace=True),
            dropout2=nn.Dropout(),
            linear3=nn.Linear(4096, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 96x55x55
        x = self.conv2(x)  # 256x13x13
        x = self.conv3(x)  # 384x13x13
        x = self.conv4(x)  # 384x13x13
        x = self.conv5(x)  # 256x13x13
        x = self.pool5(x)  # 256x6x6
        return self.head(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(m.weight, std=0.01)
