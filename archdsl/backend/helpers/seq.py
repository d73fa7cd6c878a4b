"""A sequence of modules that have names."""

from collections import OrderedDict

from torch import nn


def seq(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))
