"""What a trained network carries with it, in every format, and what reads it."""

import dataclasses
import json
import shutil
import sys
import zipfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.modelcard import HEAD, card_from, card_in, card_in_text, with_card, without_card
from archdsl.training.data import load
from archdsl.training.data.splits import Splits
from archdsl.training.keep import card_of, write_folder, write_weights
from archdsl.training.loop import train_candidate
from archdsl.training.recipe import Recipe
from archdsl.training.sets import Digits

NET = """arch net(width = 6 in 4..8, classes = 10)
input 1x8x8
conv(width, 3, stride = 2) -> relu -> linear(classes)
"""
RECIPE = Recipe(epochs=1, batch=256, lr=0.05)


@cache
def splits() -> Splits:
    return load(Digits(), Path())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.Module]:
    """A folder with ``net.arch``, ``net.pt`` and ``net.safetensors`` of a trained network."""
    folder = tmp_path_factory.mktemp("trained")
    arch, data = archdsl.parse(NET).with_knobs(width=5), splits()
    module, _ = train_candidate(arch, data, RECIPE, 3)
    card = card_of(arch, data, Digits(), RECIPE, 3)
    write_folder(folder, arch, module, {"accuracy": 1.0}, card)
    write_weights(folder / "net.safetensors", module, card)
    return folder, module


def test_weights_say_how_they_are_used(trained: tuple[Path, torch.nn.Module]) -> None:
    folder, _ = trained
    data = splits()
    card = card_in(folder / "net.pt")
    assert card == card_in(folder / "net.safetensors")
    assert card is not None
    assert torch.equal(torch.tensor(card.mean), data.mean)
    assert torch.equal(torch.tensor(card.std), data.std)
    assert (card.image, card.classes) == ((1, 8, 8), tuple("0123456789"))
    assert (card.task, card.lr, card.seed) == ("classification", 0.05, 3)
    assert card.data == "digits(validation = 0.2, test = 0.2, seed = 0)"
    assert card.recipe.startswith("epochs = 1, batch = 256, lr = 0.05, optimizer = sgd(")
    assert card.bare == card_in(folder / "net.arch")
    (text,) = card.texts.values()
    assert text == NET.replace("width = 6 in 4..8", "width = 5")


def test_the_weights_are_what_torch_reads(trained: tuple[Path, torch.nn.Module]) -> None:
    folder, module = trained
    found = torch.load(folder / "net.pt", weights_only=True)
    assert list(found) == list(module.state_dict())
    assert torch.equal(found["linear1.weight"], module.state_dict()["linear1.weight"])


def test_a_spec_with_a_card_is_the_same_network(
    trained: tuple[Path, torch.nn.Module], tmp_path: Path, run: Any
) -> None:
    folder, _ = trained
    arch = archdsl.load(str(folder / "net.arch"))
    assert arch.hash == archdsl.parse(NET).with_knobs(width=5).hash
    shutil.copy(folder / "net.arch", tmp_path)
    assert run("fmt", str(tmp_path / "net.arch")).code == 0
    assert card_in(tmp_path / "net.arch") == card_in(folder / "net.arch")


