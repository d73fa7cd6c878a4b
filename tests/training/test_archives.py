"""Arrays in an archive of NumPy: images, signals and volumes."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archdsl import ArchError
from archdsl.training.data import describe, load
from archdsl.training.sets import Arrays

HERE = Path()
DATA = Arrays("set.npz", validation=0.25, test=0.25)
LABELS = np.arange(16) % 2


def pixels(*shape: int) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype=np.uint8).reshape(shape)


@pytest.mark.parametrize("image", [(5, 4, 6), (2, 7), (1, 3, 4, 5), (20,)])
def test_images_signals_volumes_and_rows(image: tuple[int, ...]) -> None:
    np.savez("set.npz", images=pixels(16, *image), labels=LABELS)
    assert describe(DATA, HERE) == (image, 2)
    found = load(DATA, HERE)
    assert (found.image, found.classes) == (image, 2)
    assert [len(p) for p in (found.train, found.validation, found.test)] == [8, 4, 4]


def test_a_test_set_of_its_own() -> None:
    test: dict[str, Any] = {"test_images": pixels(6, 1, 4, 6) + 9, "test_labels": LABELS[:6]}
    np.savez_compressed("set.npz", images=pixels(16, 1, 4, 6), labels=LABELS, **test)
    found = load(DATA, HERE)
    assert [len(p) for p in (found.train, found.validation, found.test)] == [12, 4, 6]
    assert found.test.images[0, 0, 0, 0] == 9


IMAGES = pixels(16, 1, 4, 6)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": IMAGES}, "it has `images`, not `images` and `labels`"),
        ({"images": IMAGES, "labels": LABELS, "test_images": IMAGES}, "and for a test set"),
        ({"images": IMAGES, "labels": LABELS / 2}, "has 16x1x4x6 and 16, not images NxCxHxW"),
        ({"images": IMAGES, "labels": LABELS - 1}, "whole numbers from 0"),
        ({"images": IMAGES[:, 0, 0, 0], "labels": LABELS}, "it has 16 and 16"),
        (
            {"images": IMAGES.astype(np.int16), "labels": LABELS},
            "its `images` are int16, and not uint8, uint16, float32, float16 or float64",
        ),
        ({"images": IMAGES, "labels": LABELS * 0}, "classes = 1"),
        ({"images": IMAGES, "labels": LABELS + 10**15}, "a label is 1,000,000,000,000,001"),
        ({"images": IMAGES, "labels": LABELS[:3]}, "it has 16 images and 3 labels"),
        ({"images": IMAGES, "labels": np.array([None])}, "an array in it is of Python objects"),
    ],
)
def test_what_is_no_such_archive(arrays: dict[str, Any], words: str) -> None:
    np.savez("set.npz", **arrays)
    with pytest.raises(ArchError) as caught:
        load(DATA, HERE)
    assert words in str(caught.value)


def test_a_head_that_says_more_than_there_is() -> None:
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 3, 8, 8), }\n"
    with zipfile.ZipFile("set.npz", "w") as packed:
        for key in ("images.npy", "labels.npy"):
            packed.writestr(key, b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    with pytest.raises(ArchError, match=r"should take 192,000,000,000,000 bytes, and there are 0"):
        describe(DATA, HERE)


def test_a_damaged_member() -> None:
    np.savez_compressed("set.npz", images=pixels(16, 1, 4, 6), labels=LABELS)
    data = bytearray(Path("set.npz").read_bytes())
    start = data.find(b"labels.npy") + 42
    data[start : start + 30] = bytes(b ^ 255 for b in data[start : start + 30])
    Path("set.npz").write_bytes(data)
    with pytest.raises(ArchError, match="not an archive of arrays"):
        describe(DATA, HERE)


def test_a_file_that_is_none() -> None:
    with pytest.raises(ArchError) as caught:
        describe(DATA, HERE)
    assert "A801" in str(caught.value) and "there is no such file" in str(caught.value)
    for content in (b"no archive", b"PK\x03\x04 cut short", b""):
        Path("set.npz").write_bytes(content)
        with pytest.raises(ArchError) as caught:
            describe(DATA, HERE)
        assert "A802" in str(caught.value)


def test_a_few_bytes_that_unpack_to_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archdsl.training.data.archive.MOST_BYTES", 1 << 20)
    np.savez_compressed("set.npz", images=np.zeros((16, 1, 300, 300), np.uint8), labels=LABELS)
    with pytest.raises(ArchError, match=r"\d,\d+ bytes of its `images` unpack to 1,440,000"):
        describe(DATA, HERE)
