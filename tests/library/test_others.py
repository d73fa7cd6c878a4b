"""Families that neither torchvision nor timm have, against small modules and printed counts."""

from collections import OrderedDict
from math import prod

import pytest
import torch
from counting import counts, of
from torch import Tensor, nn
from torchvision.models import resnet50, resnet101
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FeaturePyramidNetwork
from units import UNet
from weights import copy_weights, same, stir

import archdsl


class Segmenting(nn.Module):
    """A U-Net with its classifier."""

    def __init__(self, channels: int, norm: bool, pad: int) -> None:
        super().__init__()
        self.unet, self.head = UNet(channels, 64, 4, norm, pad), nn.Conv2d(64, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.unet(x))


def test_unet() -> None:
    paper, padded = archdsl.load("unet_2015"), archdsl.load("unet_padded")
    assert paper.output == (2, 388, 388)
    assert padded.output == (2, 256, 256)
    assert of(paper) == counts(lambda: Segmenting(1, False, 0), paper.input)
    assert of(padded) == counts(lambda: Segmenting(3, True, 1), padded.input)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_the_unpadded_unet_shrinks_as_it_says(levels: int) -> None:
    """By eight of its pixels on every level, and by four at the bottom."""
    lost = sum(8 * 2**k for k in range(levels)) + 4 * 2**levels
    for size in (188, 204, 220, 236):
        made = archdsl.read("unet").with_knobs(levels=levels, size=size, width=16)
        assert made.output == (2, size - lost, size - lost)


PRINTED = {"m3": "0.2", "m5": "0.5", "m11": "1.8", "m18": "3.7", "m34_res": "4"}


@pytest.mark.parametrize("name", PRINTED)
def test_waveform_has_the_printed_size(name: str) -> None:
    """The paper's table counts the convolutions alone and cuts M5's 0.55 million short."""
    made = archdsl.load(name)
    weights = sum(
        prod(weight.shape)
        for node in made.flat.nodes
        if node.layer is not None and node.layer.name == "conv"
        for weight in node.layer.weights(made.flat.nodes[node.inputs[0]].shape)
    )
    digits = 0 if PRINTED[name] == "4" else 1
    assert f"{weights / 1e6 - (0.01 if name == 'm5' else 0):.{digits}f}" == PRINTED[name]
    assert made.depth == int(name.strip("m").partition("_")[0])


@torch.no_grad()
def test_waveform_is_the_network_of_its_paper() -> None:
    def unit(before: int, after: int, kernel: int, stride: int, pad: int) -> list[nn.Module]:
        made: list[nn.Module] = [nn.Conv1d(before, after, kernel, stride, pad, bias=False)]
        return [*made, nn.BatchNorm1d(after), nn.ReLU(), nn.MaxPool1d(4, ceil_mode=True)]

    def m5() -> nn.Module:
        return nn.Sequential(
            *unit(1, 128, 80, 4, 38), *unit(128, 128, 3, 1, 1), *unit(128, 256, 3, 1, 1),
            *unit(256, 512, 3, 1, 1), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(512, 10),
        )  # fmt: skip

    made = archdsl.load("m5")
    assert of(made) == counts(m5, (1, 32000))
    theirs, ours = m5().eval(), made.build().eval()
    stir(theirs)
    copy_weights(theirs, ours)
    same(ours, theirs, torch.randn(2, 1, 32000))


class SemanticFPN(nn.Module):
    """The head of Panoptic FPN on torchvision's pyramid."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        layers = {f"layer{i}": f"c{i + 1}" for i in range(1, 5)}
        trunk = {50: resnet50, 101: resnet101}[depth]()
        self.trunk = IntermediateLayerGetter(trunk, layers)
        self.pyramid = FeaturePyramidNetwork([256, 512, 1024, 2048], 256)
        self.levels = nn.ModuleList(self.level(steps) for steps in range(4))
        self.last = nn.Conv2d(128, 19, 1)

    def level(self, steps: int) -> nn.Module:
        made: list[nn.Module] = []
        for i in range(max(1, steps)):
            made.append(nn.Conv2d(128 if i else 256, 128, 3, padding=1, bias=False))
            made += [nn.GroupNorm(32, 128), nn.ReLU()]
            if steps:
                made.append(nn.Upsample(scale_factor=2, mode="bilinear"))
        return nn.Sequential(*made)

    def forward(self, x: Tensor) -> Tensor:
        maps: OrderedDict[str, Tensor] = self.pyramid(self.trunk(x))
        merged = sum(level(m) for level, m in zip(self.levels, maps.values(), strict=True))
        return nn.functional.interpolate(self.last(merged), scale_factor=4.0, mode="bilinear")


@pytest.mark.parametrize("depth", [50, 101])
def test_semantic_fpn(depth: int) -> None:
    made = archdsl.load(f"semantic_fpn_{depth}")
    assert made.output == (19, 512, 512)
    assert of(made) == counts(lambda: SemanticFPN(depth), made.input)


@torch.no_grad()
def test_semantic_fpn_is_the_network_of_its_paper() -> None:
    theirs = SemanticFPN(50).eval()
    stir(theirs)
    ours = archdsl.read("semantic_fpn").with_knobs(size=256).build().eval()
    copy_weights(theirs, ours)
    same(ours, theirs, torch.randn(1, 3, 256, 256))
