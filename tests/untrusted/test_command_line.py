"""Hostile files and arguments on the command line: an exit code of its own, and no traceback."""

import io
import sys
from pathlib import Path

import pytest
from hostile_texts import HOSTILE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutants import mutants
from thinned import thinned

from archdsl.cli.main import main

COMMANDS = (
    ["check", "{}"],
    ["check", "--json", "{}"],
    ["check", "--sarif", "{}"],
    ["summary", "{}"],
    ["summary", "--layers", "--json", "{}"],
    ["explain", "{}"],
    ["graph", "{}"],
    ["graph", "--dot", "{}"],
    ["fmt", "--diff", "{}"],
    ["specs", "{}"],
)
# One of each kind: the others are as quick, and give the same.
SOME = (
    *("repeat_1e12", "doubling", "block_in_itself", "fibonacci", "tower", "parentheses"),
    *("lists_of_lists", "channels_1e100", "upsampling", "unknown_names", "strays", "nothing"),
    *("doubling_nothing", "chain_of_else_if", "shown_fraction", "knobs_of_knobs", "long_texts"),
)


class Ran:
    """A command run in this process: its exit code, and what it printed."""

    def __init__(self, arguments: list[str]) -> None:
        kept = sys.stdout, sys.stderr
        streams = [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in kept]
        sys.stdout, sys.stderr = streams
        try:
            with pytest.raises(SystemExit) as caught:
                main(arguments)
        finally:
            sys.stdout, sys.stderr = kept
        for stream in streams:
            stream.flush()
        self.code = caught.value.code
        self.out, self.err = (s.buffer.getvalue().decode() for s in streams)  # type: ignore[attr-defined]

    def well(self) -> None:
        """Whatever happened, it was no bug of ours, and the terminal is as it was."""
        assert self.code in (0, 1, 2), self.err
        assert "Traceback" not in self.err and "internal error" not in self.err
        assert all(c in "\n\t" or c.isprintable() for c in self.out + self.err)
        assert self.code == 0 or self.err or self.out


@pytest.mark.parametrize("name", thinned(SOME, 3))
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_hostile_files(command: list[str], name: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.arch"
    path.write_text(HOSTILE[name][1], "utf-8")
    Ran([part.format(path) for part in command]).well()


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(mutants(2), st.sampled_from(COMMANDS[1:]))
def test_changed_files(tmp_path: Path, text: str, command: list[str]) -> None:
    path = tmp_path / "changed.arch"
    path.write_text(text, "utf-8", errors="replace")
    Ran([part.format(path) for part in command]).well()


ARGUMENTS = (
    ["summary", "resnet18", "--set", "width=10 ^ 10 ^ 10"],
    ["summary", "resnet18", "--set", "width=" + "(" * 5000],
    ["summary", "resnet18", "--set", "width=" + "9" * 5000],
    ["summary", "resnet18", "--set", "classes=1e300"],
    ["summary", "resnet18", "--set", "classes=[i for i in 1..10^9]"],
    ["summary", "resnet18", "--set", "\x1b[31m=1"],
    ["summary", "resnet18", "--set", "width=\udcff"],
    ["summary", "resnet18", "--set", 'use "x"=1'],
    ["summary", "resnet18", "--input", "3x99999999999999999999x1"],
    ["summary", "resnet18", "--input", "x" * 5000],
    ["summary", "resnet18", "--input", "9" * 5000],
    ["summary", "resnet18", "--input", "-3x-8"],
    ["summary", "resnet18", "--batch", "0"],
    ["summary", "resnet18", "--batch", "-5"],
    ["summary", "resnet18", "--batch", "9" * 400],
    ["summary", "resnet18", "--depth", "-1"],
    ["summary", "resnet18", "--depth", "9" * 400],
    ["check", "resnet18", "--limit", "0"],
    ["check", "resnet18", "--limit", "-1"],
    ["check", "\x1b[31m"],
    ["check", "\udcff\udcfe.arch"],
    ["check", "a\0b"],
    ["check", "a" * 10_000],
    ["check", ""],
    ["check", "/"],
    ["fmt", "/nowhere/at/all"],
    ["fmt", "\udcff.arch"],
    ["explain", "resnet18", "\x1b[31m"],
    ["explain", "resnet18", "--knob", "\udcff"],
    ["error", "\x1b[31m"],
    ["error", "A" * 10_000],
    ["graph", "resnet18", "-o", "/nowhere/at/all/x"],
    ["specs", "\udcff"],
    ["\x1b[31m"],
    ["--\udcff"],
    [],
)


@pytest.mark.parametrize("number", range(len(ARGUMENTS)))
def test_hostile_arguments(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Ran(ARGUMENTS[number]).well()


def test_names_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a\x1b]0;title\x07\u202e\udcff.arch"
    Path(name).write_text("arch net\ninput 3x8x8\nrelu\n")
    Path(f"bad{name}").write_text("arch net\ninput 3x8x8\nrleu\n")
    for command in COMMANDS:
        for file in (name, f"bad{name}"):
            Ran([part.format(file) for part in command]).well()
    Ran(["fmt", "."]).well()
