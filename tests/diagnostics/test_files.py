"""Files that are missing, unreadable, no text, too many, or where `use` may not look."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from expected_text import expected

import archdsl
from archdsl import ArchError
from archdsl.backend.transfer import read_checkpoint
from archdsl.cli.main import main
from archdsl.diagnostics.source import Source
from archdsl.extensions import with_files
from archdsl.files import MAX_FILES
from archdsl.registry import REGISTRY
from archdsl.search.reading import read_search
from archdsl.training.data import load
from archdsl.training.records import read_data
from archdsl.writing import write_text

NET = "arch net\ninput 3x32x32\nunit(64)\n"
UNIT = "block unit(c) { conv(c, 3) -> bn -> relu }\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test stands in an empty folder of its own, and names its files without it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def mistake(name: str) -> ArchError:
    with pytest.raises(ArchError) as caught:
        archdsl.read(name)
    return caught.value


BYTES = {
    "nul": b"arch net\n\0\n",
    "latin1": "arch net\n# gr\xf6\xdfe\n".encode("latin-1"),
    "half_a_character": "arch net\n# \u20ac".encode()[:-1],
    "surrogate": b"arch net\n# \xed\xa0\x80\n",
    "utf16": "arch net\ninput 3x8x8\n".encode("utf-16"),
    "zip": b"PK\x03\x04\x14\x00\x08\x08",
    "long": b"#" * 200_001,
    "many_characters": b"#" * 50_001,
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes(name: str) -> None:
    Path(f"{name}.arch").write_bytes(BYTES[name])
    expected(f"bytes_{name}", mistake(f"{name}.arch"))


def test_a_used_file_of_bytes() -> None:
    Path("lib.arch").write_bytes(BYTES["nul"])
    Path("net.arch").write_text(f'use "lib.arch": unit\n{NET}')
    expected("use_bytes", mistake("net.arch"))


def test_what_is_beside_a_file_that_is_not_there() -> None:
    """Whatever takes the name of a file says what was meant."""
    for name in ("net.arch", "ask.search", "layers.py", "model.pt", "model.onnx", "set.csv"):
        Path(name).write_text(NET)
    Path("photos").mkdir()
    Path("one.study").mkdir()
    (Path("ask.search")).write_text('spec "net.arch"\nvary width in {8}\n')
    search = 'spec "nett.arch"\ntrain with "layer.py"\n'
    mine = Path("deep") / "mine.search"
    mine.parent.mkdir()
    mine.write_text(search)
    (mine.parent / "net.arch").write_text(NET)

    def helps(call: Callable[[], object]) -> list[str]:
        with pytest.raises(ArchError) as caught:
            call()
        return [line for d in caught.value.diagnostics for line in d.helps]

    def did(name: str) -> list[str]:
        return [f"did you mean `{name}`?"]

    assert helps(lambda: archdsl.read("nett.arch")) == did("net.arch")
    assert helps(lambda: archdsl.read("deep/nett.arch")) == did("deep/net.arch")
    assert helps(lambda: archdsl.read("other.arch")) == []
    assert helps(lambda: with_files(REGISTRY, [Path("layer.py")])) == did("layers.py")
    assert helps(lambda: read_checkpoint(Path("modl.pt"))) == did("model.pt")
    assert helps(lambda: archdsl.import_file("modl.onnx")) == did("model.onnx")
    assert helps(lambda: archdsl.study("on")) == did("one.study")
    assert "did you mean `photos`?" in helps(lambda: read_data("fotos"))
    assert "did you mean `set.csv`?" in helps(lambda: load(read_data('table("sets.csv")'), Path()))
    source = Source("mine.search", search)
    found = helps(lambda: read_search(source, mine.parent))
    assert found[0] == 'did you mean `spec "net.arch"`?'


MISSING = {
    "file": "nets.arch",
    "typo": "resnett",
    "variant_typo": "resnet50x",
    "in_a_folder": "nets/resnet",
    "empty": "",
    "long": "a" * 5000,
    "nul": "a\0b",
    "escape": "a\x1b[31mb",
}


@pytest.mark.parametrize("name", MISSING)
def test_missing(name: str) -> None:
    expected(f"missing_{name}", mistake(MISSING[name]))


def test_a_folder_is_no_file() -> None:
    Path("folder.arch").mkdir()
    expected("folder", mistake("folder.arch"))
    Path("nets").mkdir()
    expected("folder_of_specs", mistake("nets"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for() -> None:
    """Nobody writes to it: whoever opens it to read waits for ever."""
    os.mkfifo("pipe.arch")
    expected("pipe", mistake("pipe.arch"))
    for name in ("pipe.arch", "net.search"):
        if name == "net.search":
            os.mkfifo(name)
        for command in ("check", "fmt"):
            with pytest.raises(SystemExit) as left:
                main([command, name])
            assert left.value.code == 1
    Path("net.arch").write_text(f'use "pipe.arch": unit\n{NET}')
    assert "pipe.arch" in str(mistake("net.arch"))
    os.mkfifo("pipe.pt")
    with pytest.raises(ArchError, match="it is not a file"):
        read_checkpoint("pipe.pt")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there are no devices with names here")
def test_a_device_is_not_read() -> None:
    Path("zero.arch").symlink_to("/dev/zero")
    expected("device", mistake("zero.arch"))


def test_outside_by_dots(folder: Path) -> None:
    (folder.parent / "secret.arch").write_text(UNIT)
    Path("net.arch").write_text(f'use "../secret.arch": unit\n{NET}')
    expected("outside_dots", mistake("net.arch"))


def test_outside_by_an_absolute_path(folder: Path) -> None:
    Path("net.arch").write_text(f'use "/etc/passwd": unit\n{NET}')
    expected("outside_absolute", mistake("net.arch"))


def test_outside_by_a_link(folder: Path) -> None:
    (folder.parent / "secret.arch").write_text(UNIT)
    Path("inside.arch").symlink_to(folder.parent / "secret.arch")
    Path("net.arch").write_text(f'use "inside.arch": unit\n{NET}')
    expected("outside_link", mistake("net.arch"))


def test_outside_by_a_linked_folder(folder: Path) -> None:
    (folder.parent / "other").mkdir()
    (folder.parent / "other" / "secret.arch").write_text(UNIT)
    Path("lib").symlink_to(folder.parent / "other")
    Path("net.arch").write_text(f'use "lib/secret.arch": unit\n{NET}')
    expected("outside_linked_folder", mistake("net.arch"))


def test_a_library_reaches_no_further(folder: Path) -> None:
    (folder.parent / "secret.arch").write_text(UNIT)
    Path("lib").mkdir()
    Path("lib/first.arch").write_text('use "../../secret.arch": unit\nblock b { unit(3) }\n')
    Path("net.arch").write_text('use "lib/first.arch": b\narch net\ninput 3x32x32\nb\n')
    expected("outside_library", mistake("net.arch"))


def test_a_link_inside_is_followed() -> None:
    Path("lib").mkdir()
    Path("lib/real.arch").write_text(UNIT)
    Path("link.arch").symlink_to("lib/real.arch")
    Path("net.arch").write_text(f'use "link.arch": unit\n{NET}')
    assert archdsl.read("net.arch").with_knobs().params == 3 * 64 * 9 + 64 + 128


def test_a_link_to_itself() -> None:
    Path("loop.arch").symlink_to("loop.arch")
    Path("net.arch").write_text(f'use "loop.arch": unit\n{NET}')
    error = mistake("net.arch")
    assert [d.code for d in error.diagnostics] == ["A005"]
    assert mistake("loop.arch").diagnostics[0].code in ("A001", "A002")


def test_a_text_uses_the_built_in_library_alone() -> None:
    Path("lib.arch").write_text(UNIT)
    with pytest.raises(ArchError) as caught:
        archdsl.parse(f'use "lib.arch": unit\n{NET}')
    expected("text_uses_file", caught.value)


def test_a_circle_of_three() -> None:
    for here, there in (("a", "b"), ("b", "c"), ("c", "a")):
        Path(f"{here}.arch").write_text(
            f'use "{there}.arch": {there}\nblock {here} {{ {there} }}\n'
        )
    Path("net.arch").write_text('use "a.arch": a\narch net\ninput 3x32x32\na\n')
    expected("circle", mistake("net.arch"))


def test_a_spec_that_uses_itself() -> None:
    Path("net.arch").write_text(f'use "net.arch": unit\n{NET}')
    expected("itself", mistake("net.arch"))


def test_too_many_files() -> None:
    for i in range(MAX_FILES + 1):
        Path(f"lib{i}.arch").write_text(
            f'use "lib{i + 1}.arch": b{i + 1}\nblock b{i} {{ b{i + 1} }}\n'
        )
    Path("net.arch").write_text('use "lib0.arch": b0\narch net\ninput 3x32x32\nb0\n')
    expected("too_many_files", mistake("net.arch"))


LAYER_FILES = {
    "missing": None,
    "syntax": "def f(:\n",
    "fails": "1 / 0\n",
    "exits": "raise SystemExit(3)\n",
    "no_reader": (
        "from archdsl.layers.base import Layer\n"
        "class Mine(Layer):\n    size: int\n    name = 'mine'\n"
    ),
    "taken": "from archdsl.layers.base import Layer\nclass Mine(Layer):\n    name = 'conv'\n",
    "no_name": (
        "from dataclasses import dataclass\nfrom archdsl.layers.base import Layer\n"
        "@dataclass(frozen=True)\nclass Mine(Layer):\n    name = 'my layer'\n"
    ),
}


@pytest.mark.parametrize("name", LAYER_FILES)
def test_layer_files(name: str) -> None:
    path = Path(f"{name}.py")
    if (text := LAYER_FILES[name]) is not None:
        path.write_text(text)
    with pytest.raises(ArchError) as caught:
        with_files(REGISTRY, [path])
    expected(f"layers_{name}", caught.value)


RAISES = {
    "shape": ("def shape(self, *inputs): return (inputs[0][7],)", "check"),
    "torch": ("def torch(self, *inputs): return 1 / 0", "compile"),
    "forward": (
        "def shape(self, *inputs): return (2 * inputs[0][0], *inputs[0][1:])\n"
        "    def torch(self, *inputs): return Module('nn.Identity')",
        "train",
    ),
}


@pytest.mark.parametrize("name", RAISES)
def test_layers_that_raise(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It is no bug of archdsl, and said where it is one of theirs."""
    body, command = RAISES[name]
    Path("own.py").write_text(
        "from dataclasses import dataclass\n"
        "from archdsl.layers.base import Layer, Module\n\n"
        "@dataclass(frozen=True, slots=True)\n"
        f"class Own(Layer):\n    name = 'own'\n    {body}\n"
    )
    Path("net.arch").write_text(
        "arch net(classes = 10)\ninput 1x8x8\nown -> global_avgpool -> linear(classes)\n"
    )
    more = ["--data", "digits", "--quiet"] if command == "train" else []
    with pytest.raises(SystemExit) as ended:
        main([command, "net.arch", "--allow-python", "own.py", *more])
    assert ended.value.code == 1
    expected(f"layer_raises_{name}", capsys.readouterr().err.rstrip())


