"""alexnet: 60,965,224 parameters, 724,406,816 multiply-adds at 3x227x227.

Compiled by archdsl 0.0.0 from alexnet.arch with version = "2012", classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class Column(nn.Sequential):
    """The network of 2012: pooling overlaps, responses are normalised across
    channels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = seq(
            conv1=nn.Conv2d(3, 96, 11, stride=4),
            relu1=nn.ReLU(inplace=True),
            lrn1=nn.LocalResponseNorm(5, alpha=0.0005, k=2.0),
            maxpool1=nn.MaxPool2d(3, stride=2),
        )
        self.conv2 = seq(
            conv1=nn.Conv2d(96, 256, 5, padding=2, groups=2),
            relu1=nn.ReLU(inplace=True),
            lrn1=nn.LocalResponseNorm(5, alpha=0.0005, k=2.0),
            maxpool1=nn.MaxPool2d(3, stride=2),
        )
        self.conv3 = seq(
            conv1=nn.Conv2d(256, 384, 3, padding=1), relu1=nn.ReLU(inplace=True)
        )
        self.conv4 = seq(
            conv1=nn.Conv2d(384, 384, 3, padding=1, groups=2),
            relu1=nn.ReLU(inplace=True),
        )
        self.conv5 = seq(
            conv1=nn.Conv2d(384, 256, 3, padding=1, groups=2),
            relu1=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(3, stride=2),
        )


class AlexNet(nn.Module):
    """AlexNet: the network of 2012 on two GPUs (grouped convolutions), the one of the
    CS231n slides (ungrouped, pooling before normalisation), and the single column of
    2014 that torchvision implements.
    """

    def __init__(self) -> None:
        super().__init__()
        self.column1 = Column()
        self.classifier = seq(
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
        x = self.column1(x)  # 256x6x6
        return self.classifier(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(m.weight, std=0.01)
        for m in self.modules():
            if isinstance(m, Column):
                for layer in (m.conv2.conv1, m.conv4.conv1, m.conv5.conv1):
                    nn.init.ones_(layer.bias)
        nn.init.ones_(self.classifier.linear1.bias)
        nn.init.ones_(self.classifier.linear2.bias)
