"""Models that say something in an unusual way: the same network, or a clear refusal."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import strange_models as models
import torch
from small_models import DropPath
from strange_models import Around, applied, conv
from torch import nn

import archdsl

INDEXED = nn.MaxPool2d(2, return_indices=True)
SAME = nn.Conv2d(8, 8, 4, padding="same")
EACH = nn.ModuleDict({"b": conv(), "a": nn.Conv2d(8, 8, 5, padding=2)})


pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (models.hooked(), "plus(1)\nconv(8, 3) -> times(2)"),
        (applied(models.Double(8, 8, 3, padding=1)), "times(2)"),
        (applied(SAME), "conv(8, 4, pad = same)"),
        (applied(nn.Sequential(nn.Identity(), nn.Sequential(nn.Identity()))), "conv(8, 3) -> gl"),
        (Around(lambda part, x: models.Swish.apply(x), nn.Identity()), "silu"),
        (models.scaled(2.0), "upsample(2)"),
        (models.scaled(1.3, recompute_scale_factor=True), "resize(10)"),
        (Around(models.dropped, conv()), "dropout(0.3) -> dropout_channels(p = 0.2)"),
        (Around(models.dealt, nn.Identity()), "channel_shuffle(2)"),
        (Around(models.in_place, conv()), "shared"),
        (Around(models.several, EACH), "conv(8, 5)"),
    ],
)
def test_the_same_network(model: nn.Module, text: str) -> None:
    imported = archdsl.import_module(model, (3, 8, 8))
    assert text in imported.text
    assert imported.checked[1].startswith("results and gradients")


@pytest.mark.parametrize(
    ("model", "code", "why"),
    [
        (models.patched(), "A657", "no result is computed from `part.weight`, `part.bias`"),
        (models.normalised(), "A654", "remove_parametrizations"),
        (models.scripted(), "A652", "`part` is TorchScript"),
        (models.scaled(1.3), "A654", "`interpolate` by 1.3, which does not give a whole size"),
        (models.scaled(2.2), "A654", "`interpolate` by 2.2, which does not give a whole size"),
        (Around(models.pooled_back, INDEXED), "A654", "only the first of its results"),
        (Around(lambda part, x: models.Reversed.apply(x), nn.Identity()), "A659", "the gradient"),
        (Around(lambda part, x: x.flip(3), nn.Identity()), "A654", "`flip`"),
        (
            Around(lambda part, x: x.narrow(2, torch.tensor(1), 4), nn.Identity()),
            "A654",
            "`narrow`",
        ),
        (Around(lambda drop, x: drop(x) + drop(x.relu()), DropPath(0.2)), "A654", "on both arms"),
    ],
)
def test_a_clear_refusal(model: nn.Module, code: str, why: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model, (3, 8, 8))
    first = caught.value.diagnostics[0]
    assert first.code == code
    assert why in first.message


@pytest.mark.parametrize(
    ("draw", "name"), [(random.random, "`random`"), (np.random.rand, "`np.random`")]
)
def test_chance_is_seen_however_rare_it_is(draw: Callable[[], float], name: str) -> None:
    def rarely(part: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return part(x) + x if draw() < 0 else part(x)

    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Around(rarely, conv()), (3, 8, 8), run=False)
    (found,) = caught.value.diagnostics
    assert found.code == "A668" and f"it draws numbers with {name}" in found.message


@pytest.mark.parametrize("only", ["", "training", "evaluation"])
def test_chance_is_called_so(only: str) -> None:
    """It was said to depend on the number of images."""
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Around(models.Often(only), conv()), (3, 8, 8), run=False)
    (found,) = caught.value.diagnostics
    assert found.code == "A668" and "nn.Dropout" in found.help[0]
    assert "in one run it computes `conv" in found.message, found.message
    assert found.message.endswith(", in another it does not")


def test_equal_layers_in_another_order() -> None:
    """The graphs are alike, but for the layers that they are of."""
    model = Around(models.in_other_order, nn.ModuleList([conv(), conv()]))
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model, (3, 8, 8), run=False)
    (found,) = caught.value.diagnostics
    assert found.code == "A661"
    wanted = "in evaluation it applies `part.0` where it applies `part.1` in training"
    assert wanted in found.message


def test_weights_that_are_put_together_are_not_fixed() -> None:
    def body(part: nn.Module, x: torch.Tensor) -> torch.Tensor:
        bias = torch.cat((part.bias[:4], part.bias[4:]))
        return nn.functional.conv2d(x, part.weight, bias, padding=1)

    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Around(body, conv()), (3, 8, 8))
    assert "with weights that are computed from others" in caught.value.diagnostics[0].message


RANGES = {
    "of channels and pixels": (lambda x: x[:, 2:6, 1:, 2:5], "slice(3, 6)", 4),
    "a step of one axis": (lambda x: x[:, :, ::2], "subsample(2x1)", 0),
    "steps that differ": (lambda x: x[:, :, ::2, ::4], "subsample(2x4)", 0),
    "one of the other": (lambda x: x[..., 1:5][..., :3], "slice(2, 5) -> slice(1, 3)", 2),
}


@pytest.mark.parametrize("case", RANGES)
def test_ranges(case: str) -> None:
    """Of an axis that two ranges are of, channels and it change places once."""
    body, text, transposed = RANGES[case]
    model = Around(lambda part, x: part(body(x)), nn.LazyConv2d(8, 1))
    model(torch.zeros(1, 3, 8, 8))
    imported = archdsl.import_module(model, (3, 8, 8))
    assert text in imported.text, imported.text
    assert imported.text.count("transpose") == transposed


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (lambda x: x[:, ::2], "of channels with a step"),
        (lambda x: x[:, :, 1:7:2], "of a spatial axis with a step, of some of its pixels"),
        (lambda x: x[:, ::2, 1:], "of channels with a step"),
        (lambda x: x[:, :, 1:, 4:4].sum((2, 3), keepdim=True), "of no places at all"),
    ],
)
def test_ranges_that_no_layer_takes(body: Any, why: str) -> None:
    model = Around(lambda part, x: part(body(x)), nn.LazyConv2d(8, 1))
    model(torch.zeros(1, 3, 8, 8))
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(model, (3, 8, 8))
    first = caught.value.diagnostics[0]
    assert first.message == f"no layer computes `__getitem__` {why}", first.message
