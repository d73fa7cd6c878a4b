"""Stochastic depth and dropout that a model writes out, and images that it cuts into patches."""

import pytest
import torch
from torch import Tensor, nn

import archdsl

KEEP = 0.75


def scaled_before(x: Tensor) -> Tensor:
    mask = torch.empty([x.shape[0], 1, 1, 1], dtype=x.dtype, device=x.device)
    mask.bernoulli_(KEEP)
    x.div_(KEEP)
    x.mul_(mask)
    return x


def scaled_after(x: Tensor) -> Tensor:
    mask = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(KEEP)
    mask.div_(KEEP)
    return x * mask


def each_number(x: Tensor) -> Tensor:
    return x * torch.empty_like(x).bernoulli_(p=KEEP) / KEEP


def not_scaled(x: Tensor) -> Tensor:
    return x * x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(KEEP)


def each_channel(x: Tensor) -> Tensor:
    return x / KEEP * x.new_empty(x.shape[0], x.shape[1], 1, 1).bernoulli_(KEEP)


def floored(x: Tensor) -> Tensor:
    mask = x.new_empty(x.shape[0], 1, 1, 1).bernoulli_(KEEP)
    return x * mask.div_(KEEP, rounding_mode="floor")


class Drawn(nn.Module):
    def __init__(self, draw: object, always: bool = False) -> None:
        super().__init__()
        self.draw, self.always = draw, always
        self.stem, self.conv = nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 8, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.conv(x)
        if self.training or self.always:
            y = self.draw(y)  # type: ignore[operator]
        return x + y


SUM = "residual(survive = 1 - drop_path, per = sample, scaling = train) { conv(8, 3) }"


@pytest.mark.parametrize("draw", [scaled_before, scaled_after])
def test_stochastic_depth_is_known_by_its_mask(draw: object) -> None:
    imported = archdsl.import_module(Drawn(draw), (3, 8, 8))
    assert SUM in " ".join(imported.text.split())
    assert imported.checked[1].startswith("results and gradients")
    assert "drop_path = 0.25" in imported.text


def test_dropout_is_known_by_its_mask() -> None:
    def scaled(x: Tensor) -> Tensor:
        return x / KEEP * torch.empty_like(x).bernoulli_(KEEP)

    imported = archdsl.import_module(Drawn(scaled), (3, 8, 8))
    assert "conv(8, 3) -> dropout(0.25)" in imported.text


@pytest.mark.parametrize(
    ("draw", "always", "why"),
    [
        (not_scaled, False, "divide what remains by the probability of a one"),
        (each_number, False, "divide what remains by the probability of a one"),
        (floored, False, "computed from parameters"),
        (each_channel, False, "neither one for each image nor one for each number"),
        (scaled_after, True, "with a mask that is drawn in evaluation, too"),
    ],
)
def test_masks_that_are_others(draw: object, always: bool, why: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.import_module(Drawn(draw, always), (3, 8, 8))
    assert why in caught.value.diagnostics[0].message


class Patches(nn.Module):
    """Squares of an image as tokens, each a row of its pixels; ``right`` goes down last."""

    def __init__(self, order: tuple[int, ...]) -> None:
        super().__init__()
        self.order, self.norm, self.linear = order, nn.LayerNorm(48), nn.Linear(48, 8)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = x.view(n, c, h // 4, 4, w // 4, 4).permute(self.order)
        return self.linear(self.norm(x.reshape(n, h * w // 16, 16 * c)))


@pytest.mark.parametrize(
    ("order", "shuffle"), [((0, 2, 4, 3, 5, 1), " -> channel_shuffle(3)"), ((0, 2, 4, 1, 3, 5), "")]
)
def test_patches_are_tokens(order: tuple[int, ...], shuffle: str) -> None:
    imported = archdsl.import_module(Patches(order), (3, 8, 16))
    line = f"pixel_unshuffle(4){shuffle} -> flatten_space -> layer_norm"
    assert line in imported.text
    assert imported.checked[1].startswith("results and gradients")
