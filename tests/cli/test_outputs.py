"""What a command writes never takes the place of a text that somebody wrote."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

import archdsl
from archdsl.graph.exchange import from_json
from archdsl.outputs import KINDS, is_unchanged, sealed, unsealed

SPEC = "arch z(w = 4 in 1..8)\ninput 3x8x8\nconv(w, 3)\n"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "z.arch"
    path.write_text(SPEC)
    return path


def test_a_drawing_replaces_no_spec_through_a_link(spec: Path, run: Any) -> None:
    link = spec.with_name("l.svg")
    link.symlink_to(spec)
    ran = run("draw", str(spec), "-o", str(link))
    assert ran.code == 1 and "A008" in ran.err and "the command reads it" in ran.err
    assert spec.read_text() == SPEC
    spec.with_name("other.arch").write_text(SPEC)
    link.unlink()
    link.symlink_to(spec.with_name("other.arch"))
    ran = run("draw", str(spec), "-o", str(link), "--force")
    assert ran.code == 1 and "it is a link to other.arch" in ran.err


def test_a_link_to_a_file_of_its_kind_is_followed(spec: Path, run: Any) -> None:
    link, picture = spec.with_name("latest.svg"), spec.with_name("z.svg")
    link.symlink_to(picture)
    assert run("draw", str(spec), "-o", str(link)).code == 0
    assert link.is_symlink() and picture.read_text().startswith("<svg")


@pytest.mark.parametrize("name", ["z.arch", "other.ARCH", "q.search", "train.py"])
def test_a_graph_takes_the_place_of_no_source(name: str, spec: Path, run: Any) -> None:
    ran = run("graph", str(spec), "-o", str(spec.with_name(name)))
    assert ran.code == 2 and "give another ending" in ran.err
    assert [p.read_text() for p in spec.parent.iterdir()] == [SPEC]


def test_a_dash_is_standard_output_and_never_a_file(
    spec: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(spec.parent)
    small = Path(archdsl.__file__).parents[1] / "docs" / "examples" / "small.study"
    for command in ("draw", "compile"):
        assert run(command, "z.arch", "-o", "-").out
    assert run("graph", "z.arch", "-o", "-").out == run("graph", "z.arch").out
    for call in ("best STUDY", "report STUDY", "train resnet18 --data digits"):
        ran = run(*call.replace("STUDY", str(small)).split(), "-o", "-")
        assert ran.code == 1 and "this command writes files, and `-` is none" in ran.err
    for call in ("fit z.arch --macs 1K --by w", "compare z.arch z.arch", "diff z.arch z.arch"):
        assert run(*call.split(), "-o", "-").code in (1, 2)
    ran = run(*"train resnet18 --data digits --checkpoint -".split())
    assert ran.code == 1 and "= help: give another file with --checkpoint" in ran.err
    assert list(Path().iterdir()) == [Path("z.arch")]
    Path("-").mkdir()
    assert run("compile", "z.arch", "-o", "-/z.py").code == 0 and Path("-/z.py").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_left_as_it_is(spec: Path, run: Any) -> None:
    for ending, command in (("py", "compile"), ("svg", "draw"), ("arch", "compile")):
        pipe = spec.with_name(f"pipe.{ending}")
        os.mkfifo(pipe)
        ran = run(command, str(spec), "-o", str(pipe))
        assert ran.code == 1 and "it is a pipe or a device, not a file" in ran.err
        assert pipe.is_fifo()


def test_a_link_to_what_is_not_there_yet_is_followed(spec: Path, run: Any) -> None:
    link = spec.with_name("link.py")
    link.symlink_to("real.py")
    assert run("compile", str(spec), "-o", str(link)).code == 0
    assert link.is_symlink() and "class Z" in spec.with_name("real.py").read_text()
    link.unlink()
    link.symlink_to("no_folder/real.py")
    ran = run("compile", str(spec), "-o", str(link))
    assert ran.code == 1 and "no such file or directory" in ran.err


def test_source_is_printed_for_a_dash(spec: Path, run: Any, tmp_path: Path) -> None:
    ran = run("compile", str(spec), "--set", "w=3", "-o", "-")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == archdsl.read(spec).with_knobs(w=3).source()
    refused = run("compile", str(spec), "-o", "-", "--device", "cpu")
    assert refused.code == 2 and "prints only the source" in refused.err
    assert not Path("-").exists()


def test_a_mistake_is_told_where_assertions_are_off() -> None:
    command = [sys.executable, "-O", "-m", "archdsl", "diff", "resnet18(a=1) -> g(b=2)", "resnet18"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "error[A902]" in ran.stderr


# ------------------------------------------------------------------ every command that writes

HAND = "a day's work\n"
WRITERS = [
    ("compile", ".py"),
    ("compile", ".arch"),
    ("compile", ".pt2"),
    ("compile", ".onnx"),
    ("draw", ".svg"),
    ("draw", ".html"),
    ("draw", ".png"),
    ("draw", ".pdf"),
    ("draw", ".dot"),
    ("graph", ".txt"),
    ("graph --json", ".json"),
    ("graph --dot", ".dot"),
    ("diff z.arch", ".svg"),
    ("compare --chart contours --over w,v", ".svg"),
    ("train --data digits(validation=0.9,test=0.05) --epochs 1 --quiet", ".pt"),
    ("train --data digits(validation=0.9,test=0.05) --epochs 1 --quiet", ".safetensors"),
]
NET = """arch z(w = 4 in {2, 4}, v = 1 in {1, 2}, classes = 10)
input 1x8x8
conv(w * v, 3) -> global_avgpool -> linear(classes)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("z.arch").write_text(NET)
    return tmp_path


