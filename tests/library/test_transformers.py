"""Transformers with the weights of timm's and torchvision's: equal outputs and gradients."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import timm
import torch
from timm.models.byobnet import ByoBlockCfg, ByobNet, ByoModelCfg
from timm.models.maxxvit import MaxxVit, MaxxVitCfg, _tf_cfg
from timm.models.mlp_mixer import MlpMixer
from timm.models.swin_transformer import SwinTransformer as TimmSwin
from timm.models.vision_transformer import VisionTransformer as TimmViT
from torch import nn
from torchvision.models import SwinTransformer, VisionTransformer

import archdsl
from archdsl.files import builtin_folder

Make = Callable[[], nn.Module]
Knobs = dict[str, Any]
Tensors = dict[str, torch.Tensor]
norm = partial(nn.LayerNorm, eps=1e-6)
SIDE = 128  # pixels: windows of 4 fill the last stage of a Swin transformer
HYBRID = {"width": 32, "stem_width": 16, "depth": 1, "second": 1, "size": 64, "classes": 7}
STAGES = {"embed_dim": (32, 64, 128, 256), "stem_width": 16, "head_hidden_size": 256}

BOTNET = {"width": 16, "depth": 26, "attends": [0, 0, 1, 2], "size": 64, "classes": 7}
# What stands first where layers are alike.
ORDER = {
    "maxvit of timm": ["attn_block", "attn_grid"],
    "mobilevit of timm": ["transformer", "norm"],
}


def botnet(stem: str) -> ByobNet:
    """As small as ``botnet26t``'s kind can be."""
    kinds = [["bottle"] * 2, ["bottle"] * 2, ["bottle", "self_attn"], ["self_attn"] * 2]
    blocks = [
        ByoBlockCfg(kind, 1, 64 * 2**i, min(2, i + 1) if j == 0 else 1, 0, 0.25)
        for i, each in enumerate(kinds)
        for j, kind in enumerate(each)
    ]
    stages = tuple([a, b] for a, b in zip(blocks[::2], blocks[1::2], strict=True))
    attention = {"self_attn_layer": "bottleneck", "self_attn_kwargs": {}}
    shape = ByoModelCfg(
        stages, stem_type=stem, stem_pool="maxpool", stem_chs=16, fixed_input_size=True, **attention
    )
    return ByobNet(shape, num_classes=7, img_size=64)


PAIRS: dict[str, tuple[str, Knobs, Make]] = {
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
    "coatnet of timm": (
        "coatnet",
        HYBRID,
        lambda: MaxxVit(
            MaxxVitCfg(depths=(2, 1, 1, 2), block_type=("C", "C", "T", "T"), **STAGES), 64, 3, 7
        ),
    ),
    "maxvit of timm": (
        "maxvit",
        HYBRID,
        lambda: MaxxVit(
            MaxxVitCfg(
                depths=(2, 1, 1, 2), block_type=("M",) * 4, stem_bias=True, **STAGES, **_tf_cfg()
            ),
            64, 3, 7,
        ),
    ),
    "mobilevit of timm": (
        "mobilevit",
        {"widths": [16, 24, 48, 64, 80], "tokens": [64, 80, 96], "expansion": 2, "classes": 7},
        partial(timm.create_model, "mobilevit_xxs", num_classes=7),
    ),
    "botnet of timm": (
        "botnet",
        BOTNET | {"stem": "tiered"},
        partial(botnet, "tiered"),
    ),
    "botnet of the paper": (
        "botnet",
        BOTNET,
        partial(botnet, "7x7"),
    ),
}  # fmt: skip


def as_ours(name: str, tensors: Tensors) -> Tensors:
    """Timm's CoAtNet has queries, keys and values of one head beside each other, and its MaxViT
    counts distances from the query and not from the key, as its model in TensorFlow does."""
    found = dict(tensors)
    for key, value in tensors.items():
        if name == "coatnet of timm" and ".qkv." in key:
            found[key] = value.unflatten(0, (-1, 3, 32)).transpose(0, 1).flatten(0, 2)
        elif name == "maxvit of timm" and key.endswith("bias_table"):
            found[key] = value.flip(1, 2).flatten(1).T
    return found


def stir(module: nn.Module) -> None:
    """Weights under which every part of the network matters."""
    for name, weight in module.named_parameters():
        nn.init.normal_(weight, std=0.3 if weight.dim() < 2 or "rel" in name else 0.05)


@pytest.mark.parametrize("name", PAIRS)
def test_outputs_and_gradients(name: str) -> None:
    torch.manual_seed(1)
    spec, knobs, make = PAIRS[name]
    theirs = make().double().eval()
    stir(theirs)
    side = knobs.get("size", SIDE)
    ours = archdsl.read(spec).with_knobs(input=(3, side, side), **knobs).build().double().eval()
    weights = as_ours(name, theirs.state_dict())
    order = ORDER.get(name, ())
    taken = archdsl.transfer(weights, ours, order=order)
    for way in (sorted(weights), sorted(weights, reverse=True)):
        if not order:
            assert archdsl.transfer({key: weights[key] for key in way}, ours) == taken
    x, grown = torch.randn(2, 3, side, side).double(), torch.randn(2, knobs["classes"]).double()
    for module in (ours, theirs):
        (module(x) * grown).sum().backward()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-9, atol=1e-9)
    gradients = {key: p.grad for key, p in theirs.named_parameters() if p.grad is not None}
    gradients = as_ours(name, gradients)
    for key, parameter in ours.named_parameters():
        assert parameter.grad is not None
        wanted = gradients[taken[key]].flatten()
        torch.testing.assert_close(parameter.grad.flatten(), wanted, rtol=1e-7, atol=1e-9)


SHORT = ("vit", "swin", "maxvit", "mixer", "mobilevit", "botnet", "coatnet", "gpt", "llama")


@pytest.mark.parametrize("name", SHORT)
def test_a_transformer_takes_45_lines(name: str) -> None:
    """Those of a spec that say something: a DeiT is a ViT of another training."""
    text = (builtin_folder() / f"{name}.arch").read_text("utf-8")
    lines = [line.strip() for line in text.split("\n")]
    assert len([line for line in lines if line and not line.startswith("#")]) <= 45
