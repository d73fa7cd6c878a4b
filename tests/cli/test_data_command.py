"""``archdsl data``: what is in a data set."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from archdsl.cli.data import SHOWN, _rows

PARTS = (("train", 20, 2), ("val", 4, 1), ("test", 2, 2))


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of parts: grey cats, ten times as many as black dogs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for part, cats, dogs in PARTS:
        for name, count, grey in (("cat", cats, 51), ("dog", dogs, 0)):
            place = tmp_path / "pets" / part / name
            place.mkdir(parents=True)
            for number in range(count):
                Image.new("L", (4, 4), grey).save(place / f"{number}.png")
    return tmp_path / "pets"


def test_a_folder_says_classes_counts_and_balance(pets: Path, run: Any) -> None:
    ran = run("data", "pets")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        'image_folder(path = "pets"): images of 3x64x64 in 2 classes',
        "22 to train on, 5 to validate with and 4 to test on",
        "the files are 4x4; the middle of each is resized to 64x64",
        "",
        "class  train  validation  test",
        "cat       20           4     2",
        "dog        2           1     2",
        "",
        "mean       0.1818, 0.1818, 0.1818  of each channel, black 0 and white 1",
        "deviation  0.0575, 0.0575, 0.0575",
        "balance    the largest class has 90.91% of the images to train on, the smallest 9.09%",
        "accuracy   one validation image is 20.00%; always saying the largest class is right in "
        "80.00%",
        "           look at the balanced accuracy too, which `archdsl evaluate` prints",
    ]


def test_for_tools(pets: Path, run: Any) -> None:
    found = json.loads(run("data", "pets", "--json").out)
    assert found["image"] == [3, 64, 64]
    assert found["files"] == {"height": [4, 4], "width": [4, 4], "files": 31}
    assert found["classes"]["dog"] == {"train": 2, "validation": 1, "test": 2}
    assert found["largest_class"] == {"train": 20 / 22, "validation": 0.8, "test": 0.5}
    assert found["mean"] == pytest.approx([0.2 * 20 / 22] * 3)


def test_how_large_the_files_are(pets: Path, run: Any, monkeypatch: Any) -> None:
    """Of very many, some from first to last are looked at."""
    Image.new("L", (9, 6)).save(pets / "val" / "cat" / "9.png")
    ran = run("data", 'image_folder("pets", size = 4)').out.splitlines()
    assert ran[2] == "the files are 4 to 6 high, 4 to 9 wide; the middle of each is resized to 4x4"
    network = "resnet_cifar(depth = 8)"
    head = run("train", network, "--data", 'image_folder("pets", size = 8)', "--epochs", "1").out
    resized = "the middle of each is resized to 8x8: `size` says another"
    assert f"the files are 4 to 6 high, 4 to 9 wide; {resized}" in head.splitlines()
    monkeypatch.setattr("archdsl.training.data.sizes.MOST", 8)
    ran = run("data", 'image_folder("pets/train", size = 4)').out.splitlines()
    assert ran[2] == "8 of the 22 files are 4x4"
    assert run("data", "digits", "--json").out.count('"files": null') == 1


def test_all_files_that_cannot_be_read_at_once(pets: Path, run: Any) -> None:
    for name in ("train/cat/0.png", "test/dog/1.png"):
        (pets / name).write_bytes(b"no image")
    ran = run("data", "pets")
    assert (ran.code, ran.out) == (1, "")
    assert "A802" in ran.err and "2 of 31 files are not images" in ran.err
    assert "train/cat/0.png" in ran.err and "test/dog/1.png" in ran.err
    ran = run("data", 'image_folder("pets", skip_unreadable = true)')
    assert ran.code == 0 and "2 that cannot be read are left out" in ran.out


def test_a_name_of_a_set_is_no_folder(tmp_path: Path, run: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert run("data", "digits").out.startswith("digits: images of 1x8x8 in 10 classes\n")
    ran = run("data", "digit")
    assert ran.code == 1 and "did you mean `digits`?" in ran.err


def test_of_many_classes_the_largest_and_the_smallest() -> None:
    rows = _rows({f"c{n}": [n, 1, 1] for n in range(SHOWN + 5)})
    assert len(rows) == SHOWN + 1
    assert rows[0] == ["c34", "34", "1", "1"] and rows[-1] == ["c0", "0", "1", "1"]
    assert rows[SHOWN // 2] == ["(5 classes between)", "", "", ""]
