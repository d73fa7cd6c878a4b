"""What files, folders and the code of others say: it neither acts on a terminal nor colours it."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from screens import on_terminal

EVIL = "\x1b[35mred\x1b[8m\x1b]0;OWNED\x07\x1b[1A\x9b2J\rover\u202e"  # archdsl uses no magenta
SHOWN = "�[35mred�[8m�]0;OWNED��[1A�2J�over�"
# What archdsl writes of its own: colours, and what is at work and wiped again.
OWN = re.compile(r"\x1b\[(0|1|3[1-4])m|(loading PyTorch|importing [^\r\x1b]+)\r +\r")
NET = "arch net(width = 4)\ninput 3x8x8\nconv(width, 3) -> global_avgpool -> linear(2)\n"
LAYER = """
from archdsl.layers.base import Example, Expression, Layer


class Bad(Layer):
    name = "bad"
    kind = "activation"
    examples = (Example("bad", ((3, 8, 8),), (3, 8, 8)),)

    def shape(self, *inputs):
        {0}
        return inputs[0]

    def torch(self, *inputs):
        {1}
        return Expression("{{x}}")


{2}
"""
RAISES = f"raise ValueError({EVIL!r})"
RAISING = f"def train(candidate):\n    {RAISES}\n"
SEARCH = """search own
spec "net.arch"
vary width in {4, 5}
train with "own.py"
seeds 1
trials 2
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which much has an evil name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    Path("net.arch").write_text(NET)
    for number, label in enumerate((f"a{EVIL}", "b")):
        (tmp_path / "images" / label).mkdir(parents=True)
        for n in range(12):
            picture = Image.new("RGB", (8, 8), (20 * n, 90 * number, 9))
            picture.save(tmp_path / "images" / label / f"{n}{EVIL}.png")
    Path(f"{EVIL}.csv").write_text("a,b\n1,2\n")
    Path(f"{EVIL}.onnx").write_bytes(b"none")
    for ending in (".png", ".safetensors", ".pt2", ".arch", ".search"):
        Path(f"x{EVIL}{ending}").write_bytes(b"none")
    return tmp_path


COMMANDS = {
    "data": ("data", 'image_folder("images")'),
    "data --json": ("data", "--json", 'image_folder("images")'),
    "table": ("data", f'table("{EVIL}.csv")'),
    "no file": ("check", f"{EVIL}.arch"),
    "no spec": ("check", f"x{EVIL}.arch"),
    "no search": ("check", f"x{EVIL}.search"),
    "json": ("check", "--json", f"x{EVIL}.arch"),
    "weights": ("compile", "net.arch", "--weights", f"x{EVIL}.safetensors", "-o", "n.pt2"),
    "import": ("import", f"x{EVIL}.pt2", "-o", "imported.arch"),
    "predict": ("predict", f"{EVIL}.onnx", f"x{EVIL}.png"),
    "evaluate": ("evaluate", f"{EVIL}.onnx", "--data", 'image_folder("images")'),
    "study": ("verdict", f"x{EVIL}.study"),
    "setting": ("summary", "net.arch", "--set", f"{EVIL}=1"),
    "option": ("summary", f"--{EVIL}"),
    "command": (EVIL,),
}  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_no_text_acts_on_a_terminal(words: tuple[str, ...], place: Path, run: Any) -> None:
    ran = run(*words, tty=True)
    assert ran.code in (0, 1, 2), ran.err
    said = ran.out + ran.err
    assert "[35mred" in said, said
    assert not set(OWN.sub("", said)) & set("\x1b\x07\x9b\r\u202e"), said


LAYERS = {
    "check": (("check", "own.arch"), [RAISES, "", ""]),
    "summary": (("summary", "own.arch"), [RAISES, "", ""]),
    "compile": (("compile", "own.arch", "-o", "own.py"), ["", RAISES, ""]),
    "loading": (("check", "own.arch"), ["", "", RAISES]),
}


@pytest.mark.parametrize(("words", "texts"), LAYERS.values(), ids=LAYERS)
def test_what_a_layer_raises(
    words: tuple[str, ...], texts: list[str], place: Path, run: Any
) -> None:
    Path("layer.py").write_text(LAYER.format(*texts))
    Path("own.arch").write_text("arch own\ninput 3x8x8\nbad\n")
    ran = run(*words, "--allow-python", "layer.py", tty=True)
    assert ran.code == 1
    said = OWN.sub("", ran.out + ran.err)
    assert f"ValueError: {SHOWN}" in said
    assert not set(said) & set("\x1b\x07\x9b\r\u202e")


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_what_a_training_raises(more: list[str], place: Path) -> None:
    Path("own.py").write_text(RAISING)
    Path("own.search").write_text(SEARCH)
    call = ["-m", "archdsl", "search", "own.search", "--allow-python", "own.py", *more]
    ran = on_terminal(call, 80, place)
    assert "[35mred" in ran.written
    for acting in ("\x1b[35m", "\x1b[8m", "\x1b]", "\x07", "\x9b", "\u202e"):
        assert acting not in ran.written
