"""Whatever a search says, nothing but ``ArchError`` leaves the library."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants import SEARCHES, search_mutants
from test_fuzz import LETTERS, said

from archdsl import ArchError
from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.search.reading import read_search
from archdsl.search.space import space_of
from archdsl.syntax.format import format_source
from archdsl.syntax.language import SEARCH

HERE = Path(__file__).parent


def used(text: str) -> None:
    """What `archdsl check` asks of a search before widths are solved for."""
    space_of(read_search(Source("fuzz.search", text), HERE, REGISTRY), HERE)


def tried(text: str) -> None:
    for ask in (used, reformatted):
        try:
            ask(text)
        except ArchError as error:
            said(error)


def reformatted(text: str) -> None:
    once = format_source(Source("fuzz.search", text), SEARCH)
    assert format_source(Source("fuzz.search", once), SEARCH) == once


@settings(max_examples=300)
@given(search_mutants())
def test_searches_with_some_tokens_changed(text: str) -> None:
    tried(text)


@settings(max_examples=100)
@given(st.one_of(st.text(max_size=60), st.text(LETTERS, max_size=60)))
def test_any_text(text: str) -> None:
    tried(text)
    tried(f"{SEARCHES[0]}\n{text}\n")


@pytest.mark.parametrize("number", range(len(SEARCHES)))
def test_what_is_changed_was_well_before(number: int) -> None:
    used(SEARCHES[number])
