"""Data sets of PyTorch and Hugging Face, from a class of a user's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, TensorDataset

import archdsl
from archdsl import ArchError
from archdsl.training.data import describe, load
from archdsl.training.data.given import splits_of
from archdsl.training.loop import train_candidate
from archdsl.training.recipe import Recipe
from archdsl.training.sets import Data

HERE = Path()
PIXELS = torch.arange(24, dtype=torch.uint8).repeat(40, 1).reshape(40, 1, 4, 6)
LABELS = torch.arange(40) % 3


class Pictures(Dataset[tuple[Any, int]]):
    """As torchvision's sets are: pictures of Pillow, and the names of the classes."""

    classes: ClassVar[list[str]] = ["cat", "dog", "eel"]

    def __init__(self, mode: str = "RGB", broken: int = 0) -> None:
        self.mode, self.broken = mode, broken

    def __len__(self) -> int:
        return 40

    def __getitem__(self, place: int) -> tuple[Any, int]:
        if place < self.broken:
            raise OSError(f"{place}.png is cut short")
        if place >= 40:
            raise AssertionError("only what is there is asked for")
        return Image.new(self.mode, (6, 4), place), place % 3


class Rows(list[dict[str, Any]]):
    """As Hugging Face's sets are: a mapping at each place, and features."""

    class Label:
        names = ("cat", "dog", "eel")

    features: ClassVar[dict[str, Any]] = {"img": None, "label": Label}


def rows() -> Rows:
    return Rows({"img": Image.new("L", (6, 4), n), "label": n % 3} for n in range(40))


@dataclass(frozen=True)
class Own(Data):
    """What a test gives."""

    found: Any = None
    task: str = "classification"  # type: ignore[misc]
    seed = 0
    validation = 0.25
    test = 0.25
    name = "own"

    def __hash__(self) -> int:
        return id(self.found)

    def read(self, folder: Path) -> Any:
        return self.found


def sizes(data: Data) -> tuple[int, int, int]:
    splits = load(data, HERE)
    return len(splits.train), len(splits.validation), len(splits.test)


@pytest.mark.parametrize(
    ("found", "image", "names"),
    [
        (TensorDataset(PIXELS, LABELS), (1, 4, 6), ()),
        (Pictures(), (3, 4, 6), ("cat", "dog", "eel")),
        (Pictures("L"), (1, 4, 6), ("cat", "dog", "eel")),
        (rows(), (1, 4, 6), ("cat", "dog", "eel")),
        ((PIXELS.numpy(), LABELS.numpy()), (1, 4, 6), ()),
    ],
)
def test_a_set_is_described_by_what_it_has(found: Any, image: Any, names: Any) -> None:
    assert describe(Own(found), HERE) == (image, 3)
    assert load(Own(found), HERE).names == names
    assert sizes(Own(found)) == (20, 10, 10)


def test_a_set_of_a_program_is_trained_on() -> None:
    splits = splits_of(TensorDataset(PIXELS, LABELS), validation=0.25, test=0.25)
    assert splits.digest == load(Own(TensorDataset(PIXELS, LABELS)), HERE).digest
    arch = archdsl.parse(
        "arch a(classes = 3)\ninput 1x4x6\nconv(2, 3) -> relu -> linear(classes)\n"
    ).with_knobs()
    _, outcome = train_candidate(arch, splits, Recipe(epochs=1, batch=10), 0)
    assert outcome.accuracy == pytest.approx(1 / 3, abs=0.07), "all images are alike"
    assert splits_of((PIXELS, PIXELS[:, 0] % 2), task="segmentation").classes == 2


def test_parts_that_are_given_are_kept() -> None:
    some = {"train": rows(), "valid": Rows(rows()[:9]), "test": Rows(rows()[:7])}
    assert sizes(Own(some)) == (40, 9, 7)
    del some["valid"]
    assert sizes(Own(some)) == (30, 10, 7)
    assert torch.equal(load(Own(some), HERE).test.labels, torch.arange(7) % 3)


@pytest.mark.parametrize(
    ("task", "label", "count"),
    [
        ("multilabel", torch.tensor([1.0, 0.0]), 2),
        ("regression", 0.5, 1),
        ("segmentation", torch.ones(4, 6, dtype=torch.long), 2),
    ],
)
def test_other_tasks(task: str, label: Any, count: int) -> None:
    found = [(image, label) for image in PIXELS]
    assert describe(Own(found, task), HERE) == ((1, 4, 6), count)
    assert load(Own(found, task), HERE).task.name == task


def test_all_items_that_cannot_be_read() -> None:
    with pytest.raises(ArchError) as caught:
        load(Own(Pictures(broken=3)), HERE)
    text = str(caught.value)
    assert "A804" in text and "3 of 40 items" in text
    assert [f"item {n}: OSError: {n}.png is cut short" in text for n in range(4)] == [
        True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            [(PIXELS[0], 0), (PIXELS[1, :, 1:], 1)],
            "its image is uint8 of 1x3x6, and that of others",
        ),
        ([{"a": PIXELS[0], "b": 0}], "it has `a`, `b`, and not `image` and `label`"),
        ([(np.zeros((28, 30, 3), np.uint8), 0)], "it is 28x30x3: channels come first"),
        ([], "it has no items"),
        ({"all": rows()}, "`all` is not a part: train, validation and test are"),
        ({"test": rows()}, "it does not have a part `train`"),
        (PIXELS, "`read` gives images and labels"),
        (7, "`read` gives images and labels"),
        ([(PIXELS[0], 0.5)] * 9, "its labels are not those of classification"),
    ],
)
def test_what_is_no_set(found: Any, words: str) -> None:
    with pytest.raises(ArchError) as caught:
        describe(Own(found), HERE)
    assert words in str(caught.value)
