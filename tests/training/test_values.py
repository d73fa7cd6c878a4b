"""Images of 16 bits and of floats: what was 0..255 is told by the same numbers in any type."""

from pathlib import Path

import numpy as np
import pytest
import torch

import archdsl
from archdsl import ArchError
from archdsl.backend.preprocess import usage_code
from archdsl.modelcard import card_from
from archdsl.training.data import describe, load
from archdsl.training.data.splits import Splits
from archdsl.training.feed import Feed
from archdsl.training.fit import fit
from archdsl.training.keep import card_of
from archdsl.training.loop import train_candidate
from archdsl.training.predictor import Predictor
from archdsl.training.recipe import Recipe
from archdsl.training.sets import Arrays

HERE = Path()
DATA = Arrays("set.npz", validation=0.25, test=0.25)
BYTES = np.random.default_rng(0).integers(0, 256, (40, 13, 4, 6), np.uint8)
LABELS = np.arange(40) % 2
SCALES = {"uint8": 1, "uint16": 257, ">u2": 257, "float32": 1 / 255, "float64": 1 / 255}


def saved(kind: str) -> Splits:
    images = (BYTES * np.float64(SCALES[kind])).astype(kind)
    np.savez("set.npz", images=images, labels=LABELS)
    assert describe(DATA, HERE) == ((13, 4, 6), 2)
    return load(DATA, HERE)


def normalised(splits: Splits) -> torch.Tensor:
    feed = Feed(splits.train, splits.mean, splits.std, torch.device("cpu"))
    return torch.cat([images for images, _ in feed.batches(torch.arange(20), 8)])


@pytest.mark.parametrize("kind", SCALES)
def test_any_type_is_normalised_alike(kind: str) -> None:
    splits, truth = saved(kind), saved("uint8")
    assert torch.allclose(splits.mean, truth.mean) and torch.allclose(splits.std, truth.std)
    assert torch.allclose(normalised(splits), normalised(truth), atol=1e-5)
    assert splits.values == {">u2": "uint16", "float64": "float32"}.get(kind, kind)


def test_12_bits_in_16() -> None:
    images = np.random.default_rng(0).integers(0, 4096, (40, 1, 8, 8), np.uint16)
    np.savez("set.npz", images=images, labels=LABELS)
    shown = normalised(load(DATA, HERE))
    assert abs(float(shown.mean())) < 1e-3 and float(shown.std()) == pytest.approx(1, abs=1e-2)
    assert len(shown.unique()) > 1000, "no value is lost"


def test_a_flat_channel_is_not_divided_by_nothing() -> None:
    for images in (np.full((40, 2, 3, 3), 7.5), np.full((40, 2, 3, 3), 7, np.uint16)):
        np.savez("set.npz", images=images, labels=LABELS)
        assert normalised(load(DATA, HERE)).abs().max() < 1e-3


def test_floats_that_are_no_numbers() -> None:
    np.savez("set.npz", images=np.full((40, 1, 4, 4), np.nan), labels=LABELS)
    with pytest.raises(ArchError, match=r"A802.*not all values of its images are finite"):
        load(DATA, HERE)


def test_a_file_of_images_and_one_of_labels() -> None:
    np.save("x.npy", (BYTES * np.uint16(257)).astype(np.uint16))
    np.save("y.npy", LABELS)
    data = Arrays("x.npy", validation=0.25, test=0.25, labels="y.npy")
    assert describe(data, HERE) == ((13, 4, 6), 2)
    assert load(data, HERE).digest == saved("uint16").digest
    for wrong, words in (
        (Arrays("x.npy"), 'help: arrays("x.npy", labels = "labels.npy")'),
        (Arrays("x.npy", labels="z.npy"), "looked for in z.npy"),
        (Arrays("set.npz", labels="y.npy"), "a file of labels is for images in .npy only"),
    ):
        with pytest.raises(ArchError) as caught:
            describe(wrong, HERE)
        assert words in str(caught.value)
    Path("x.npy").write_bytes(Path("x.npy").read_bytes()[:-9])
    with pytest.raises(
        ArchError, match="it is not an array: mmap length is greater than file size"
    ):
        describe(data, HERE)


def test_names_of_classes_in_an_archive() -> None:
    np.savez("set.npz", images=BYTES, labels=LABELS, names=np.array(["cat", "dog", "eel"]))
    assert describe(DATA, HERE)[1] == 3
    assert load(DATA, HERE).names == ("cat", "dog", "eel")
    np.savez("set.npz", images=BYTES, labels=LABELS, names=np.array(["cat"]))
    with pytest.raises(ArchError, match="it has 1 `names`, and 2 classes"):
        describe(DATA, HERE)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32"])
def test_what_was_trained_predicts(kind: str) -> None:
    """The card, a file of Python and the training normalise alike."""
    splits, recipe = saved(kind), Recipe(epochs=1, batch=10)
    spec = archdsl.parse(
        "arch net(classes = 5)\ninput 3x4x6\nconv(4, 3) -> relu -> linear(classes)\n"
    )
    arch = fit(spec, {}, splits.image, 2)
    module, _ = train_candidate(arch, splits, recipe, 0)
    card = card_of(arch, splits, DATA, recipe, 0)
    assert card.values == kind and card_from(eval(card.written(), {"null": None})) == card
    names: dict[str, object] = {"torch": torch, "Tensor": torch.Tensor, "F": torch.nn.functional}
    exec(usage_code(card), names)
    shown = names["preprocess"](splits.train.images)  # type: ignore[operator]
    assert torch.allclose(shown, normalised(splits), atol=1e-5)
    assert names["preprocess"](splits.train.images[0][:, :2]).shape == (1, 13, 4, 6)  # type: ignore[operator]
    said = Predictor(card, module).logits(splits.train.images)
    with torch.no_grad():
        assert torch.allclose(said, module(normalised(splits)), atol=1e-4)
