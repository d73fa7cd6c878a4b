"""alexnet: 61,100,840 parameters, 714,188,480 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from alexnet.arch with version = "2014", classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class AlexNet(nn.Module):
    """AlexNet: the network of 2012 on two GPUs (grouped convolutions), the one of the
    CS231n slides (ungrouped, pooling before normalisation), and the single column of
    2014 that torchvision implements.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = seq(
            conv1=nn.Conv2d(3, 64, 11, stride=4, padding=2),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2),
            conv2=nn.Conv2d(64, 192, 5, padding=2),
            relu2=nn.ReLU(inplace=True),
            maxpool2=nn.MaxPool2d(3, stride=2),
            conv3=nn.Conv2d(192, 384, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            conv4=nn.Conv2d(384, 256, 3, padding=1),
            relu4=nn.ReLU(inplace=True),
            conv5=nn.Conv2d(256, 256, 3, padding=1),
            relu5=nn.ReLU(inplace=True),
            maxpool3=nn.MaxPool2d(3, stride=2),
        )
        self.adaptive_avgpool1 = nn.AdaptiveAvgPool2d(6)
        self.classifier = seq(
            dropout1=nn.Dropout(),
            flatten=nn.Flatten(),
            linear1=nn.Linear(9216, 4096),
            relu1=nn.ReLU(inplace=True),
            dropout2=nn.Dropout(),
            linear2=nn.Linear(4096, 4096),
            relu2=nn.ReLU(inplace=True),
            linear3=nn.Linear(4096, 1000),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 256x6x6
        x = self.adaptive_avgpool1(x)  # 256x6x6
        return self.classifier(x)
