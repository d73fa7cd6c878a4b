"""The extension of VS Code: what it says it has, its commands, and the file that installs it."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from required import skip

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "editors" / "vscode"
PACKAGE = json.loads((FOLDER / "package.json").read_text("utf-8"))
HERE = Path(__file__).parent
SPEC = """\
arch net(width = 8)
input 3x16x16

stem: conv(width, 3) -> bn
head: global_avgpool -> linear(10)
"""

sys.path.insert(0, str(FOLDER))
import pack  # noqa: E402


def test_what_it_contributes() -> None:
    contributes = PACKAGE["contributes"]
    code = (FOLDER / "src.js").read_text("utf-8")
    commands = {c["command"] for c in contributes["commands"]}
    assert commands == set(re.findall(r'register\("([\w.]+)"', code))
    languages = {entry["id"]: entry["extensions"] for entry in contributes["languages"]}
    assert languages == {"arch": [".arch"], "arch-search": [".search"]}
    for grammar in contributes["grammars"]:
        name = Path(grammar["path"]).name
        assert name in pack.GRAMMARS
        scope = json.loads((ROOT / "grammars" / name).read_text("utf-8"))["scopeName"]
        assert grammar["scopeName"] == scope and grammar["language"] in languages
    settings = set(re.findall(r'get\("([\w.]+)"\)', "".join(map(text_of, FOLDER.glob("*.js")))))
    assert {f"archdsl.{name}" for name in settings} == set(
        contributes["configuration"]["properties"]
    )


def test_hints_are_not_cut_off() -> None:
    """VS Code cuts all hints of a line together at 43 characters, unless it is told otherwise."""
    defaults = PACKAGE["contributes"]["configurationDefaults"]
    assert defaults["[arch]"] == {"editor.inlayHints.maximumLength": 0}


def text_of(path: Path) -> str:
    return path.read_text("utf-8")


@pytest.mark.slow
def test_its_commands(tmp_path: Path) -> None:
    node = shutil.which("node") or skip("there is no Node.js")
    spec, command = tmp_path / "net.arch", tmp_path / "archdsl"
    spec.write_text(SPEC, "utf-8")
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m archdsl "$@"\n', "utf-8")
    command.chmod(0o755)
    ran = subprocess.run(
        [node, HERE / "vscode_stub.js", FOLDER, command, spec],
        env={**os.environ, "NODE_PATH": str(HERE / "stubs")},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ran.stdout == "all holds\n", ran.stderr


@pytest.mark.slow
def test_the_file_that_installs_it(tmp_path: Path) -> None:
    try:
        file = pack.pack(tmp_path)
    except pack.CannotPack as problem:
        skip(str(problem))
    with zipfile.ZipFile(file) as packed:
        assert set(packed.namelist()) == {
            "[Content_Types].xml",
            "extension.vsixmanifest",
            *(f"extension/{name}" for name in ("package.json", "language-configuration.json")),
            *(f"extension/{name}" for name in pack.GRAMMARS),
            "extension/extension.js",
            "extension/LICENSE.txt",
        }
        script = packed.read("extension/extension.js").decode()
        assert re.findall(r'require\("([a-z-]+)"\)', script).count("vscode") > 0
        assert "vscode-languageclient" not in re.findall(r'require\("([^"]+)"\)', script)
        assert 'Id="archdsl" Version="0.1.0"' in packed.read("extension.vsixmanifest").decode()
