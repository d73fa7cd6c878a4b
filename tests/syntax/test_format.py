"""The formatter: pairs of texts, and what holds for every text.

``ARCHDSL_REWRITE=1 pytest tests/syntax`` writes the texts that follow anew.
"""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from program_texts import spec_texts

from archdsl import ArchError
from archdsl.diagnostics.source import Source
from archdsl.files import builtin_folder
from archdsl.syntax.format import format_source
from archdsl.syntax.language import tokenize
from archdsl.syntax.parse import parse

PAIRS = sorted((Path(__file__).parent / "format").glob("*.before.arch"))
REWRITE = bool(os.environ.get("ARCHDSL_REWRITE"))


def formatted(text: str) -> str:
    return format_source(Source("x.arch", text))


def read(path: Path) -> str:
    return path.read_bytes().decode()  # line ends as they are


def comments(text: str) -> list[str]:
    return [str(t).rstrip() for t in tokenize(Source("x.arch", text)) if t.type == "COMMENT"]


def check(text: str) -> None:
    """Nothing but the looks changes, and that once."""
    once = formatted(text)
    assert formatted(once) == once
    assert parse(Source("x.arch", once)).statements == parse(Source("x.arch", text)).statements
    assert comments(once) == comments(text)
    docs = [parse(Source("x.arch", t)).docs.values() for t in (text, once)]
    assert list(docs[0]) == list(docs[1])
    lines = once.split("\n")
    assert all(line == line.rstrip() and "\t" not in line.split("#")[0] for line in lines)
    assert once == "" or (once.endswith("\n") and not once.endswith("\n\n"))
    assert not once.startswith("\n") and "\n\n\n" not in once and "\r" not in once


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


@settings(max_examples=150)
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
