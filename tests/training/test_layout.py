"""What a folder of images may look like, what is passed over, and what is refused."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from archdsl import ArchError
from archdsl.training.data import describe, load
from archdsl.training.sets import ImageFolder

HERE = Path()
DATA = ImageFolder(path="pets", size=2, validation=0.25, test=0.25)
GREYS = {"cat": 10, "dog": 20, "eel": 30}


def fill(place: str, count: int, grey: int | None = None) -> None:
    """Images of one grey, that of the class whose folder it is, plus their number."""
    folder = HERE / "pets" / place
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        value = grey if grey is not None else GREYS[folder.name]
        Image.new("L", (4, 4), value).save(folder / f"{number}.png")


def problem(data: ImageFolder = DATA) -> list[str]:
    """The lines of the error; the same where only the classes are asked for, if it is one of
    names of folders."""
    with pytest.raises(ArchError) as caught:
        load(data, HERE)
    return str(caught.value).splitlines()


def sizes(data: ImageFolder = DATA) -> tuple[int, int, int]:
    found = load(data, HERE)
    for part in (found.train, found.validation, found.test):
        wanted = torch.tensor([GREYS[found.names[label]] for label in part.labels.tolist()])
        assert torch.equal(part.images[:, 0, 0, 0].long(), wanted)
    return len(found.train), len(found.validation), len(found.test)


@pytest.mark.parametrize("validation", ["val", "valid", "Validation", "eval"])
@pytest.mark.parametrize("train", ["train", "Training"])
def test_parts_have_their_folders(train: str, validation: str) -> None:
    for part, count in ((train, 4), (validation, 2), ("test", 3)):
        fill(f"{part}/cat", count)
        fill(f"{part}/dog", count + 1)
    assert describe(DATA, HERE) == ((3, 2, 2), 2)
    assert load(DATA, HERE).names == ("cat", "dog")
    assert sizes() == (9, 5, 7)


def test_a_part_may_lack_a_class() -> None:
    for place in ("train/cat", "train/dog", "train/eel", "val/eel"):
        fill(place, 4)
    assert sizes() == (12, 4, 0)


def test_a_share_validates_where_no_folder_does() -> None:
    for place in ("train/cat", "train/dog", "test/cat", "test/dog"):
        fill(place, 8)
    assert sizes() == (12, 4, 16)
    shutil.rmtree(HERE / "pets" / "test")
    assert sizes() == (12, 4, 0)


def test_a_class_that_is_not_trained_on() -> None:
    for place in ("train/cat", "train/dog", "val/cat", "val/eel"):
        fill(place, 2)
    assert problem() == [
        "error[A802]: the data `image_folder` cannot be read: val has the class `eel`, which is "
        "not among those to train on",
        "  = in pets",
    ]


def test_what_stands_beside_parts() -> None:
    for place in ("train/cat", "train/dog", "val/cat", "extra/cat"):
        fill(place, 2)
    assert "beside the parts `train`, `val` there is `extra`" in problem()[0]
    shutil.rmtree(HERE / "pets" / "extra")
    fill("valid/cat", 2)
    assert "`val`, `valid` are both the part `validation`" in problem()[0]
    shutil.rmtree(HERE / "pets" / "train")
    assert "there are `val`, `valid` in it, and no folder `train`" in problem()[0]


def test_a_class_may_be_called_as_a_part() -> None:
    """A train and a plane."""
    GREYS["train"] = GREYS["plane"] = 5
    fill("train", 8)
    fill("plane", 8)
    assert load(DATA, HERE).names == ("plane", "train")


def test_folders_with_the_same_folders_in_them() -> None:
    for place in ("day/cat", "day/dog", "night/cat", "night/dog"):
        fill(place, 4)
    assert problem() == [
        "error[A802]: the data `image_folder` cannot be read: each of the folders `day`, `night` "
        "has the same folders in it: `cat`, `dog`",
        "  = in pets",
        "  = help: where they are parts, call them train, val and test",
        "  = help: where they are classes, put the images of each into its folder itself",
    ]


def test_one_folder_too_high() -> None:
    fill("pets/cat", 4)
    fill("pets/dog", 4)
    wanted = [
        "error[A801]: the data `image_folder` is not here: there is one folder in it, `pets`, in "
        "which are `cat`, `dog`; classes are two or more folders",
        "  = looked for in pets",
        '  = help: write image_folder("pets/pets")',
    ]
    assert problem() == wanted
    with pytest.raises(ArchError) as caught:
        describe(DATA, HERE)
    assert str(caught.value).splitlines() == wanted


def test_one_class() -> None:
    fill("cat", 4)
    assert "there is one folder in it, `cat`; classes are two" in problem()[0]


def test_what_begins_with_a_dot_is_passed_over() -> None:
    fill("cat", 8)
    fill("dog", 8)
    fill("cat/.ipynb_checkpoints", 8, 99)
    fill(".hidden", 8, 99)
    (HERE / "pets" / "dog" / "._0.png").write_bytes(b"what macOS leaves")
    assert sizes() == (8, 4, 4)
    assert load(DATA, HERE).notes == ()


def test_what_is_left_out_is_said() -> None:
    fill("cat", 8)
    fill("dog", 8)
    for name in ("a.mat", "b.MAT", "c.dcm", "readme", "Thumbs.db", ".DS_Store"):
        (HERE / "pets" / "cat" / name).write_text("")
    wanted = "4 files are left out because of the ending: .mat 2, .dcm 1, none 1"
    assert load(DATA, HERE).notes == (wanted,)
    shutil.rmtree(HERE / "pets" / "dog")
    fill("dog", 0)
    (HERE / "pets" / "dog" / "a.mat").write_text("")
    first, _, help = problem()
    assert first.endswith("class dog; 1 file is left out because of the ending: .mat 1")
    assert help.startswith("  = help: read are .avif .bmp ") and " .png " in help


def test_all_files_that_cannot_be_read_are_said_at_once() -> None:
    fill("cat", 8)
    fill("dog", 8)
    for name in ("cat/3.png", "cat/5.png", "dog/0.png"):
        (HERE / "pets" / name).write_bytes(b"")
    assert problem()[0].endswith("cannot be read: 3 of 16 files are not images")
    assert sorted(problem()[1:4]) == [
        f"  = {name}: it is not an image that can be read"
        for name in ("cat/3.png", "cat/5.png", "dog/0.png")
    ]
    skipping = ImageFolder(path="pets", size=2, validation=0.25, test=0.25, skip_unreadable=True)
    for _ in range(2):  # decoded, and from the cache
        assert sum(sizes(skipping)) == 13
        assert load(skipping, HERE).notes == ("3 that cannot be read are left out",)


def test_the_share_of_the_largest_class() -> None:
    fill("cat", 8)
    fill("dog", 24)
    assert [load(DATA, HERE).train.largest, load(DATA, HERE).test.largest] == [0.75, 0.75]
