"""The data of docs/training.md: installed as a package, named in a text, and learned."""

import shutil
from pathlib import Path

import pytest
from fences import ROOT, fences

import archdsl
from archdsl.training.data import describe, load
from archdsl.training.fit import fit
from archdsl.training.loop import train_candidate
from archdsl.training.recipe import Recipe
from archdsl.training.records import read_data

DOCUMENT = ROOT / "docs" / "training.md"


def test_my_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the entry point that the document shows."""
    shutil.copy(ROOT / "docs" / "examples" / "my_data.py", tmp_path)
    (shown,) = (f.text for f in fences(DOCUMENT) if f.language == "toml")
    name, target = shown.splitlines()[-1].split(" = ")
    info = tmp_path / "my_data-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-data\nVersion: 1\n")
    entry = f"[archdsl.data]\n{name} = {target.strip(chr(34))}\n"
    (info / "entry_points.txt").write_text(entry)
    monkeypatch.syspath_prepend(tmp_path)
    data = read_data("spots(count = 200)")
    image, classes = describe(data, tmp_path)
    assert (image, classes) == ((1, 12, 12), 4)
    splits = load(data, tmp_path)
    assert [len(p) for p in (splits.train, splits.validation, splits.test)] == [160, 20, 20]
    head = "arch small(classes = 10)\ninput 3x32x32\n"
    spec = archdsl.parse(head + "conv(8, 3, stride = 2) -> relu -> linear(classes)\n")
    recipe = Recipe(epochs=4, batch=20, lr=0.05)
    _, outcome = train_candidate(fit(spec, {}, image, classes), splits, recipe, 0)
    assert outcome.accuracy == 1.0
