"""The formatter on .search files: the same rules, the same command."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from format_checks import check, formatted
from hypothesis import given, settings
from search_texts import search_texts

from archdsl import ArchError
from archdsl.cli.main import cli
from archdsl.files import SEARCH as ENDING
from archdsl.files import builtin_folder
from archdsl.syntax.language import SEARCH

UGLY = """## What is asked.
search   x # a name


vary a in{1,2},b in 1 .. 3
hold macs={1M,
5M,   # the larger one
# and so on
}
within 2%
by width   step 2
data digits(validation=0.1,
test=20%) ; trials 3,timeout 2h
# the end"""
NICE = """## What is asked.
search x  # a name

vary a in {1, 2}, b in 1..3
hold macs = {1M,
  5M,  # the larger one
  # and so on
}
  within 2%
  by width step 2
data digits(validation = 0.1,
  test = 20%); trials 3, timeout 2h
# the end
"""


def fmt(*arguments: object, input: bytes | None = None) -> Result:
    """The command in this process; its exit code is its result, as in ``main``."""
    return CliRunner().invoke(
        cli, ["fmt", *map(str, arguments)], input=input, standalone_mode=False
    )


def test_looks() -> None:
    assert formatted(UGLY, SEARCH) == NICE
    check(UGLY, SEARCH)


@pytest.mark.parametrize(
    "path", sorted(builtin_folder(ENDING).glob("*.search")), ids=lambda path: path.stem
)
def test_searches_that_ship_are_formatted(path: Path) -> None:
    text = path.read_text("utf-8")
    assert formatted(text, SEARCH) == text
    check(text, SEARCH)


@settings(max_examples=120)
@given(search_texts())
def test_random_searches(text: str) -> None:
    check(text, SEARCH)


@settings(max_examples=25)
@given(search_texts(fuel=15))
def test_a_search_that_lost_its_looks_gets_them_back(text: str) -> None:
    """Without indentation and blank lines the same text comes out, blank lines apart."""
    once = formatted(text, SEARCH)
    bare = "\n".join(line.strip() for line in once.split("\n") if line.strip())
    again = formatted(bare, SEARCH)
    assert [x for x in again.split("\n") if x] == [x for x in once.split("\n") if x]


def test_the_command_knows_a_search_by_its_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    for name in ("x.search", "deep/y.search"):
        (tmp_path / name).write_text(UGLY, "utf-8")
    (tmp_path / "deep" / "z.arch").write_text("arch   z\ninput 1x8x8\nrelu\n", "utf-8")
    found = fmt("--check", ".")
    assert found.return_value == 1
    assert found.output.splitlines() == [
        f"{name} would be formatted" for name in ("deep/y.search", "deep/z.arch", "x.search")
    ]
    shown = fmt("--diff", "x.search").output
    assert shown.startswith("--- x.search\n+++ x.search (formatted)\n@@ -1,14 +1,13 @@\n")
    assert "\n-vary a in{1,2},b in 1 .. 3\n" in shown
    assert "\n+vary a in {1, 2}, b in 1..3\n" in shown
    assert (tmp_path / "x.search").read_text("utf-8") == UGLY
    assert fmt(".").return_value == 0
    assert (tmp_path / "x.search").read_text("utf-8") == NICE
    assert (tmp_path / "deep" / "y.search").read_text("utf-8") == NICE
    assert fmt("--check", ".").return_value == 0


def test_a_search_through_a_pipe() -> None:
    result = fmt("-", "--stdin-name", "x.search", input=UGLY.encode())
    assert (result.return_value, result.stdout) == (0, NICE)
    wrong = fmt("-", "--stdin-name", "x.search", input=b"search x\nvry a\n")
    assert wrong.return_value == 1
    assert "--> x.search:2:1" in wrong.stderr and "did you mean `vary`?" in wrong.stderr


def test_what_is_no_search_is_not_touched(tmp_path: Path) -> None:
    with pytest.raises(ArchError):
        formatted("search x\nvary\n", SEARCH)
