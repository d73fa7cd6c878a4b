"""Convolutional networks with the weights of timm's: equal outputs and gradients."""

import pytest
import timm
import torch
from weights import stir

import archdsl

SIDE = 64
# The variant, its name in timm, and what stands first where layers are alike.
PAIRS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "convmixer": ("convmixer_1024_20", "convmixer_1024_20_ks9_p14", ()),
    "dla": ("dla34", "dla34", ()),
    "dla of bottlenecks": ("dla46x_c", "dla46x_c", ()),
    "hrnet": ("hrnet_w18_small_v2", "hrnet_w18_small_v2", ()),
    "repvgg": ("repvgg_a0", "repvgg_a0", ("identity", "conv_kxk", "conv_1x1")),
    "vovnet": ("vovnet39", "vovnet39a", ()),
    "vovnet of the second version": ("vovnet_v2_39", "ese_vovnet39b", ()),
}


@pytest.mark.parametrize("name", PAIRS)
def test_outputs_and_gradients(name: str) -> None:
    torch.manual_seed(1)
    variant, called, order = PAIRS[name]
    theirs = timm.create_model(called).double().eval()
    with torch.no_grad():
        stir(theirs)
    spec = archdsl.load(variant).spec
    knobs = spec.variants[variant].knobs
    side = 56 if "patch" in knobs else SIDE
    ours = spec.with_knobs(input=(3, side, side), **knobs).build().double().eval()
    weights = theirs.state_dict()
    taken = archdsl.transfer(weights, ours, order=order)
    assert set(taken.values()) == set(weights)
    x, grown = torch.randn(1, 3, side, side).double(), torch.randn(1, 1000).double()
    for module in (ours, theirs):
        (module(x) * grown).sum().backward()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-9, atol=1e-9)
    gradients = {key: p.grad for key, p in theirs.named_parameters()}
    for key, parameter in ours.named_parameters():
        wanted = gradients[taken[key]]
        assert parameter.grad is not None and wanted is not None
        scale = wanted.abs().max().item()
        torch.testing.assert_close(
            parameter.grad.flatten(), wanted.flatten(), rtol=1e-7, atol=1e-9 * scale
        )
