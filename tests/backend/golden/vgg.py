"""vgg: 138,357,544 parameters, 15,470,264,320 multiply-adds at 3x224x224.

Compiled by archdsl 0.0.0 from vgg.arch with config = "D", norm = identity,
classes = 1000.
"""

from collections import OrderedDict

from torch import Tensor, nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


class VGG(nn.Module):
    """VGG: nothing but 3x3 convolutions and 2x2 pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = seq(
            conv1=nn.Conv2d(3, 64, 3, padding=1),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(64, 64, 3, padding=1),
            relu2=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(2),
        )
        self.stage2 = seq(
            conv1=nn.Conv2d(64, 128, 3, padding=1),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(128, 128, 3, padding=1),
            relu2=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(2),
        )
        self.stage3 = seq(
            conv1=nn.Conv2d(128, 256, 3, padding=1),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(256, 256, 3, padding=1),
            relu2=nn.ReLU(inplace=True),
            conv3=nn.Conv2d(256, 256, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(2),
        )
        self.stage4 = seq(
            conv1=nn.Conv2d(256, 512, 3, padding=1),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(512, 512, 3, padding=1),
            relu2=nn.ReLU(inplace=True),
            conv3=nn.Conv2d(512, 512, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(2),
        )
        self.stage5 = seq(
            conv1=nn.Conv2d(512, 512, 3, padding=1),
            relu1=nn.ReLU(inplace=True),
            conv2=nn.Conv2d(512, 512, 3, padding=1),
            relu2=nn.ReLU(inplace=True),
            conv3=nn.Conv2d(512, 512, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
            maxpool1=nn.MaxPool2d(2),
        )
        self.adaptive_avgpool1 = nn.AdaptiveAvgPool2d(7)
        self.classifier = seq(
            flatten=nn.Flatten(),
            linear1=nn.Linear(25088, 4096),
            relu1=nn.ReLU(inplace=True),
            dropout1=nn.Dropout(),
            linear2=nn.Linear(4096, 4096),
            relu2=nn.ReLU(inplace=True),
            dropout2=nn.Dropout(),
            linear3=nn.Linear(4096, 1000),
        )
        self.init_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage1(x)  # 64x112x112
        x = self.stage2(x)  # 128x56x56
        x = self.stage3(x)  # 256x28x28
        x = self.stage4(x)  # 512x14x14
        x = self.stage5(x)  # 512x7x7
        x = self.adaptive_avgpool1(x)  # 512x7x7
        return self.classifier(x)

    def init_weights(self) -> None:
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.01)
                nn.init.zeros_(m.bias)
