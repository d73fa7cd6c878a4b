"""What shells complete: the scripts that they are given, and what a command offers them."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from archdsl.cli.completion import BASH, MENDED


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, run: Any) -> None:
    """With what click's own lack, where they do (8.4.0 has fish split lines): see ``MENDED``."""
    ran = run("completion", shell)
    assert ran.code == 0 and "_ARCHDSL_COMPLETE" in ran.out
    lack, ours = MENDED.get(shell, ("", ""))
    assert ours in ran.out or lack not in ran.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=ran.out, text=True, check=True)


STUB = """
complete() { :; }
compopt() { echo "compopt $2"; }
env() { echo "words ${1#COMP_WORDS=} $2" | tr '\\n' ' ' >&2; printf '%s\\n' "${OFFERED[@]}"; }
"""


@pytest.mark.parametrize(
    ("words", "offered", "asked", "completed"),
    [
        (["summary", "resnet120"], ["plain,resnet1202", "file,resnet120"],
         "archdsl summary resnet120 COMP_CWORD=2", ["compopt filenames", "resnet1202"]),
        (["summary", "net"], ["file,net"],
         "archdsl summary net COMP_CWORD=2", ["compopt default"]),
        (["data", "d"], ["plain,digits", "dir,d"],
         "archdsl data d COMP_CWORD=2", ["compopt filenames", "digits", "dir d"]),
        (["fit", "a", "--set", "depth", "="], ["plain,depth=18", "plain,depth=34"],
         "archdsl fit a --set depth= COMP_CWORD=4", ["18", "34"]),
        (["fit", "a", "--set", "depth", "=", "1"], ["plain,depth=18"],
         "archdsl fit a --set depth=1 COMP_CWORD=4", ["18"]),
        (["fit", "a", "--set", "dep"], ["plain,depth="],
         "archdsl fit a --set dep COMP_CWORD=4", ["compopt nospace", "depth="]),
    ],
)  # fmt: skip
@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
def test_bash_is_given_names_and_files(
    words: list[str], offered: list[str], asked: str, completed: list[str], tmp_path: Path
) -> None:
    """Both together, and what stands after a `=`, where bash begins a word of its own."""
    (tmp_path / "dir d").mkdir()
    array = " ".join(map(shlex.quote, ["archdsl", *words]))
    program = f"""{STUB}{BASH.read_text()}
OFFERED=({" ".join(map(shlex.quote, offered))})
COMP_WORDS=({array}); COMP_CWORD={len(words)}
_archdsl_completion archdsl; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    ran = subprocess.run(
        ["bash", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ran.stderr.strip() == f"words {asked}"
    assert [line for line in ran.stdout.splitlines() if line] == completed


def test_names_are_completed(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_ARCHDSL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "archdsl summary squeezenet1")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert run().out.splitlines() == [
        "plain,squeezenet1_0",
        "plain,squeezenet1_1",
        "file,squeezenet1",
    ]
    monkeypatch.setenv("COMP_WORDS", "archdsl su")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run().out.splitlines() == ["plain,summary"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("summary resnet120", ["plain,resnet1202", "file,resnet120"]),
        ("summary resnet --set st", ["plain,stride_on="]),
        ("summary resnet --set depth=1", ["plain,depth=18", "plain,depth=101", "plain,depth=152"]),
        ("train resnet18 --set wi", ["plain,width="]),
        ("summary 'resnet(s'", ["plain,resnet(stride_on = ", "plain,resnet(shortcut = "]),
        ("check 'resnet(st'", [f"plain,resnet(stride_on = {k})" for k in ("3x3", "1x1")]),
        (
            "diff resnet18 'resnet(depth=50, zero_init=t'",
            ["plain,resnet(depth=50, zero_init=true)"],
        ),
        ("compare 'resnet50(cl'", ["plain,resnet50(classes = "]),
        ("fit 'nothing(wi'", ["file,nothing(wi"]),
        ("summary nothing --set wi", [""]),
        ("train resnet18 --data ci", ["plain,cifar10", "plain,cifar100", "dir,ci"]),
        ("verdict mi", ["plain,mine.study"]),
        ("report runs/mi", ["dir,runs/mi"]),
        ("explain resnet --knob st", ["plain,stride_on"]),
        ("fit resnet --by depth,w", ["plain,depth,width"]),
        ("check wide_o", ["plain,wide_or_deep", "file,wide_o"]),
        ("summary 'my (copy)/x.ar'", ["file,my (copy)/x.ar"]),
        ("search wide_o", ["plain,wide_or_deep", "file,wide_o"]),
        ("data dig", ["plain,digits", "dir,dig"]),
        ("specs resnet_", ["plain,resnet_cifar", "plain,resnet_d"]),
        ("error a20", [f"plain,A20{i}" for i in range(1, 10)]),
    ],
)
def test_what_a_command_expects_is_completed(
    words: str, offered: list[str], run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine.study", "myself.study", "my.study"):
        Path(name).mkdir()
    monkeypatch.setenv("_ARCHDSL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"archdsl {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(shlex.split(words))))
    assert run().out.splitlines() == offered
