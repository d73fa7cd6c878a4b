"""Standard input and output that are closed, or have no room left."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "archdsl")


def ran(call: str, tmp_path: Path) -> tuple[int, str]:
    (tmp_path / "net.arch").write_text("arch net\ninput 3x8x8\nconv(4, 3)\n")
    command = f'"$@" {call}'
    done = subprocess.run(
        ["sh", "-c", command, "sh", *COMMAND], cwd=tmp_path, text=True, stderr=subprocess.PIPE
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["check net.arch", "compile net.arch -o -"])
def test_no_room_is_left(command: str, tmp_path: Path) -> None:
    said = "error[A008]: `<stdout>` cannot be written: no space left on device\n"
    assert ran(f"{command} > /dev/full", tmp_path) == (1, said)


@pytest.mark.parametrize("command", ["check -", "fmt -"])
def test_nothing_can_come_in(command: str, tmp_path: Path) -> None:
    code, said = ran(f"{command} <&-", tmp_path)
    assert code == 1
    assert said.splitlines()[0] == "error[A002]: `<stdin>` cannot be read: it is closed"


def test_nobody_hears(tmp_path: Path) -> None:
    assert ran("check net.arch >&-", tmp_path) == (0, "")
    assert ran("check nothing.arch >&- 2>&-", tmp_path) == (1, "")
