"""Searches and spaces from texts, for tests that train nothing."""

from pathlib import Path

from archdsl import parse
from archdsl.diagnostics.source import Source
from archdsl.search.reading import read_search
from archdsl.search.request import SearchRequest
from archdsl.search.space import Space, space_of

TINY = """arch tiny(depth = 2 in 1..8, width = 8 in 1..64, classes = 10)
input 1x8x8
repeat depth { conv(width, 3) -> bn -> relu }
global_avgpool -> linear(classes)
"""
START = "search x\nspec a\ndata digits\n"


def search_of(asked: str, spec: str = TINY) -> SearchRequest:
    """A search of a spec; ``asked`` are the statements behind ``spec`` and ``data``."""
    return read_search(Source("x.search", START + asked), Path(), spec=parse(spec, "a.arch"))


def space(asked: str, spec: str = TINY) -> Space:
    return space_of(search_of(asked, spec), Path())