def test_every_export_has_it(
    trained: tuple[Path, torch.nn.Module], tmp_path: Path, run: Any, monkeypatch: Any
) -> None:
    """The results of the file of Python, fed by its own ``preprocess``, are those of training."""
    folder, module = trained
    monkeypatch.chdir(tmp_path)
    for ending in ("py", "pt2", "onnx"):
        call = ["compile", str(folder / "net.arch"), "--weights", str(folder / "net.pt")]
        ran = run(*call, "-o", f"exported_net.{ending}")
        assert ran.code == 0, ran.err
    wanted = card_in(folder / "net.pt")
    assert wanted is not None
    assert card_in(tmp_path / "exported_net.pt") == wanted
    assert card_in(tmp_path / "exported_net.pt2") == wanted.bare
    extra = {"archdsl.json": ""}
    torch.export.load(tmp_path / "exported_net.pt2", extra_files=extra)
    assert card_from(json.loads(extra["archdsl.json"])) == wanted.bare
    onnxruntime = import_module("onnxruntime")
    session = onnxruntime.InferenceSession("exported_net.onnx", providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert card_from(json.loads(metadata["archdsl"])) == wanted.bare
    monkeypatch.syspath_prepend(str(tmp_path))
    made = import_module("exported_net")
    del sys.modules["exported_net"]
    assert made.classes == list("0123456789")
    model = made.Net().eval()
    model.load_state_dict(torch.load("exported_net.pt"))
    data = splits()
    pixels = data.test.images[:5]
    shape = (1, -1, 1, 1)
    fed = (pixels / 255 - data.mean.view(shape)) / data.std.view(shape)
    torch.testing.assert_close(made.preprocess(pixels), fed)
    torch.testing.assert_close(model(made.preprocess(pixels)), module(fed))
    twice = pixels.repeat_interleave(2, 2).repeat_interleave(2, 3)  # 16x16: each pixel four times
    wide = torch.nn.functional.pad(twice, (4, 4))  # 16x24: the middle square is taken
    assert made.preprocess(wide).shape == (5, 1, 8, 8)
    torch.testing.assert_close(made.preprocess(wide), made.preprocess(twice))


def test_a_network_that_was_changed_has_none(
    trained: tuple[Path, torch.nn.Module], tmp_path: Path, run: Any
) -> None:
    folder, _ = trained
    spec = str(folder / "net.arch")
    assert run("compile", spec, "-o", str(tmp_path / "same.py")).code == 0
    assert "def preprocess" in (tmp_path / "same.py").read_text()
    assert run("compile", spec, "--set", "width=7", "-o", str(tmp_path / "other.py")).code == 0
    assert "def preprocess" not in (tmp_path / "other.py").read_text()
    assert run("compile", spec, "--set", "width=7", "-o", str(tmp_path / "other.arch")).code == 0
    assert HEAD not in (tmp_path / "other.arch").read_text()


def test_a_card_in_a_text_replaces_another(trained: tuple[Path, torch.nn.Module]) -> None:
    card = card_in(trained[0] / "net.pt")
    assert card is not None
    strange = dataclasses.replace(card, classes=("a\n# seed = 9", '"', "\u202e", "é"))
    text = with_card(with_card(NET, card), strange)
    assert text.isascii() and text.count(HEAD) == 1
    assert card_in_text(text, "net.arch") == strange.bare
    assert without_card(text).rstrip("\n") + "\n" == NET


BAD = {
    "image": [[1, 0, 8], [], "1x8x8", [1, 10**9, 10**9], 3],
    "mean": [[], [0.1, 0.2], ["x"], [float("nan")], None],
    "std": [[0.0], [-1.0]],
    "classes": [[1, 2], 4],
    "seed": ["0", True],
    "data": [3],
    "texts": [{"a": 1}, [1], {"a": ["b"]}],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, found in BAD.items() for v in found])
def test_a_card_of_another_kind_is_said(
    trained: tuple[Path, torch.nn.Module], tmp_path: Path, name: str, value: Any
) -> None:
    card = card_in(trained[0] / "net.pt")
    assert card is not None
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("a/archdsl.json", json.dumps({**dataclasses.asdict(card), name: value}))
    with pytest.raises(ArchError, match="A822"):
        card_in(tmp_path / "w.pt")


def test_what_is_no_file_of_weights_has_none(tmp_path: Path) -> None:
    for name, data in {"a.pt": b"PK\3\4", "b.safetensors": b"\xff" * 9, "c.safetensors": b"",
                       "d.arch": b"arch a\n", "e.onnx": b"x"}.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
        assert card_in(tmp_path / name) is None
    assert card_in(tmp_path / "missing.pt") is None