@pytest.mark.parametrize("command", ["check", "summary", "summary --json", "graph", "graph --json"])
def test_layers_without_code_are_analysed(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_layers_without_code()
    run = [*command.split(), "net.arch", "--allow-python", "own.py"]
    with pytest.raises(SystemExit) as ended:
        main(run)
    shown = capsys.readouterr()
    assert (ended.value.code, shown.err) == (0, "")
    assert "twice" in shown.out or command == "check"


@pytest.mark.parametrize("command", ["compile", "train"])
def test_layers_without_code_are_not_compiled(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_layers_without_code()
    more = ["--data", "digits", "--quiet"] if command == "train" else []
    with pytest.raises(SystemExit) as ended:
        main([command, "net.arch", "--allow-python", "own.py", *more])
    assert ended.value.code == 1
    expected("layer_without_code", capsys.readouterr().err.rstrip())
    assert not Path("net.py").exists()


def test_the_hash_of_layers_without_code_is_of_their_arguments() -> None:
    write_layers_without_code()
    registry = with_files(REGISTRY, [Path("own.py")])

    def hash_of(body: str) -> str:
        return archdsl.parse(f"arch a\ninput 1x8x8\n{body}\n", registry=registry).with_knobs().hash

    bodies = ["twice", "twice(3)", "still", "twice -> still", "still -> twice"]
    assert len({hash_of(body) for body in bodies}) == len(bodies)
    assert hash_of("twice(2)") == hash_of("twice")


def write_layers_without_code() -> None:
    Path("own.py").write_text(
        "from archdsl.layers.arguments import Count\n"
        "from archdsl.layers.base import Layer\n\n"
        "class Twice(Layer):\n    times: Count = 2\n    name = 'twice'\n\n"
        "class Still(Layer):\n    name = 'still'\n"
    )
    Path("net.arch").write_text(
        "arch net(classes = 10)\ninput 1x8x8\n"
        "repeat 5 { a: twice }\ntwice(3) -> still -> global_avgpool -> linear(classes)\n"
    )


def test_writing_where_there_is_no_folder() -> None:
    with pytest.raises(ArchError) as caught:
        write_text(Path("no/such/folder/net.py"), "text")
    expected("write_nowhere", caught.value)


def test_writing_over_a_folder() -> None:
    Path("folder").mkdir()
    with pytest.raises(ArchError) as caught:
        write_text(Path("folder"), "text")
    assert caught.value.diagnostics[0].code == "A008"
    assert [path.name for path in Path().iterdir()] == ["folder"], "nothing is left behind"
