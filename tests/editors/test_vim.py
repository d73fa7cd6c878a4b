"""The colours of Vim are those of the TextMate grammars: the same words, and no fault in them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from required import skip

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "editors" / "vim"


@pytest.mark.parametrize(("filetype", "language"), [("arch", "arch"), ("archsearch", "search")])
def test_words(filetype: str, language: str) -> None:
    grammar = (ROOT / "grammars" / f"{language}.tmLanguage.json").read_text("utf-8")
    words = {
        word
        for match in re.findall(r'"(?:match|begin)": ("(?:[^"\\]|\\.)*")', grammar)
        for group in re.findall(r"\((?:\?:)?([a-z]{2,}(?:\|[a-z]+)*)\)", json.loads(match))
        for word in group.split("|")
        if word not in ("min",)
    }
    syntax = (FOLDER / "syntax" / f"{filetype}.vim").read_text("utf-8")
    missing = {word for word in words if not re.search(rf"\b{word}\b|zs{word}\b", syntax)}
    assert len(words) > 20 and not missing


SPEC = """arch net(width = 16 in 8..64 step 8)  # why
input 3x32x32
stem: conv(width, 3) -> bn
require true, "so"
"""
PLACES = {
    (1, "arch"): "archStatement",
    (1, "net"): "archName",
    (1, "step"): "archRange",
    (1, "# why"): "archComment",
    (2, "3x32x32"): "archShape",
    (3, "stem"): "archLabel",
    (3, "conv"): "archCall",
    (3, "->"): "archOperator",
    (4, "true"): "archBoolean",
    (4, '"so"'): "archString",
}


@pytest.mark.slow
def test_colours(tmp_path: Path) -> None:
    """By Neovim, which reads Vim's files, without a screen."""
    editor = shutil.which("nvim") or skip("there is no Neovim: apt-get install neovim")
    (tmp_path / "net.arch").write_text(SPEC, "utf-8")
    lines = SPEC.splitlines()
    asks = [
        f"echo synIDattr(synID({n}, {lines[n - 1].index(w) + 1}, 1), 'name')" for n, w in PLACES
    ]
    script = tmp_path / "ask.vim"
    script.write_text("\n".join([f"redir! > {tmp_path / 'out'}", *asks, "redir END", "qa!"]))
    command = [editor, "--headless", "--clean", "--cmd", f"set rtp^={FOLDER}", "-S", script]
    subprocess.run(
        [*command, "net.arch"], cwd=tmp_path, timeout=60, check=True, capture_output=True
    )
    assert (tmp_path / "out").read_text("utf-8").split() == list(PLACES.values())


MISTAKES = """\
error[A101]: there is no layer or block called `BatchNorm`
 --> net.arch:4:16
  |
4 | repeat depth { BatchNorm }
  |                ^^^^^^^^^
  = help: did you mean `bn`?

warning[A971]: the bias of `conv` does nothing
 --> net.arch:3:1
  |
net.arch: 1 error
"""


@pytest.mark.slow
@pytest.mark.parametrize("filetype", ["arch", "archsearch"])
def test_the_list_of_mistakes(filetype: str, tmp_path: Path) -> None:
    """What `:make` fills: a place and a message each, and the number of the code."""
    editor = shutil.which("nvim") or skip("there is no Neovim: apt-get install neovim")
    (tmp_path / "said").write_text(MISTAKES, "utf-8")
    item = "[v:val.lnum, v:val.col, v:val.type, v:val.nr, v:val.text]"
    lines = [
        f"source {FOLDER / 'ftplugin' / f'{filetype}.vim'}",
        "cgetfile said",
        f"call writefile([json_encode(map(filter(getqflist(), 'v:val.valid'), '{item}'))], 'out')",
        "qa!",
    ]
    (tmp_path / "ask.vim").write_text("\n".join(lines))
    command = [editor, "--headless", "--clean", "-S", "ask.vim"]
    subprocess.run(command, cwd=tmp_path, timeout=60, check=True, capture_output=True)
    assert json.loads((tmp_path / "out").read_text("utf-8")) == [
        [4, 16, "E", 101, "there is no layer or block called `BatchNorm`"],
        [3, 1, "W", 971, "the bias of `conv` does nothing"],
    ]
