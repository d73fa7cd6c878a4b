"""Networks for several labels, values and masks on the command line: trained, measured, used."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

HEAD = "arch net(classes = 2)\ninput 1x8x8\nconv(4, 3, stride = 2) -> relu -> linear(classes)\n"
DENSE = "arch net(classes = 2)\ninput 1x8x8\nconv(4, 3) -> relu -> conv(classes, 1)\n"
RANDOM = np.random.default_rng(1)
PIXELS = RANDOM.integers(0, 256, (40, 1, 8, 8), np.uint8)
LABELS = {
    "multilabel": np.arange(80).reshape(40, 2) % 3 % 2,
    "regression": PIXELS.mean((1, 2, 3)) / 255,
    "segmentation": (PIXELS[:, 0] > 99).astype(np.uint8),
}
TRAINED = {
    "multilabel": (HEAD, r"validation  map \d+\.\d\d%, loss \d\.\d{4}, accuracy \d+\.\d\d%\n"),
    "regression": (HEAD, r"validation  mae 0\.\d+, loss \d\.\d{4}, rmse 0\.\d+\n"),
    "segmentation": (DENSE, r"validation  iou \d+\.\d\d%, loss \d\.\d{4}\n"),
}
KEYS = {
    "multilabel": {"accuracy", "f1", "auroc", "map", "labels"},
    "regression": {"mae", "rmse", "r2", "values"},
    "segmentation": {"iou", "pixel_accuracy", "classes", "confusion"},
}
SHOWN = {
    "multilabel": r"images of 1x8x8 with 2 labels\n(.*\n)+label +train +validation +test\n0 +\d+",
    "regression": r"images of 1x8x8 with 1 value\n(.*\n)+value +mean +least +most\n0 +0\.\d+",
    "segmentation": r"in 2 classes of pixels\n(.*\n)+class +train +validation +test\n0 +3\d\.",
}


@pytest.mark.parametrize("task", TRAINED)
def test_from_arrays_to_what_they_say(
    task: str, run: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    spec, words = TRAINED[task]
    Path("net.arch").write_text(spec)
    np.savez("set.npz", images=PIXELS, labels=LABELS[task])
    data = f'arrays("set.npz", validation = 0.25, test = 0.25, task = {task})'
    assert re.search(SHOWN[task], run("data", data).out)
    recipe = "epochs = 2, batch = 10" + (", metrics = rmse" if task == "regression" else "")
    ran = run("train", "net.arch", "--data", data, "--recipe", recipe, "--device", "cpu",
              "-o", "kept")  # fmt: skip
    assert ran.code == 0, ran.err
    assert re.search(words, ran.out), ran.out
    score = words.split()[1]
    assert re.search(rf"^epoch     train loss     loss {score:>9} ", ran.out, re.MULTILINE) or (
        f"loss {score:>8}" in ran.out
    )
    found = json.loads(Path("kept/net.json").read_text())
    assert found["scores"][score] == found["epochs"][-1]["scores"][score]
    assert "largest_class" not in found and score in found["test"]

    ran = run("evaluate", "kept", "--data", data, "--json", "--device", "cpu")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert KEYS[task] <= set(told)
    assert told[score] == pytest.approx(found["test"][score], rel=1e-5)
    if task == "multilabel":  # two labels, and data of one value
        np.savez("values.npz", images=PIXELS, labels=LABELS["regression"])
        ran = run("evaluate", "kept", "--data", 'arrays("values.npz", task = regression)')
        assert "it is for multilabel, and the data is for regression" in ran.err
    shown = run("evaluate", "kept", "--data", data, "--device", "cpu").out
    assert "10 images of its part `test`" in shown

    Image.fromarray(PIXELS[0, 0]).save("one.png")
    files = ("one.png", "-o", "masks") if task == "segmentation" else ("one.png",)
    ran = run("predict", "kept", *files, "--json", "--device", "cpu")
    assert ran.code == 0, ran.err
    (said,) = json.loads(ran.out)
    if task == "segmentation":
        mask = np.asarray(Image.open("masks/one.png"))
        assert mask.shape == (8, 8) and mask.max() <= 1
        assert said["classes"].get("1", 0) == pytest.approx(mask.mean())
        Path("more").mkdir()
        Image.open("one.png").resize((24, 16), Image.Resampling.NEAREST).save("more/wide.png")
        ran = run("predict", "kept", "more", "-o", "masks", "--device", "cpu")
        assert ran.code == 0 and ran.out.split()[:3] == ["file", "pixels", "more/wide.png"]
        wide = np.asarray(Image.open("masks/wide.png"))
        assert wide.shape == (16, 24) and (wide[:, :4] == 255).all() and (wide[:, 20:] == 255).all()
        assert wide[:, 4:20].max() <= 1
        ran = run("predict", "kept", "one.png", "-o", ".", "--device", "cpu")
        assert ran.code == 1 and "one.png" in ran.err, "it replaces no file that it reads"
    else:
        assert list(said[{"multilabel": "labels", "regression": "values"}[task]]) in (
            ["0"], ["0", "1"], ["1", "0"],
        )  # fmt: skip
        assert run("predict", "kept", "one.png", "-o", "masks").code == 2


def test_data_of_another_task(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(HEAD)
    np.savez("set.npz", images=PIXELS, labels=LABELS["regression"])
    data = 'arrays("set.npz", task = regression)'
    ran = run("train", "net.arch", "--data", data, "--recipe", "metrics = f1, epochs = 1")
    assert ran.code == 1 and "`f1` is not for regression" in ran.err
    ran = run("train", "net.arch", "--data", 'arrays("set.npz")')
    assert ran.code == 1 and "task = regression is for such labels" in ran.err
    ran = run("predict", str(tmp_path), "one.png")
    assert ran.code == 1 and "the training" not in ran.err and "A821" in ran.err
