"""Networks of the library, compiled, with the weights of torchvision's or timm's: equal outputs."""

import pytest
import torch
from counting import RegNetParameters
from test_figures import FAMILIES
from torchvision import models
from weights import copy_weights, same, stir

import archdsl
from archdsl.layers.base import Shape

SMALL = 64  # pixels a side: enough for every network here
CASES = {
    "convnext_tiny": (3, SMALL, SMALL),
    "convnextv2_atto": (3, SMALL, SMALL),
    "cspdarknet53": (3, SMALL, SMALL),
    "darknet53": (3, SMALL, SMALL),
    "efficientnet_b0": (3, SMALL, SMALL),
    "efficientnet_v2_s": (3, SMALL, SMALL),
    "ghostnet_1_0": (3, SMALL, SMALL),
    "hrnet_w18_small_v2": (3, SMALL, SMALL),
    "mc3_18": (3, 8, SMALL, SMALL),
    "mnasnet0_5": (3, SMALL, SMALL),
    "mobilenet_0_5": (3, SMALL, SMALL),
    "mobilenet_v2_1_0": (3, SMALL, SMALL),
    "mobilenet_v3_small": (3, SMALL, SMALL),
    "r2plus1d_18": (3, 8, SMALL, SMALL),
    "r3d_18": (3, 8, SMALL, SMALL),
    "regnet_y_400mf": (3, SMALL, SMALL),
    "res2net50_26w_4s": (3, SMALL, SMALL),
    "resnet18d": (3, SMALL, SMALL),
    "se_resnext50": (3, SMALL, SMALL),
    "shufflenet_v2_x1_0": (3, SMALL, SMALL),
}


@pytest.fixture(autouse=True)
def widths_of_regnet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.regnet, "BlockParams", RegNetParameters)


@pytest.mark.parametrize(("variant", "input"), CASES.items(), ids=CASES)
@torch.no_grad()
def test_outputs(variant: str, input: Shape) -> None:
    make = next(family[variant] for family in FAMILIES.values() if variant in family)
    theirs = make().eval()
    stir(theirs)
    ours = archdsl.load(variant).build().eval()
    copy_weights(theirs, ours)
    same(ours, theirs, torch.randn(2, *input))
