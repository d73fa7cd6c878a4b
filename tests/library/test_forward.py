"""Networks of the library, compiled, with the weights of torchvision's or timm's: equal outputs."""

from collections import defaultdict, deque
from collections.abc import Iterator

import pytest
import torch
from counting import RegNetParameters
from test_figures import FAMILIES
from torch import nn
from torchvision import models

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


def layers(module: nn.Module) -> list[nn.Module]:
    """Layers that have weights, in the order in which a network names them; RegNet names a
    block's projection before the block."""
    first: list[nn.Module] = []
    found: list[nn.Module] = []
    block = ""
    for name, layer in module.named_modules():
        if first and not name.startswith(block):
            found += first
            first = []
        if not [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]:
            continue
        if ".proj." in name:
            block = name.partition("proj.")[0]
            first.append(layer)
        else:
            found.append(layer)
    return found + first


def tensors(layer: nn.Module) -> Iterator[torch.Tensor]:
    yield from layer.parameters(recurse=False)
    yield from layer.buffers(recurse=False)


def kind(layer: nn.Module) -> tuple[tuple[int, ...], ...]:
    """What two layers have in common that do the same; a linear layer is a 1x1 convolution."""
    return tuple(tuple(n for n in t.shape if n != 1) for t in tensors(layer))


def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Each layer's weights to the next one of its kind."""
    waiting: dict[object, deque[nn.Module]] = defaultdict(deque)
    for layer in layers(source):
        waiting[kind(layer)].append(layer)
    for layer in layers(target):
        other = waiting[kind(layer)].popleft()
        for mine, theirs in zip(tensors(layer), tensors(other), strict=True):
            mine.copy_(theirs.reshape(mine.shape))
    assert not any(waiting.values())


def stir(module: nn.Module) -> None:
    """Weights that differ everywhere, so that no exchange goes unnoticed."""
    torch.manual_seed(1)
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.5, 1.5)
        if isinstance(layer, nn.LeakyReLU):
            layer.negative_slope = 0.1  # Darknet's; timm takes PyTorch's


@pytest.mark.parametrize(("variant", "input"), CASES.items(), ids=CASES)
@torch.no_grad()
def test_outputs(variant: str, input: Shape) -> None:
    make = next(family[variant] for family in FAMILIES.values() if variant in family)
    theirs = make().eval()
    stir(theirs)
    ours = archdsl.load(variant).build().eval()
    copy_weights(theirs, ours)
    if variant.startswith("res2net"):
        roll_parts(ours, 4)
    image = torch.randn(2, *input)
    wanted = theirs(image)
    scale = wanted.abs().max().item()  # sums in another order differ in their last digits
    torch.testing.assert_close(ours(image), wanted, atol=1e-5 * scale, rtol=0)


def roll_parts(module: nn.Module, parts: int) -> None:
    """The last part of a Res2Net's unit comes first where the others were chained."""
    for unit in module.modules():
        if type(unit).__name__.startswith("Res2") and hasattr(unit, "dense1"):
            weight = unit.get_submodule("conv2").weight
            weight.copy_(weight.roll(weight.shape[1] // parts, 1))
