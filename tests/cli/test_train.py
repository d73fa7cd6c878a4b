"""``archdsl train``: what it prints, what it leaves, and what it refuses before it trains."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import archdsl

pytestmark = pytest.mark.quiet

NET = """## A small network for digits.
arch small(width = 8 in 4..16, classes = 10)
input 1x8x8
conv(width, 3, stride = 2) -> bn -> relu -> conv(width, 3) -> bn -> relu
global_avgpool -> linear(classes)
"""
QUICK = ("--data", "digits", "--epochs", "2", "--device", "cpu")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder with the spec, and one thread."""
    monkeypatch.chdir(tmp_path)
    Path("small.arch").write_text(NET)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def masked(text: str) -> str:
    """Figures that depend on the machine: losses, accuracies, seconds."""
    for digits in (r"(?<=\d)\.\d{4}\b", r"\d+\.\d\d%", r"[\d,.]+(?= images a second)",
                   r"\d+\.\d(?=\n)", r"\d+ s(?=,)"):  # fmt: skip
        text = re.sub(digits, lambda match: re.sub(r"\d", "#", match[0]), text)
    return re.sub(r"#[#,.]* images a second", "# images a second", text)


Golden = Callable[[str, str], None]


def test_what_it_prints(run: Any, golden: Golden) -> None:
    ran = run(
        "train", "small.arch", *QUICK, "--set", "width=6", "--recipe", "lr = 0.2", "-o", "out"
    )
    assert (ran.code, ran.err) == (0, "")
    golden("train.txt", f"$ archdsl train small.arch ...\n{masked(ran.out)}")
    assert re.search(r"^   2/2 .*%   0\.00192", ran.out, re.MULTILINE)


def test_what_it_prints_when_quiet(run: Any) -> None:
    ran = run("train", "small.arch", *QUICK, "--quiet")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[0] for line in ran.out.splitlines()] == ["validation", "test", "time"]


def test_json(run: Any) -> None:
    ran = run("train", "small.arch", *QUICK, "--json", "--seed", "3", "--set", "width=6")
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    arch = archdsl.read("small.arch").with_knobs(width=6)
    expected = {
        "spec": "small.arch",
        "knobs": {"width": "6", "classes": "10"},
        "input": "1x8x8",
        "params": arch.params,
        "macs": arch.macs,
        "hash": arch.hash,
        "seed": 3,
        "device": "cpu",
        "processes": 1,
        "peak_memory": None,
    }
    assert {k: found[k] for k in expected} == expected
    assert found["data"]["set"] == "digits(validation = 0.2, test = 0.2, seed = 0)"
    assert found["recipe"]["epochs"] == "2"
    assert [epoch["epoch"] for epoch in found["epochs"]] == [1, 2]
    assert found["epochs"][-1]["accuracy"] == found["accuracy"]
    assert set(found["test"]) == {"accuracy", "loss"}
    again = json.loads(run("train", "small.arch", *QUICK, "--json", "--seed", "3",
                           "--set", "width=6").out)  # fmt: skip
    assert (again["loss"], again["test"]) == (found["loss"], found["test"])


def test_a_folder_is_what_compile_goes_on_with(run: Any) -> None:
    """The spec has its knobs decided; weights and figures stand beside it."""
    assert run("train", "small.arch", *QUICK, "--set", "width=6", "-o", "out").code == 0
    assert sorted(p.name for p in Path("out").iterdir()) == [
        "small.arch",
        "small.json",
        "small.pt",
    ]
    arch = archdsl.load("out/small.arch")
    assert arch.knobs == {"width": 6, "classes": 10}
    assert arch.params == archdsl.load("small.arch", width=6).params
    module = arch.build()
    module.load_state_dict(torch.load("out/small.pt", weights_only=True))
    assert json.loads(Path("out/small.json").read_text())["seed"] == 0


def test_what_the_spec_says_already_is_not_repeated(run: Any) -> None:
    ran = run("train", "small.arch(width = 6)", *QUICK, "-o", "weights.pt")
    last = "next: archdsl compile 'small.arch(width = 6)' --input 1x8x8 --weights weights.pt"
    assert ran.out.splitlines()[-1] == last


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_weights_alone(run: Any, name: str) -> None:
    ran = run("train", "small.arch", *QUICK, "--set", "width=6", "-o", name)
    assert ran.out.splitlines()[-2:] == [
        f"{name}: the weights",
        f"next: archdsl compile small.arch --set width=6 --input 1x8x8 --weights {name}",
    ]
    compiled = run("compile", "small.arch", "--set", "width=6", "--input", "1x8x8",
                   "--weights", name, "-o", "small.py")  # fmt: skip
    assert compiled.code == 0, compiled.err


def test_a_built_in_spec_follows_the_data(run: Any) -> None:
    """Its input and its classes are those of the digits, not of the paper."""
    ran = run("train", "resnet_cifar", *QUICK[:2], "--epochs", "1", "--set", "depth=8",
              "--set", "width=4", "--json", "--device", "cpu")  # fmt: skip
    found = json.loads(ran.out)
    assert found["input"] == "1x8x8" and found["knobs"]["classes"] == "10"