@pytest.mark.parametrize(("command", "ending"), WRITERS)
def test_an_output_is_replaced_as_long_as_nobody_edits_it(
    command: str, ending: str, here: Path, run: Any
) -> None:
    name, *options = command.split()
    out = Path(f"out{ending}")
    call = (name, "z.arch", *options, "-o", str(out))
    first = run(*call)
    assert (first.code, first.err) == (0, "")
    assert is_unchanged(out.read_bytes()) is True
    again = run(*call)
    assert (again.code, again.err) == (0, "")
    data = out.read_bytes()
    edited = data[:40] + bytes([data[40] ^ 1]) + data[41:]
    for found, reason in ((edited, "was changed after"), (HAND.encode(), "did not write it")):
        out.write_bytes(found)
        ran = run(*call)
        assert (ran.code, ran.out) == (1, "") and reason in ran.err and "--force" in ran.err
        assert out.read_bytes() == found
    assert run(*call, "--force").code == 0
    assert is_unchanged(out.read_bytes()) is True


INPUTS = [
    ("compile z.arch", "z.arch"),
    ("compile z.arch --weights w.pt -o w.py", "w.pt"),
    ("compile z.arch --allow-python l.py", "l.py"),
    ("draw z.arch --allow-python l.py", "l.svg"),
    ("train z.arch --data digits --checkpoint c.pt", "c.pt"),
]


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder; what Python keeps of an import is a folder of its own."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(("command", "output"), INPUTS)
def test_an_output_is_never_an_input(command: str, output: str, here: Path, run: Any) -> None:
    Path("l.py").write_text("import torch  # layers\n")
    module = archdsl.load("z.arch").build()
    torch.save(module.state_dict(), "w.pt")
    Path("c.pt").write_bytes(b"")
    Path("l.svg").symlink_to("l.py") if output == "l.svg" else None
    before = contents(here)
    out = () if "-o" in command else ("-o", output)
    ran = run(*command.split(), *out, "--force")
    assert ran.code == 1 and "A008" in ran.err
    assert "reads it" in ran.err or "it is a link" in ran.err
    assert contents(here) == before


def test_weights_and_a_checkpoint_are_two_files(here: Path, run: Any) -> None:
    call = "train z.arch --data digits --checkpoint c.pt -o c.pt".split()
    ran = run(*call)
    assert ran.code == 2 and "the same file" in ran.err


def test_a_folder_of_a_training_is_written_again(here: Path, run: Any) -> None:
    call = "train z.arch --data digits(validation=0.9,test=0.05) --epochs 1 -o got".split()
    assert run(*call).code == 0 and run(*call).code == 0
    figures = Path("got/z.json")
    kept = json.loads(figures.read_text())
    assert kept["params"] == archdsl.load("got/z.arch").params
    figures.write_text(json.dumps(kept))
    ran = run(*call)
    assert ran.code == 1 and "z.json" in ran.err and "A008" in ran.err


def test_a_seal_changes_nothing_of_what_is_read(here: Path, run: Any) -> None:
    assert run("graph", "z.arch", "--json", "-o", "z.json").code == 0
    assert len(from_json(Path("z.json").read_text())) == 4
    tensors = {"a": torch.arange(6.0), "b": torch.ones(2, 2, dtype=torch.float16)}
    Path("t.safetensors").write_bytes(sealed(save(tensors), ".safetensors"))
    found = load_file("t.safetensors")
    assert all(torch.equal(found[k], v) for k, v in tensors.items())
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    Path("t.pt").write_bytes(sealed(buffer.getvalue(), ".pt"))
    found = torch.load("t.pt", weights_only=True)
    assert all(torch.equal(found[k], v) for k, v in tensors.items())


def test_a_frozen_spec_that_is_frozen_again_has_one_seal(here: Path, run: Any) -> None:
    assert run("compile", "z.arch", "-o", "a.arch").code == 0
    assert run("compile", "a.arch", "-o", "b.arch").code == 0
    assert Path("a.arch").read_text() == Path("b.arch").read_text()
    assert Path("b.arch").read_text().count("sha256") == 1
    assert run("fmt", "--check", "b.arch").code == 0
    assert archdsl.load("b.arch").hash == archdsl.load("z.arch").hash


@pytest.mark.parametrize("ending", [".py", ".json", ".svg", ".txt", ".pdf", ".dot"])
def test_a_seal_is_taken_out_and_put_in(ending: str) -> None:
    data = b'{\n "a": 1\n}\n' if ending == ".json" else b"one\ntwo\n"
    once = sealed(data, ending)
    assert once != data and unsealed(once) == data and sealed(once, ending) == once
    assert is_unchanged(once) is True
    assert is_unchanged(once.replace(b": 1", b": 7").replace(b"one", b"One")) is False
    assert is_unchanged(data) is None


@pytest.mark.parametrize("ending", sorted(KINDS))
def test_whatever_is_there_is_looked_at(ending: str) -> None:
    for data in (b"", b"\n", b"}", b"{}", b"PK", b"\x89PNG", b"\xff" * 300, b"\0" * 8 + b"{"):
        assert is_unchanged(data) is None and unsealed(data) == data
