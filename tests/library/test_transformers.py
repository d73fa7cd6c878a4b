"""Transformers with the weights of timm's and torchvision's: equal outputs and gradients."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from timm.models.mlp_mixer import MlpMixer
from timm.models.swin_transformer import SwinTransformer as TimmSwin
from timm.models.vision_transformer import VisionTransformer as TimmViT
from torch import nn
from torchvision.models import SwinTransformer, VisionTransformer

import archdsl

Make = Callable[[], nn.Module]
norm = partial(nn.LayerNorm, eps=1e-6)
SIDE = 128  # pixels: windows of 4 fill the last stage of a Swin transformer
PAIRS: dict[str, tuple[str, dict[str, int], Make]] = {
    "vit of timm": (
        "vit",
        {"width": 128, "depth": 3, "classes": 7},
        lambda: TimmViT(
            img_size=SIDE, embed_dim=128, depth=3, num_heads=2, num_classes=7, norm_layer=norm
        ),
    ),
    "vit of torchvision": (
        "vit",
        {"width": 192, "depth": 2, "classes": 5},
        lambda: VisionTransformer(SIDE, 16, 2, 3, 192, 768, num_classes=5),
    ),
    "mixer of timm": (
        "mixer",
        {"width": 128, "depth": 3, "classes": 7},
        lambda: MlpMixer(img_size=SIDE, embed_dim=128, num_blocks=3, num_classes=7),
    ),
    "swin of torchvision": (
        "swin",
        {"width": 32, "depth": 4, "window": 4, "classes": 7},
        lambda: SwinTransformer([4, 4], 32, [2, 2, 4, 2], [1, 2, 4, 8], [4, 4], num_classes=7),
    ),
    "swin of timm": (
        "swin",
        {"width": 32, "depth": 2, "window": 4, "classes": 7},
        lambda: TimmSwin(
            img_size=SIDE,
            embed_dim=32,
            depths=(2, 2, 2, 2),
            num_heads=(1, 2, 4, 8),
            window_size=4,
            num_classes=7,
        ),
    ),
}


def stir(module: nn.Module) -> None:
    """Weights under which every part of the network matters."""
    for name, weight in module.named_parameters():
        nn.init.normal_(weight, std=0.3 if weight.dim() < 2 or "bias_table" in name else 0.05)


@pytest.mark.parametrize(("spec", "knobs", "make"), PAIRS.values(), ids=PAIRS)
def test_outputs_and_gradients(spec: str, knobs: dict[str, int], make: Make) -> None:
    torch.manual_seed(1)
    theirs = make().double().eval()
    stir(theirs)
    ours = archdsl.read(spec).with_knobs(input=(3, SIDE, SIDE), **knobs).build().double().eval()
    weights = theirs.state_dict()
    taken = archdsl.transfer(weights, ours)
    for way in (sorted(weights), sorted(weights, reverse=True)):
        assert archdsl.transfer({key: weights[key] for key in way}, ours) == taken
    x, grown = torch.randn(2, 3, SIDE, SIDE).double(), torch.randn(2, knobs["classes"]).double()
    for module in (ours, theirs):
        (module(x) * grown).sum().backward()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-9, atol=1e-9)
    named = dict(theirs.named_parameters())
    for key, parameter in ours.named_parameters():
        wanted = named[taken[key]].grad
        assert wanted is not None and parameter.grad is not None
        torch.testing.assert_close(parameter.grad.flatten(), wanted.flatten(), rtol=1e-7, atol=1e-9)
