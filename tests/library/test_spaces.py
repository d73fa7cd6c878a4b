"""The specs that come with archdsl: formatted texts, and a name of its own for each variant."""

from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics.source import Source
from archdsl.files import builtin_folder, builtin_names
from archdsl.syntax.format import format_source

TEXTS = sorted(builtin_folder().rglob("*.arch"))


@pytest.mark.parametrize("path", TEXTS, ids=[str(p.relative_to(builtin_folder())) for p in TEXTS])
def test_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_source(Source(path.name, text)) == text


def test_no_two_variants_have_one_name() -> None:
    """A variant can be compiled by its name alone, so that nothing else may have it."""
    names = [v for name in builtin_names() for v in archdsl.read(name).variants]
    taken = {*builtin_names()}
    again = {n for n in names if names.count(n) > 1 or n in taken}
    assert not again
