"""``archdsl import``: where models come from, what is asked first, what is never half written."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

import archdsl
from archdsl.cli.main import main
from archdsl.importing import process
from archdsl.importing.process import answer, ask
from archdsl.importing.sources import load_model, read_name

MODEL = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        print("noise")
        self.conv = nn.Conv2d(3, width, 3, padding=1)
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))
"""


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["import", *arguments])
    return int(end.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_model_of_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ("--call", "Net(width = 4)", "--input", "3x16x16", "--allow-python")
    assert run("my_model.py:Net", *call, "-o", "small.arch") == 0
    text = (folder / "small.arch").read_text()
    assert "arch small(classes = 10)" in text
    assert "conv(4, 3) -> relu -> global_avgpool -> linear(classes)" in text
    assert archdsl.read("small.arch").with_knobs().params == 162
    assert "small.arch: 3 lines, 162 parameters, 27.69K MACs at 3x16x16" in capsys.readouterr().out
    (folder / "small.arch").write_text(text.replace("relu", "silu"))
    assert run("my_model.py:Net", *call, "-o", "small.arch") == 1  # it was edited
    assert "changed after archdsl wrote it" in capsys.readouterr().err


def test_a_spec_without_the_file_of_its_layers_asks_for_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "my_model.py").write_text(MODEL.replace("torch.relu", "torch.sin"))
    call = ("--call", "Net(width = 4)", "--input", "3x16x16", "--allow-python", "--partial")
    assert run("my_model.py:Net", *call, "-o", "wave.arch") == 0
    named = "# Some of its layers are in a file: --allow-python wave_layers.py\n"
    assert (folder / "wave.arch").read_text().startswith(named)
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.read("wave.arch")
    wanted = "if it is a layer of `wave_layers.py`, say `--allow-python wave_layers.py`"
    assert caught.value.diagnostics[0].helps[0] == wanted


def test_a_model_that_depends_on_the_size_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_size = MODEL.replace(".mean((2, 3))", ".mean((2, 3)) * (x.shape[2] / 8)")
    (folder / "my_model.py").write_text(by_size)
    call = ("--call", "Net(width = 4)", "--input", "3x8x8", "--allow-python")
    assert run("my_model.py:Net", *call, "-o", "small.arch") == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "not equal: at 3x16x16 and 3x9x40 the model is another network than the spec"


def test_several_models_want_names_of_their_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = ("timm:resnet18", "torchvision.models:resnet18")
    assert run(*two) == 2
    assert "two of the models have one name" in capsys.readouterr().err
    assert run("timm:resnet18", "timm:resnet34", "--knobs") == 2
    assert "several models take no --call, --knobs or --partial" in capsys.readouterr().err
    assert run("timm:resnet18", "my_model.py:Net") == 1
    assert "error[A660]" in capsys.readouterr().err


def test_what_other_commands_take_otherwise(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("my_model.py:Net", "--allow-python", "my_model.py") == 2
    assert "--allow-python takes no file here: leave out my_model.py" in capsys.readouterr().err
    assert run("my_model.py:Net", "--input", "8", "--input", "4") == 2
    assert 'by the names in `forward`: "x1: 8, x2: 4"' in capsys.readouterr().err


def test_python_is_run_with_permission_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("my_model.py:Net", "-o", "small.arch") == 1
    assert "error[A660]" in capsys.readouterr().err
    assert run("timm:resnet18", "--call", "print(1)") == 1
    assert "A660" in capsys.readouterr().err
    assert list(folder.iterdir()) == [folder / "my_model.py"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("resnet50", "it has no `:`"),
        ("my_model.py:", "nothing stands before or after its `:`"),
        ("resnet50.pth", "such a file holds weights or a pickled module, not a program"),
        ("nowhere.py:Net", "there is no file `nowhere.py`"),
        ("my_model.py:Nett", "it defines no `Nett`"),
        ("my_model.py:Net", "it needs `width`"),
        ("my_model.py:torch", "it is of type `module`, not a module of PyTorch"),
        ("torchvision.models:resnet51", "it defines no `resnet51`"),
        ("no_such_package:Net", "there is no package `no_such_package`"),
        ("timm:resnet51", "timm has no model of this name"),
    ],
)
def test_names_that_are_no_model(folder: Path, source: str, reason: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        load_model(read_name(source), None)
    assert [d.code for d in caught.value.diagnostics] == ["A651"]
    assert reason in caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("call", "code", "reason"),
    [
        ("Net(", "A651", "`Net(` is not an expression of Python: '(' was never closed"),
        ("Nett(4)", "A651", "names `Nett`, which it does not define"),
        ("Net(widht = 4)", "A651", "does not fit: Net.__init__() got an unexpected keyword"),
    ],
)
def test_calls_that_make_nothing(folder: Path, call: str, code: str, reason: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        load_model(read_name("my_model.py:Net"), call)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert reason in caught.value.diagnostics[0].message


def test_nothing_is_downloaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, getattr(socket.socket, name))
    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, getattr(socket, name))
    (folder / "far.py").write_text(
        "import urllib.request\n"
        "def net():\n    urllib.request.urlopen('http://example.org/weights.pt')\n"
    )
    found = answer(question("far.py", "net"))
    assert [d["code"] for d in found["diagnostics"]] == ["A658"]


def test_a_model_that_fails_is_shown_with_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "no_network", lambda: None)
    (folder / "bad.py").write_text("def net():\n    return 1 / 0\n")
    found = answer(question("bad.py", "net"))
    assert [(d["code"], d["fields"]["reason"]) for d in found["diagnostics"]] == [
        ("A652", "ZeroDivisionError: division by zero")
    ]
    assert found["diagnostics"][0]["place"][1] == 2
    assert json.dumps(found)


def test_a_model_that_hangs_is_ended(folder: Path) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        ask(question("my_model.py", "Net"), 0.1)
    assert caught.value.diagnostics[0].message == "the model was not read within 0.1 seconds"


def question(module: str, attribute: str) -> dict[str, Any]:
    return {
        "module": module,
        "attribute": attribute,
        "title": "net",
        "call": None,
        "input": {"": [[3, 16, 16], None]},
        "knobs": False,
        "partial": False,
    }


def test_a_fault_of_ours_is_none_of_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "no_network", lambda: None)
    monkeypatch.setattr("archdsl.importing.record.resolve_name", None)
    asked = {**question("my_model.py", "Net"), "call": "Net(4)"}
    found = answer(asked)
    assert found["fault"] == "TypeError: 'NoneType' object is not callable"
    assert "record.py" in found["trace"]
    # the process, and what the command makes of what it says
    python = folder / "python"
    python.write_text('#!/bin/sh\necho \'{"fault": "F", "trace": "T"}\' > "$4"\n')
    python.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(python))
    call = ("--call", "Net(4)", "--input", "3x16x16", "--allow-python", "-o", "net.arch")
    assert run("my_model.py:Net", *call) == 70
    assert capsys.readouterr().err == (
        "internal error: InternalFault: F\n"
        "This is a bug of archdsl. ARCHDSL_DEBUG=1 shows where; please report it.\n"
    )
    assert not (folder / "net.arch").exists()


def test_an_operation_that_fails_is_of_the_model(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "no_network", lambda: None)
    text = MODEL.replace("torch.relu(self.conv(x))", "torch.cat([self.conv(x), x[:, :, 1:]])")
    (folder / "bad.py").write_text(text)
    (found,) = answer({**question("bad.py", "Net"), "call": "Net(4)"})["diagnostics"]
    assert found["code"] == "A652" and found["place"][1] == 12
