"""The formatter: pairs of texts, and what holds for every text.

``ARCHDSL_REWRITE=1 pytest tests/syntax`` writes the texts that follow anew.
"""

import os
from pathlib import Path

import pytest
from format_checks import check, formatted
from hypothesis import given, settings
from program_texts import spec_texts

from archdsl import ArchError
from archdsl.files import builtin_folder

PAIRS = sorted((Path(__file__).parent / "format").glob("*.before.arch"))
REWRITE = bool(os.environ.get("ARCHDSL_REWRITE"))


def read(path: Path) -> str:
    return path.read_bytes().decode()  # line ends as they are


@pytest.mark.parametrize("before", PAIRS, ids=lambda path: path.name.partition(".")[0])
def test_pairs(before: Path) -> None:
    after = before.with_name(before.name.replace(".before.", ".after."))
    text = formatted(read(before))
    if REWRITE:
        after.write_text(text, "utf-8")
    assert text == read(after)
    check(read(before))
    check(read(after))


@pytest.mark.parametrize(
    "path", sorted(builtin_folder().rglob("*.arch")), ids=lambda path: path.stem
)
def test_built_in_specs_are_formatted(path: Path) -> None:
    assert formatted(read(path)) == read(path)
    check(read(path))


@settings(max_examples=60)
@given(spec_texts())
def test_random_texts(text: str) -> None:
    check(text)


@settings(max_examples=40)
@given(spec_texts(fuel=15))
def test_a_text_that_lost_its_looks_gets_them_back(text: str) -> None:
    """Without indentation and blank lines the same text comes out, blank lines apart."""
    once = formatted(text)
    bare = "\n".join(line.strip() for line in once.split("\n") if line.strip())
    again = formatted(bare)
    assert [x for x in again.split("\n") if x] == [x for x in once.split("\n") if x]


def test_what_does_not_parse_is_not_touched() -> None:
    with pytest.raises(ArchError):
        formatted("arch net(\n")
