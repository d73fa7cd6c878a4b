"""``archdsl fmt``: in place, checked, as a difference, and through a pipe."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from archdsl.cli.main import cli

UGLY = "arch   net\ninput 3x8x8\nconv(8,3)->bn # wide: 日本\n"
NICE = "arch net\ninput 3x8x8\nconv(8, 3) -> bn  # wide: 日本\n"
BROKEN = "arch net(\n"


def fmt(*arguments: object, input: bytes | None = None) -> Result:
    """The command in this process; its exit code is its result, as in ``main``."""
    return CliRunner().invoke(
        cli, ["fmt", *map(str, arguments)], input=input, standalone_mode=False
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "ugly.arch").write_text(UGLY, "utf-8")
    (tmp_path / "nice.arch").write_text(NICE, "utf-8")
    (tmp_path / "deep" / "er" / "ugly.arch").write_text(UGLY, "utf-8")
    (tmp_path / "deep" / "notes.txt").write_text(UGLY, "utf-8")
    return tmp_path


def test_in_place(folder: Path) -> None:
    result = fmt("ugly.arch", "nice.arch")
    assert (result.return_value, result.output) == (0, "ugly.arch formatted\n")
    assert (folder / "ugly.arch").read_text("utf-8") == NICE
    result = fmt("ugly.arch")
    assert (result.return_value, result.output) == (0, "")


def test_a_folder_stands_for_its_specs(folder: Path) -> None:
    result = fmt("deep")
    assert result.output == f"{Path('deep/er/ugly.arch')} formatted\n"
    assert (folder / "deep" / "notes.txt").read_text("utf-8") == UGLY


def test_check(folder: Path) -> None:
    result = fmt("--check", ".")
    assert result.return_value == 1
    assert sorted(result.output.splitlines()) == [
        f"{Path('deep/er/ugly.arch')} would be formatted",
        "ugly.arch would be formatted",
    ]
    assert (folder / "ugly.arch").read_text("utf-8") == UGLY
    assert fmt("--check", "nice.arch").return_value == 0


def test_diff(folder: Path) -> None:
    result = fmt("--diff", "ugly.arch", "nice.arch")
    assert result.return_value == 0
    assert result.output == (
        "--- ugly.arch\n+++ ugly.arch (formatted)\n@@ -1,3 +1,3 @@\n"
        "-arch   net\n+arch net\n input 3x8x8\n"
        "-conv(8,3)->bn # wide: 日本\n+conv(8, 3) -> bn  # wide: 日本\n"
    )
    assert (folder / "ugly.arch").read_text("utf-8") == UGLY
    assert fmt("--diff", "--check", "ugly.arch").return_value == 1


def test_a_diff_of_odd_line_ends(folder: Path) -> None:
    (folder / "odd.arch").write_bytes("arch net # a\u2028b\r\nrelu".encode())
    assert fmt("--diff", "odd.arch").stdout_bytes.decode() == (
        "--- odd.arch\n+++ odd.arch (formatted)\n@@ -1,2 +1,2 @@\n"
        "-arch net # a\u2028b\r\n-relu\n\\ No newline at end of file\n"
        "+arch net  # a\u2028b\n+relu\n"
    )


def test_through_a_pipe() -> None:
    result = fmt("-", input=UGLY.encode())
    assert (result.return_value, result.output) == (0, NICE)
    assert fmt("-", "--check", input=UGLY.encode()).return_value == 1
    assert fmt("-", "--check", input=NICE.encode()).return_value == 0
    assert fmt("-", input=b"").output == ""


def test_a_mistake_stops_no_other_file(folder: Path) -> None:
    (folder / "broken.arch").write_text(BROKEN)
    (folder / "bytes.arch").write_bytes(b"\xff\xfe")
    result = fmt("broken.arch", "missing.arch", "bytes.arch", "ugly.arch")
    assert result.return_value == 1
    assert (folder / "broken.arch").read_text() == BROKEN
    assert (folder / "ugly.arch").read_text("utf-8") == NICE
    found = [line[:11] for line in result.stderr.splitlines() if line.startswith("error")]
    assert found == ["error[A015]", "error[A001]", "error[A003]"]
    assert result.stdout == "ugly.arch formatted\n"


def test_a_mistake_on_standard_input() -> None:
    result = fmt("-", input=BROKEN.encode())
    assert result.return_value == 1 and result.stdout == ""
    assert "--> <stdin>:1:9" in result.stderr


def test_permissions_and_links_stay(folder: Path) -> None:
    (folder / "ugly.arch").chmod(0o640)
    (folder / "link.arch").symlink_to("ugly.arch")
    assert fmt("link.arch").return_value == 0
    assert (folder / "link.arch").is_symlink()
    assert (folder / "ugly.arch").read_text("utf-8") == NICE
    assert (folder / "ugly.arch").stat().st_mode & 0o777 == 0o640


def test_names_of_files_do_not_reach_the_terminal_raw(folder: Path) -> None:
    name = "a\x1b[31m.arch"
    (folder / name).write_text(UGLY, "utf-8")
    for result in (fmt("--check", name), fmt("--diff", name), fmt(name)):
        assert "\x1b" not in result.output and "a\N{REPLACEMENT CHARACTER}[31m" in result.output


def test_output_is_utf_8_whatever_the_terminal_takes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from archdsl.cli.main import main; main(['fmt', '-'])"],
        input=UGLY.encode(),
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, NICE, b"")
