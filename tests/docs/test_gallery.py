"""The pictures of the documents are what the code draws; `python docs/gallery.py --check` looks at
all of them."""

import re
import sys

import pytest
from fences import DOCUMENTS, ROOT

sys.path.insert(0, str(ROOT / "docs"))
import gallery

from archdsl.files import builtin_names

MOST = 3_000_000  # bytes of pictures


@pytest.mark.parametrize("name", ["resnet", "densenet", "fractalnet_imagenet", "semantic_fpn"])
def test_a_picture_is_what_is_drawn(name: str) -> None:
    found = (gallery.FOLDER / f"{name}.svg").read_text("utf-8")
    assert gallery.picture(name) == found, "run `python docs/gallery.py`"


def test_every_family_is_on_the_page() -> None:
    text = gallery.PAGE.read_text("utf-8")
    shown = re.findall(r"^## (\w+)$", text, re.MULTILINE)
    assert sorted(shown) == sorted(builtin_names())
    for spec in gallery.families()[::8]:
        assert "\n\n".join(gallery.section(spec)) in text, "run `python docs/gallery.py`"


def test_the_core_of_a_spec_is_a_spec_of_the_same_networks() -> None:
    spec = gallery.read("densenet")
    core = gallery.archdsl.parse(gallery.core(spec))
    assert core.with_knobs().hash == spec.with_knobs().hash
    assert not core.variants and "paper" not in core.source.text and core.doc == spec.doc


@pytest.mark.slow
def test_all_is_as_it_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert gallery.main(["--check"]) == 0, capsys.readouterr().out


def test_every_picture_is_shown_and_they_are_small() -> None:
    linked = {
        path.parent / link
        for path in DOCUMENTS
        for link in re.findall(r"\]\(([^)\s]+\.(?:svg|png))\)", path.read_text("utf-8"))
    }
    held = [p for p in gallery.FOLDER.iterdir() if p.suffix in (".svg", ".png")]
    assert linked == set(held)
    assert sum(p.stat().st_size for p in held) < MOST


def test_the_check_names_what_is_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = gallery.FOLDER / "resnet.svg"
    monkeypatch.setattr(gallery, "wanted", lambda: [(path, "something else")])
    before = path.read_bytes()
    assert gallery.main(["--check"]) == 1
    assert "docs/gallery/resnet.svg is not what" in capsys.readouterr().out
    assert path.read_bytes() == before
