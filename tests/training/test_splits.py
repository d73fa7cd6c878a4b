"""Splits: by shares, class by class, the same everywhere."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import images, splits

from archdsl import ArchError
from archdsl.training.data.splits import Images, Splits, parts, proportional

LABELS = [0] * 50 + [1] * 30 + [2] * 20


def test_shares_are_of_each_class() -> None:
    train, validation, test = parts("set", LABELS, 0, validation=0.2, test=0.1)
    counts = [Counter(LABELS[row] for row in part) for part in (train, validation, test)]
    assert counts == [{0: 35, 1: 21, 2: 14}, {0: 10, 1: 6, 2: 4}, {0: 5, 1: 3, 2: 2}]
    assert sorted(train + validation + test) == list(range(100))


def test_the_rows_are_those_of_the_first_day() -> None:
    """They must never change: a study goes on with the split that it began with."""
    assert parts("set", LABELS, 0, 0.1) == parts("set", LABELS, 0, 0.1)
    assert parts("set", LABELS, 0, 0.1).validation == [7, 14, 15, 20, 30, 64, 68, 76, 83, 88]
    assert parts("set", LABELS, 1, 0.1).validation == [5, 9, 10, 30, 47, 53, 60, 72, 80, 90]


def test_a_smaller_training_set_is_part_of_a_larger_one() -> None:
    sets = [set(parts("set", LABELS, 3, 0.1, train=n).train) for n in (10, 40, 90)]
    assert [len(s) for s in sets] == [10, 40, 90]
    assert sets[0] < sets[1] < sets[2]
    held = {tuple(parts("set", LABELS, 3, 0.1, train=n).validation) for n in (10, 40, 90)}
    assert len(held) == 1, "the images to validate with do not depend on it"


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8), st.data())
def test_proportions(sizes: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(sizes)))
    counts = proportional(sizes, total)
    assert sum(counts) == total
    for size, count in zip(sizes, counts, strict=True):
        assert 0 <= count <= size
        assert abs(count - total * size / sum(sizes)) < 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"validation": 0.6, "test": 0.4}, "of 100 images, none is left to train on"),
        ({"validation": 0.0}, "of 100 images, none is left to validate with"),
        ({"validation": 0.1, "train": 91}, "of 100 images, 90 are left to train on, not 91"),
    ],
)
def test_parts_that_would_be_empty(given: dict[str, float], reason: str) -> None:
    with pytest.raises(ArchError) as caught:
        parts("set", LABELS, 0, **given)  # type: ignore[arg-type]
    assert [d.code for d in caught.value.diagnostics] == ["A803"]
    assert reason in str(caught.value)


def test_mean_and_deviation_are_of_the_training_images_alone() -> None:
    random = np.random.RandomState(0)
    pixels = random.randint(0, 256, (50, 3, 5, 4)).astype(np.uint8)
    pixels[:, 1] //= 2
    train = Images(torch.from_numpy(pixels), torch.zeros(50, dtype=torch.int64))
    other = Images(torch.zeros(5, 3, 5, 4, dtype=torch.uint8), torch.zeros(5, dtype=torch.int64))
    found = Splits(train, other, lambda: other, 1)
    values = pixels.astype(np.float64) / 255
    np.testing.assert_allclose(found.mean, values.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(found.std, values.std((0, 2, 3)), rtol=1e-6)
    assert found.image == (3, 5, 4)


def test_a_channel_of_one_value_is_not_divided_by_zero() -> None:
    blank = Images(torch.full((4, 1, 2, 2), 9, dtype=torch.uint8), torch.arange(4))
    assert Splits(blank, blank, lambda: blank, 4).std.tolist() == pytest.approx([1 / 255])


def test_the_test_images_are_not_made_before_they_are_asked_for() -> None:
    made: list[int] = []

    def test() -> Images:
        made.append(1)
        return images(8, 3)

    found = Splits(images(8, 1), images(8, 2), test, 4)
    assert len(found.train) == 8 and found.mean.shape == (1,) and made == []
    assert len(found.test) == 8 == len(found.test) and made == [1]


def test_a_digest_tells_splits_apart() -> None:
    assert splits().digest == splits().digest
    assert splits().digest != splits(validation=28).digest
    changed = splits()
    changed.train.images[0, 0, 0, 0] += 1
    assert changed.digest != splits().digest


def test_a_digest_is_of_the_test_images_and_the_names_too() -> None:
    changed = splits()
    changed.test.images[0, 0, 0, 0] += 1
    assert changed.digest != splits().digest
    named = splits()
    named.names = ("a", "b", "c", "d")
    assert named.digest != splits().digest
