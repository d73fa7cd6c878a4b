"""Standard input and output that are closed, or have no room left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "archdsl")


def ran(call: str, tmp_path: Path, before: str = "") -> tuple[int, str]:
    (tmp_path / "net.arch").write_text("arch net\ninput 3x8x8\nconv(4, 3)\n")
    command = f'{before}"$@" {call}'
    done = subprocess.run(
        ["sh", "-c", command, "sh", *COMMAND], cwd=tmp_path, text=True, stderr=subprocess.PIPE
    )
    return done.returncode, done.stderr


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@FULL
@pytest.mark.parametrize(
    "command",
    ["check net.arch", "compile net.arch -o -", "fmt - < net.arch", "--help", "--version"],
)
def test_no_room_is_left(command: str, tmp_path: Path) -> None:
    said = "error[A008]: `<stdout>` cannot be written: no space left on device\n"
    assert ran(f"{command} > /dev/full", tmp_path) == (1, said)


@pytest.mark.parametrize("command", ["check net.arch", "--help", "check --help"])
def test_a_file_may_not_be_so_large(command: str, tmp_path: Path) -> None:
    said = "error[A008]: `<stdout>` cannot be written: file too large\n"
    assert ran(f"{command} > out", tmp_path, "ulimit -f 0; ") == (1, said)


@pytest.mark.parametrize("command", ["lsp", "mcp"])
def test_a_server_has_both_streams(command: str, tmp_path: Path) -> None:
    pytest.importorskip({"lsp": "pygls"}.get(command, command))
    said = "error[A002]: `<stdin>` cannot be read: it is closed\n"
    assert ran(f"{command} <&-", tmp_path) == (1, said)
    said = "error[A008]: `<stdout>` cannot be written: it is closed\n"
    assert ran(f"{command} >&- </dev/null", tmp_path) == (1, said)


GONE = """\
import os, sys
from archdsl.cli.main import main

sys.stderr = None
try:
    main(["check", "nothing.arch", "--json"])
except SystemExit as ended:
    os._exit(40 + ended.code)
"""


def test_nobody_reads_on_and_nobody_hears_of_it() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    assert subprocess.run([sys.executable, "-c", GONE], stdout=writing).returncode == 41
    os.close(writing)


@pytest.mark.parametrize("command", ["check -", "fmt -"])
def test_nothing_can_come_in(command: str, tmp_path: Path) -> None:
    code, said = ran(f"{command} <&-", tmp_path)
    assert code == 1
    assert said.splitlines()[0] == "error[A002]: `<stdin>` cannot be read: it is closed"


def test_nobody_hears(tmp_path: Path) -> None:
    assert ran("check net.arch >&-", tmp_path) == (0, "")
    assert ran("check nothing.arch >&- 2>&-", tmp_path) == (1, "")