def test_classes_are_named_and_counted(run: Any) -> None:
    """And what was left out; the share of the largest class stands beside each accuracy."""
    from PIL import Image

    for name, count in (("cat", 24), ("dog\x1b", 8)):
        Path("pets", name).mkdir(parents=True)
        for number in range(count):
            Image.new("L", (8, 8), 5 * number).save(Path("pets", name, f"{number}.png"))
    Path("pets", "cat", "notes.txt").write_text("")
    data = 'image_folder("pets", size = 8, validation = 0.25, test = 0.25)'
    call = ("train", "small.arch", "--data", data, "--epochs", "1", "--device", "cpu",
            "--recipe", "batch = 8")  # fmt: skip
    ran = run(*call)
    assert (ran.code, ran.err) == (0, "")
    assert "classes: cat 12, dog? 4\n1 file is left out because of the ending: .txt 1\n" in ran.out
    for part in ("validation", "test"):
        assert re.search(rf"^{part} .*; the largest class has 75.00%$", ran.out, re.MULTILINE)
    found = json.loads(run(*call, "--json").out)
    assert found["data"]["classes"] == {"cat": 12, "dog\x1b": 4}
    assert found["data"]["notes"] == ["1 file is left out because of the ending: .txt 1"]
    assert found["largest_class"] == {"validation": 0.75, "test": 0.75}


# --------------------------------------------------------------------------- refusals

REFUSALS = {
    "no_folder": ("--data", 'image_folder(path = "nowhere")'),
    "no_data": ("--data", "digit"),
    "classes": ("--data", "digits", "--set", "classes=9"),
    "recipe": ("--data", "digits", "--recipe", "lr = fast, epoch = 3"),
    "device": ("--data", "digits", "--device", "quantum"),
    "output": ("--data", "digits", "--device", "cpu", "-o", "weights.onnx"),
    "output_folder": ("--data", "digits", "--device", "cpu", "-o", "none/weights.pt"),
    "checkpoint": ("--data", "digits", "--device", "cpu", "--checkpoint", "none/kept.pt"),
    "no_checkpoint": ("--data", "digits", "--resume"),
    "split": ("--data", "digits(validation = 0.8, test = 0.2)", "--device", "cpu"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_it_refuses(
    run: Any, golden: Golden, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is trained."""

    def refuse(*given: Any, **named: Any) -> None:
        raise AssertionError("it trains")

    monkeypatch.setattr("archdsl.training.loop.train_candidate", refuse)
    ran = run("train", "small.arch", *REFUSALS[name])
    assert (ran.code, ran.out) == (2 if name == "no_checkpoint" else 1, "")
    golden(f"train_{name}.txt", f"$ archdsl train small.arch ...\n---\n{ran.err}")


def test_a_training_that_diverges(run: Any) -> None:
    ran = run("train", "small.arch", *QUICK, "--recipe", "lr = 1e30")
    assert ran.code == 3
    assert ran.err.splitlines() == [
        "error[A809]: the loss is not finite in epoch 1",
        "  = help: lower `lr` (it is 1e+30), or add `warmup` or `clip`",
    ]


def test_a_checkpoint_in_the_way(run: Any) -> None:
    kept = ("--checkpoint", "kept.pt")
    first = run("train", "small.arch", *QUICK, *kept)
    again = run("train", "small.arch", *QUICK, *kept)
    assert (first.code, again.code) == (0, 1)
    assert again.err.startswith("error[A808]: the checkpoint `kept.pt` is there already")
    resumed = run("train", "small.arch", *QUICK, *kept, "--resume")
    assert resumed.code == 0 and "going on from kept.pt" in resumed.out
    assert resumed.out.splitlines()[-3:-1] == first.out.splitlines()[-3:-1]
    other = run("train", "small.arch", *QUICK, *kept, "--resume", "--seed", "1")
    assert other.code == 1 and "`seed` was 0, and is 1 now" in other.err


# -------------------------------------------------------------------------- breaking off


def started(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "archdsl", "train", "small.arch", "--data", "digits",
               "--epochs", "40", "--device", "cpu", *options]  # fmt: skip
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def stopped(process: subprocess.Popen[str], behind: str) -> tuple[int, str]:
    """Ctrl-C behind a line that begins so: the exit code, and what was said."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.lstrip().startswith(behind):
            break
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    return process.returncode, " ".join(said.split())


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(run: Any) -> None:
    """And what was broken off ends as what was not."""
    code, said = stopped(started("--checkpoint", "kept.pt"), "2/40")
    assert (code, said) == (
        130,
        "kept.pt keeps all finished epochs: the same call with --resume goes on interrupted",
    )
    call = (
        "train",
        "small.arch",
        "--data",
        "digits",
        "--epochs",
        "40",
        "--device",
        "cpu",
        "--json",
    )
    resumed = run(*call, "--checkpoint", "kept.pt", "--resume")
    whole = run(*call)
    found, expected = json.loads(resumed.out), json.loads(whole.out)
    for name in ("accuracy", "loss", "test", "hash"):
        assert found[name] == expected[name]
    for one, two in zip(found["epochs"], expected["epochs"], strict=True):
        assert {**one, "seconds": 0} == {**two, "seconds": 0}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "nothing is kept: with --checkpoint FILE, it could go on after a break"),
        (("--checkpoint", "kept.pt"), "nothing is kept yet: no epoch was finished"),
    ],
)
def test_ctrl_c_where_nothing_is_kept(
    run: Any, options: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*given: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archdsl.training.loop.train_candidate", interrupt)
    ran = run("train", "small.arch", *QUICK, *options)
    assert (ran.code, ran.err.split("\n", 1)[0]) == (130, words)


def test_a_spec_is_not_replaced_by_its_frozen_self(run: Any) -> None:
    ran = run("train", "small.arch", *QUICK, "-o", ".")
    assert ran.code == 1 and ran.out == ""
    assert "error[A008]: `small.arch` cannot be written: the command reads it" in ran.err
    assert Path("small.arch").read_text() == NET and not Path("small.pt").exists()
