"""Augmentation: what it makes, and that shares of a batch make what the whole does."""

import pytest
import torch
from torch import Tensor

from archdsl.training.augment import Draws, augmented
from archdsl.training.augmentations import Cutout, Flip, RandomCrop
from archdsl.training.seeds import generator
from archdsl.training.settings import Setting

IMAGES = torch.arange(1.0, 12 * 2 * 6 * 5 + 1).reshape(12, 2, 6, 5)
KINDS: list[Setting] = [RandomCrop(2), Flip(), Cutout(3)]


def made(*kinds: Setting, share: slice = slice(None), images: Tensor = IMAGES) -> Tensor:
    draws = Draws(generator("cpu", 0, "augmentation", 1), share)
    return augmented(images[share], kinds, draws)


def test_a_crop_is_a_window_of_the_padded_image() -> None:
    padded = torch.nn.functional.pad(IMAGES, (2, 2, 2, 2))
    seen = set()
    for image, found in zip(padded, made(RandomCrop(2)), strict=True):
        places = [
            (y, x)
            for y in range(5)
            for x in range(5)
            if torch.equal(image[:, y : y + 6, x : x + 5], found)
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) > 5


def test_a_flip_is_the_mirror_image_half_of_the_time() -> None:
    many = torch.arange(400.0).reshape(200, 1, 1, 2)
    found = made(Flip(), images=many)
    mirrored = (found == many.flip(3)).all(3).flatten()
    assert torch.equal(found[~mirrored], many[~mirrored])
    assert 80 < int(mirrored.sum()) < 120


def test_a_cut_is_a_square_of_zeros_that_may_stand_over_the_edge() -> None:
    ones = torch.ones(300, 2, 8, 8)
    cut = made(Cutout(3), images=ones) == 0
    assert torch.equal(cut[:, 0], cut[:, 1])
    areas = cut[:, 0].sum((1, 2))
    assert set(areas.tolist()) == {4, 6, 9}
    for square in cut[:20, 0]:
        rows, columns = square.any(1), square.any(0)
        assert torch.equal(square, rows[:, None] & columns[None, :])
    assert cut[:, 0].any(0).all(), "every place is cut in some image"


@pytest.mark.parametrize("kind", [RandomCrop(0), Cutout(20)])
def test_edges(kind: Setting) -> None:
    assert made(kind).shape == IMAGES.shape


@pytest.mark.parametrize("size", [2, 3])
def test_shares_of_a_batch_make_what_the_whole_does(size: int) -> None:
    whole = made(*KINDS)
    for rank in range(size):
        share = slice(rank, None, size)
        assert torch.equal(made(*KINDS, share=share), whole[share])


def test_the_layout_of_memory_changes_nothing() -> None:
    last = IMAGES.contiguous(memory_format=torch.channels_last)
    assert torch.equal(made(*KINDS, images=last), made(*KINDS))
