"""Folders of images: decoded once, and mapped from then on."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from archdsl import ArchError
from archdsl.training.data import decoding, describe, load
from archdsl.training.data.search_path import cache_folder
from archdsl.training.sets import ImageFolder

HERE = Path()
DATA = ImageFolder(path="pets", size=16, validation=0.25, test=0.25)


def pets(count: int = 8) -> None:
    """Wide images of two classes: red in the middle square, or green; blue at both sides."""
    for name, color in (("cat", (255, 0, 0)), ("dog", (0, 255, 0))):
        place = HERE / "pets" / name / "more"
        place.mkdir(parents=True)
        for number in range(count):
            image = Image.new("RGB", (80, 40), (0, 0, 255))
            image.paste(color, (20, 0, 60, 40))
            image.save(place / f"{number}.png")
    (HERE / "pets" / "notes.txt").write_text("no class")
    (HERE / "pets" / "cat" / "notes.txt").write_text("no image")
    (HERE / "pets" / ".hidden").mkdir()


def problem() -> str:
    with pytest.raises(ArchError) as caught:
        load(DATA, HERE)
    return str(caught.value)


def kept() -> list[Path]:
    return list(cache_folder().glob("*")) + list(cache_folder().glob(".images*"))


def test_the_middle_square_of_each_image() -> None:
    pets()
    assert describe(DATA, HERE) == ((3, 16, 16), 2)
    found = load(DATA, HERE)
    assert (len(found.train), len(found.validation), len(found.test)) == (8, 4, 4)
    for part in (found.train, found.validation, found.test):
        assert part.labels.bincount().tolist() == [len(part) // 2] * 2
        red, green, blue = part.images[..., 1:-1].unbind(1)  # the outer ones blend with the sides
        assert torch.equal(red.amax((1, 2)), (1 - part.labels.byte()) * 255)
        assert torch.equal(green.amin((1, 2)), part.labels.byte() * 255)
        assert not blue.any()


@pytest.mark.parametrize(
    ("mode", "ending"),
    [("L", ".jpg"), ("RGBA", ".png"), ("P", ".gif"), ("L", ".jfif"), ("RGB", ".jp2")],
)
def test_images_of_other_kinds(mode: str, ending: str) -> None:
    pets()
    Image.new(mode, (30, 50), 1).save(HERE / "pets" / "cat" / f"other{ending.upper()}")
    assert len(load(DATA, HERE).train) == 9


def test_images_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pets()
    first = load(DATA, HERE)
    (bytes,) = kept()
    assert bytes.stat().st_size == 16 * 3 * 16 * 16

    def refuse(*given: Any) -> None:
        raise AssertionError("decoded again")

    with monkeypatch.context() as patch:
        patch.setattr(decoding, "fitted", refuse)
        assert load(DATA, HERE).digest == first.digest
    os.utime(HERE / "pets" / "cat" / "more" / "0.png", (1, 1))
    assert load(DATA, HERE).digest == first.digest
    assert len(kept()) == 2, "a file that was changed may be another image"


def test_bytes_that_were_cut_short_are_made_again() -> None:
    pets()
    digest = load(DATA, HERE).digest
    (bytes,) = kept()
    bytes.write_bytes(bytes.read_bytes()[:-1])
    assert load(DATA, HERE).digest == digest


def test_there_is_no_folder() -> None:
    assert problem().splitlines() == [
        "error[A801]: the data `image_folder` is not here: no such file or directory",
        "  = looked for in pets",
    ]


def test_there_are_no_classes() -> None:
    (HERE / "pets").mkdir()
    assert "there is no folder for each class in it" in problem()


def test_a_class_without_images() -> None:
    pets()
    (HERE / "pets" / "eel").mkdir()
    assert "there is no image in the folder of the class eel" in problem()


@pytest.mark.parametrize("data", [b"GIF89a", b"", None])
def test_a_file_that_is_no_image(data: bytes | None) -> None:
    pets()
    path = HERE / "pets" / "dog" / "more" / "3.png"
    path.write_bytes(path.read_bytes()[:-40] if data is None else data)
    text = problem()
    assert text.startswith("error[A802]: the data `image_folder` cannot be read: dog/more/3.png: ")
    assert text.splitlines()[1:] == [
        "  = in pets",
        "  = help: `skip_unreadable = true` (in `new`: `--skip-unreadable`) leaves them out",
    ]
    assert kept() == [], "nothing is left half written"


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    pets()

    class Full:
        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *problem: object) -> None:
            pass

        def write(self, data: bytes) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def full(handle: int, mode: str) -> Full:
        os.close(handle)
        return Full()

    monkeypatch.setattr(os, "fdopen", full)
    text = problem()
    assert "no space left on device" in text
    assert "decoded images take 12,288 bytes there; XDG_CACHE_HOME names another place" in text
    assert kept() == []
