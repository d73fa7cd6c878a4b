"""``archdsl new``: what is written for a folder of images is a spec and a search that hold."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

import archdsl
from archdsl.cli.check_search import survey_of
from archdsl.cli.main import cli
from archdsl.diagnostics.model import ArchError
from archdsl.files import ARCH, SEARCH
from archdsl.registry import REGISTRY


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The images that are read are kept in a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))


def folder_of(place: Path, side: int = 50, classes: tuple[str, ...] = ("a b", "if")) -> Path:
    for label in classes:
        (place / label).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (side + 7, side), (i, 0, 0)).save(place / label / f"{i}.png")
    return place


def new(*arguments: object) -> Result:
    return CliRunner().invoke(
        cli, ["new", *map(str, arguments)], standalone_mode=False, catch_exceptions=False
    )


@pytest.mark.parametrize(
    ("called", "side", "name", "size", "stages", "budget"),
    [
        ("My photos!", 50, "my_photos", 48, 3, "60M"),
        ("for", 9, "images_for", 16, 2, "4.6M"),
        ("resnet", 400, "images_resnet", 64, 4, "140M"),
    ],
)
def test_what_is_written(
    called: str, side: int, name: str, size: int, stages: int, budget: str,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / called, side)
    ran = new(called, "--json")
    told = json.loads(ran.output)
    assert told == {
        "spec": f"{name}{ARCH}", "search": f"{name}{SEARCH}", "classes": {"a b": 3, "if": 3},
        "size": size, "macs": budget,
    }  # fmt: skip
    spec = archdsl.read(told["spec"])
    arch = spec.with_knobs()
    assert (arch.input, arch.knobs["classes"], arch.output) == ((3, size, size), 2, (2,))
    assert f"blocks in each of the {stages} stages" in spec.source.text
    assert spec.source.text.startswith(f'## A residual network for the images in "{called}".\n')
    found = survey_of(told["search"], REGISTRY)
    (reach,) = found.reaches
    assert len(reach.candidates or ()) == 4 and not reach.missed and not found.missing


def test_what_is_there_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / "photos")
    said = new("photos", "-o", "out", "--name", "mine").output  # the folder is made
    assert said.endswith("next: archdsl check out/mine.search; archdsl search out/mine.search\n")
    search = tmp_path / "out" / "mine.search"
    assert 'data image_folder("../photos", size = 48)' in search.read_text("utf-8")
    new("photos", "-o", "out", "--name", "mine")  # nobody edited it
    search.write_text(search.read_text("utf-8") + "# mine\n", "utf-8")
    with pytest.raises(ArchError, match="it exists"):
        new("photos", "-o", "out", "--name", "mine")
    with pytest.raises(ArchError, match=r"A008.*mine.search/deep` cannot be written: not a dir"):
        new("photos", "-o", "out/mine.search/deep")


def test_all_images_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder_of(tmp_path / "photos", classes=("a", "b", "c"))
    for name in ("a/0.png", "c/2.png"):
        (tmp_path / "photos" / name).write_bytes(b"cut short")
    with pytest.raises(ArchError) as caught:
        new("photos")
    assert "2 of 9 files are not images" in str(caught.value)
    assert "a/0.png: " in str(caught.value) and not (tmp_path / "photos.arch").exists()
    assert "2 that cannot be read are left out" in new("photos", "--skip-unreadable").output
    assert "size = 48, skip_unreadable = true)" in (tmp_path / "photos.search").read_text("utf-8")


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ArchError, match="no folder for each class"):
        new(tmp_path)
    with pytest.raises(ArchError, match="no such file or directory"):
        new(tmp_path / "nowhere")
