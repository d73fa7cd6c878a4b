"""``archdsl predict`` and ``archdsl evaluate``: a trained network put to use."""

import json
import os
import pickle
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import archdsl
from archdsl.cli.evaluate import _say, cut_otherwise
from archdsl.importing.exported import read_pt2
from archdsl.importing.file_module import ProgramModule
from archdsl.modelcard import card_in
from archdsl.registry import REGISTRY
from archdsl.training.data import load
from archdsl.training.data.example import read_example
from archdsl.training.data.images import BadPicture
from archdsl.training.data.splits import Images, Splits
from archdsl.training.evaluate import evaluate
from archdsl.training.keep import card_of, write_folder
from archdsl.training.loop import train_candidate
from archdsl.training.metrics import of_outputs
from archdsl.training.recipe import Recipe
from archdsl.training.records import read_data
from archdsl.training.sets import Digits

NET = """arch net(width = 6, classes = 10)
input 1x8x8
conv(width, 3, stride = 2) -> bn -> relu -> linear(classes)
"""
RECIPE = Recipe(epochs=3, batch=64)
WHOLE, LESS = (f"digits(validation = {v}, test = 0.2, seed = 0)" for v in (0.2, 0.1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained network as a folder has it, and three digits as pictures."""
    found = tmp_path_factory.mktemp("used")
    arch, data = archdsl.parse(NET).with_knobs(), load(Digits(), Path())
    module, _ = train_candidate(arch, data, RECIPE, 0)
    tested = evaluate(module, data.test, data)
    card = card_of(arch, data, Digits(), RECIPE, 0)
    write_folder(found, arch, module, {"test": tested}, card)
    for number in range(3):
        Image.fromarray(data.test.images[number, 0].numpy()).save(found / f"{number}.png")
    np.save(found / "3.npy", data.test.images[3].numpy())
    shown = (data.test.images[:4] / 255 - data.mean) / data.std
    torch.save(module(shown).softmax(1), found / "said.pth")
    return found


ROWS = """arch rows(width = 8 in 4..32, classes = 3)
input 5
linear(width) -> relu -> linear(classes)
"""


def test_rows_of_numbers_are_trained_on_and_predicted(
    tmp_path: Path, run: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    draws = np.random.default_rng(0)
    rows = draws.normal(size=(300, 5)).astype(np.float32)
    labels = rows[:, :3].argmax(1)
    np.savez("rows.npz", images=rows, labels=labels)
    np.save("row.npy", rows[0])
    Path("rows.arch").write_text(ROWS)
    data = "--data", 'arrays("rows.npz")'
    recipe = "--recipe", "epochs = 15, batch = 16, lr = 0.1"
    assert run("train", "rows.arch", *data, *recipe, "-o", "rows.pt").code == 0
    said = run("evaluate", "rows.pt", *data, "--json")
    assert json.loads(said.out)["accuracy"] > 0.8
    (found,) = json.loads(run("predict", "rows.pt", "row.npy", "--json").out)
    assert max(found["classes"], key=found["classes"].get) == str(labels[0])


def test_every_form_says_the_same(folder: Path, run: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(folder)
    for ending in ("pt2", "onnx"):
        ran = run("compile", "net.arch", "--weights", "net.pt", "-o", f"net.{ending}", "--force")
        assert ran.code == 0, ran.err
    files = ["0.png", "1.png", "2.png", "3.npy"]
    wanted = torch.load("said.pth", weights_only=True)
    for model in ("net.pt", "net.arch", "net.pt2", "net.onnx"):
        ran = run("predict", model, *files, "--json", "--top", "10", "--device", "cpu")
        assert (ran.code, ran.err) == (0, ""), ran.err
        found = json.loads(ran.out)
        assert [row["file"] for row in found] == files
        said = torch.tensor([[row["classes"][str(i)] for i in range(10)] for row in found])
        torch.testing.assert_close(said, wanted, rtol=1e-4, atol=1e-5)


class Act:
    """A pickle that makes a folder where it is read."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("made",)


def test_a_program_of_a_stranger_runs_nothing(folder: Path, run: Any, monkeypatch: Any) -> None:
    """PyTorch's own loader would unpickle what a file says is pickled."""
    monkeypatch.chdir(folder)
    assert run("compile", "net.arch", "--weights", "net.pt", "-o", "p.pt2", "--force").code == 0
    with zipfile.ZipFile("p.pt2") as archive:
        entries = {i.filename: archive.read(i) for i in archive.infolist()}
    for name, data in entries.items():
        if name.endswith("_weights_config.json"):
            config = json.loads(data)
            for one in config["config"].values():
                one["use_pickle"] = True
            entries[name] = json.dumps(config).encode()
        if "/weight_" in name:
            entries[name] = pickle.dumps(Act())
    with zipfile.ZipFile("evil.pt2", "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    for command in (("predict", "evil.pt2", "0.png"), ("evaluate", "evil.pt2", "--data", "digits")):
        ran = run(*command, "--device", "cpu")
        assert ran.code == 1 and "is pickled, which could run code" in ran.err, ran.err
    assert not Path("made").exists()


class Turned(torch.nn.Module):
    """Axes in another order, which a program without compositions copies before it views them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2).reshape(2, 12)


def test_a_program_without_compositions_runs(tmp_path: Path) -> None:
    x, path = torch.arange(24.0).view(2, 3, 4), tmp_path / "turned.pt2"
    program = torch.export.export(Turned(), (x,)).run_decompositions()
    assert "memory_format" in str(program.graph)
    torch.export.save(program, path)
    assert torch.equal(ProgramModule(read_pt2(path, exact=True))(x), Turned()(x))


def test_what_it_prints(folder: Path, run: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(folder)
    Path("bad.png").write_bytes(b"no image")
    ran = run("predict", "net.pt", "0.png", "bad.png", "none.png", "3.npy", "--top", "2")
    assert ran.code == 1
    best = torch.load("said.pth", weights_only=True)[3].topk(2)
    (one, share), (two, other) = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    header, _, last = ran.out.splitlines()
    assert header.split() == ["file", "class", "or"]
    assert last.split() == ["3.npy", f"{one}", f"{share:.1%}", f"{two}", f"{other:.1%}"]
    assert "error[A002]: `bad.png` cannot be read: it is not an image that can be read" in ran.err
    assert "error[A002]: `none.png` cannot be read: no such file or directory" in ran.err


def test_what_carries_no_card_is_refused(folder: Path, run: Any, tmp_path: Path) -> None:
    plain = tmp_path / "plain.pt"
    torch.save(torch.load(folder / "net.pt", weights_only=True), plain)
    ran = run("predict", str(plain), str(folder / "0.png"))
    assert ran.code == 1
    assert "error[A821]" in ran.err and "it carries no model card" in ran.err
    alone = tmp_path / "alone.arch"
    alone.write_text((folder / "net.arch").read_text())
    ran = run("predict", str(alone), str(folder / "0.png"))
    assert "its weights are not beside it" in ran.err
    assert "its ending is not one of .pt," in run("predict", "x.py", "y.png").err


def test_an_array_has_to_be_what_the_network_takes(tmp_path: Path) -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    np.save(tmp_path / "a.npy", image)
    assert torch.equal(read_example(tmp_path / "a.npy", (1, 8, 8))[0], torch.from_numpy(image))
    for wrong in (image.astype(np.float32), image[:7]):
        np.save(tmp_path / "b.npy", wrong)
        with pytest.raises(BadPicture, match=r"and the network takes bytes \(uint8\) of 1x8x8"):
            read_example(tmp_path / "b.npy", (1, 8, 8))


def test_a_picture_is_read_as_those_of_a_folder_are(tmp_path: Path) -> None:
    """The middle, upright, in as many channels; a square of three as ``Decoder`` has it."""
    pixels = np.zeros((6, 12, 3), np.uint8)
    pixels[:, 3:9] = (10, 20, 30)
    Image.fromarray(pixels).save(tmp_path / "p.png")
    square = read_example(tmp_path / "p.png", (3, 6, 6))
    assert square.shape == (3, 6, 6) and square.flatten(1).unique(dim=1).tolist() == [
        [10],
        [20],
        [30],
    ]
    wide = read_example(tmp_path / "p.png", (3, 6, 12))
    assert torch.equal(wide, torch.from_numpy(pixels).permute(2, 0, 1))
    assert read_example(tmp_path / "p.png", (1, 3, 6)).shape == (1, 3, 6)
    with pytest.raises(BadPicture, match=r"it has 3 channels, and not 4"):
        read_example(tmp_path / "p.png", (4, 6, 6))


def test_evaluate(folder: Path, run: Any, tmp_path: Path) -> None:
    """The accuracy and the loss are those of the training's own test."""
    wanted = json.loads((folder / "net.json").read_text())["test"]
    picture = tmp_path / "confusion.svg"
    call = ("evaluate", str(folder / "net.pt"), "--data", "digits", "--device", "cpu")
    ran = run(*call, "-o", str(picture))
    assert (ran.code, ran.err) == (0, "")
    assert (
        f"accuracy {wanted[0]:.2%}, loss {wanted[1]:.4f}; the largest class has 10.31%" in ran.out
    )
    assert picture.read_text().count("<polygon") + picture.read_text().count("<path") >= 10
    found = json.loads(run(*call, "--json").out)
    assert found["accuracy"] == pytest.approx(wanted[0])
    assert sum(map(sum, found["confusion"])) == 359
    assert [row["images"] for row in found["classes"].values()] == list(
        map(sum, found["confusion"])
    )
    other = json.loads(run(*call, "--json", "--part", "train").out)
    assert sum(map(sum, other["confusion"])) == 1079


@pytest.mark.parametrize(
    ("trained", "data", "part", "cut"),
    [
        (WHOLE, "digits", "test", False),
        (WHOLE, "digits(validation = 0.1)", "test", False),
        (WHOLE, "digits(seed = 1)", "test", True),
        (LESS, "digits", "validation", True),
        (LESS, "digits", "train", False),
        (f"{WHOLE}, fold 2 of 4", "digits", "validation", True),
        (f"{WHOLE}, fold 2 of 4", "digits", "test", False),
        (WHOLE, 'image_folder("pets")', "test", False),
        ("digits", "digits", "test", True),
        ("the pets of last year", "digits", "test", True),
        ("", "digits", "test", True),
    ],
)
def test_a_part_that_the_training_drew_otherwise(
    trained: str, data: str, part: str, cut: bool, folder: Path
) -> None:
    known = card_in(folder / "net.pt")
    assert known is not None
    found = cut_otherwise(read_data(data), part, replace(known, data=trained), REGISTRY)
    assert found is cut


def test_images_that_it_may_have_learned_from_are_told(folder: Path, run: Any) -> None:
    ran = run("evaluate", str(folder / "net.pt"), "--data", "digits(seed = 1)")
    assert ran.code == 0
    assert ran.err == (
        "note: the part `test` is drawn at random here, and the network was trained on "
        "digits(validation = 0.2, test = 0.2, seed = 0): it may have learned from some of these "
        "images\n"
    )


def test_evaluate_refuses_other_data(folder: Path, run: Any, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(10):
            shade = np.full((8, 8), 20 * number, np.uint8)
            Image.fromarray(shade).save(tmp_path / "pets" / name / f"{number}.png")
    data = f'image_folder("{tmp_path}/pets", size = 8)'
    ran = run("evaluate", str(folder / "net.pt"), "--data", data)
    assert ran.code == 1
    assert "error[A805]" in ran.err
    assert "it takes 1x8x8, and the images are 3x8x8" in ran.err
    wide = {"images": np.zeros((40, 1, 8, 8), np.uint16), "labels": np.arange(40) % 10}
    np.savez(tmp_path / "wide.npz", **wide)
    ran = run("evaluate", str(folder), "--data", f'arrays("{tmp_path / "wide.npz"}")')
    assert ran.code == 1 and "it takes uint8, and the images are uint16" in ran.err
    none = run("evaluate", str(folder / "net.pt"), "--data", "digits(test = 0)")
    assert "error[A801]" in none.err and "--part validation" in none.err


def test_classes_are_found_by_their_names(folder: Path, run: Any, monkeypatch: Any) -> None:
    """Data whose classes stand in another order is counted under their names."""
    plain = load(Digits(), Path())
    turn = torch.tensor([9, 0, 1, 2, 3, 4, 5, 6, 7, 8])  # the place of each class in the data
    names = [str((i + 1) % 10) for i in range(10)]

    def turned(data: Digits, place: Path) -> Splits:
        parts = [Images(p.images, turn[p.labels]) for p in (plain.train, plain.validation)]
        test = Images(plain.test.images, turn[plain.test.labels])
        return Splits(*parts, lambda: test, 10, names)

    call = ("evaluate", str(folder / "net.pt"), "--data", "digits", "--device", "cpu", "--json")
    before = json.loads(run(*call).out)
    monkeypatch.setattr(Digits, "load", turned)
    assert json.loads(run(*call).out)["confusion"] == before["confusion"]
    names[0] = "dog"
    ran = run(*call)
    assert "the data has the class `dog`, which it was not trained on" in ran.err


def test_metrics() -> None:
    """By hand: three images of `a`, of which one is taken for `b`; one of `b`; none of `c`."""
    sure = torch.tensor([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0], [0.3, 0.7, 0.0]])
    found = of_outputs((sure + 1e-9).log(), torch.tensor([0, 0, 0, 1]), 3)
    assert found.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert found.accuracy == 0.75
    assert found.balanced == pytest.approx((2 / 3 + 1) / 2)
    assert found.precision[:2].tolist() == [1.0, 0.5] and found.precision[2].isnan()
    assert found.f1[:2].tolist() == pytest.approx([0.8, 2 / 3])
    assert found.confidence == pytest.approx(0.75)
    # Each image is in a bin of its own: |1 - .9|, |1 - .6|, |0 - .8|, |1 - .7|.
    assert found.calibration == pytest.approx((0.1 + 0.4 + 0.8 + 0.3) / 4)
    assert found.loss == pytest.approx(-np.log([0.9, 0.6, 0.2, 0.7]).mean(), abs=1e-6)


def test_many_classes_are_not_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = torch.eye(20)[torch.arange(40) % 20] * 9
    outputs[0] = torch.eye(20)[7] * 9
    found = of_outputs(outputs, torch.arange(40) % 20, 20)
    _say(found, "x", 0.05, tuple(f"c{i}" for i in range(20)))
    assert re.search(r"said most often instead +images\nc0 +c7 +1\n\Z", capsys.readouterr().out)
