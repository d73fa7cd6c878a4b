"""Batches: the same images whether they come one batch at a time or many, from here or there."""

import pytest
import torch
from small import splits
from torch import Tensor

from archdsl.training import feed
from archdsl.training.augment import Draws, augmented
from archdsl.training.augmentations import Cutout, Flip, RandomCrop
from archdsl.training.feed import Feed, ahead
from archdsl.training.seeds import generator

CPU = torch.device("cpu")
DATA = splits(train=50)
ORDER = torch.randperm(50, generator=torch.Generator().manual_seed(1))[:48]
Batches = list[tuple[Tensor, Tensor]]


def made(batch: int = 8, share: slice = slice(None), change: bool = False) -> Batches:
    one = Feed(DATA.train, DATA.mean, DATA.std, CPU, torch.channels_last)
    draws = Draws(generator(CPU, 0), share)

    def changed(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return augmented(images, (RandomCrop(1), Flip(), Cutout(3)), draws), labels

    return list(one.batches(ORDER, batch, share, changed if change else None))


def equal(one: Batches, two: Batches) -> bool:
    pairs = zip(one, two, strict=True)
    return all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in pairs)


def test_images_are_normalised_and_in_order() -> None:
    x = (DATA.train.images / 255 - DATA.mean.view(-1, 1, 1)) / DATA.std.view(-1, 1, 1)
    found = made()
    assert [len(labels) for _, labels in found] == [8] * 6
    torch.testing.assert_close(torch.cat([images for images, _ in found]), x[ORDER])
    assert torch.equal(torch.cat([labels for _, labels in found]), DATA.train.labels[ORDER])
    assert {images.dtype for images, _ in found} == {torch.float32}


@pytest.mark.parametrize("batch", [1, 7, 48, 100])
def test_the_last_batch_has_what_is_left(batch: int) -> None:
    sizes = [len(labels) for _, labels in made(batch)]
    assert sum(sizes) == 48 and set(sizes[:-1]) <= {batch}


@pytest.mark.parametrize("together", [0, 3000, 10**9])
def test_how_many_come_at_once_changes_nothing(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, shares = made(), [made(share=slice(rank, None, 2)) for rank in range(2)]
    monkeypatch.setattr(feed, "TOGETHER", together)
    assert equal(made(), expected)
    for rank in range(2):
        assert equal(made(share=slice(rank, None, 2)), shares[rank])


@pytest.mark.parametrize("together", [0, 5000, 10**9])
def test_shares_are_of_each_batch(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes see, step by step, what one sees, changed in the same way."""
    monkeypatch.setattr(feed, "TOGETHER", together)
    whole = made(change=True)
    shares = [made(share=slice(rank, None, 2), change=True) for rank in range(2)]
    for step, (images, labels) in enumerate(whole):
        for rank, share in enumerate(shares):
            assert torch.equal(share[step][0], images[rank::2])
            assert torch.equal(share[step][1], labels[rank::2])


def test_a_share_without_images() -> None:
    assert [len(x[1]) for x in made(batch=48, share=slice(47, None, 48))] == [1]
    one = Feed(DATA.train, DATA.mean, DATA.std, CPU)
    assert list(one.batches(torch.arange(3), 8, slice(3, None, 4))) == []


@pytest.mark.parametrize("together", [0, 10**9])
def test_images_that_do_not_stay_on_the_device(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "TOGETHER", together)
    expected = made(change=True)
    monkeypatch.setattr(feed, "fits", lambda images, device: False)
    assert equal(made(change=True), expected)


def test_ahead() -> None:
    asked: list[int] = []

    def items() -> "list[int]":
        return list(range(6))

    def work(item: int) -> int:
        asked.append(item)
        return item * item

    found = ahead(work, items())
    assert next(found) == 0
    assert len(asked) <= 3, "no more than two are made before they are asked for"
    assert list(found) == [1, 4, 9, 16, 25]


def test_what_fails_ahead_is_raised_in_its_turn() -> None:
    found = ahead(lambda item: 1 // item, [1, 1, 0])
    assert [next(found), next(found)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(found)
