"""The generated parts of the documents are what the code says."""

import sys

import pytest
from fences import DOCUMENTS, ROOT

sys.path.insert(0, str(ROOT / "docs"))
import tables


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_generated_parts_are_in_step(document):
    text = document.read_text("utf-8")
    assert tables.rewritten(text) == text, "run `python docs/tables.py`"


def test_every_layer_function_and_code_is_there():
    shown = (ROOT / "docs" / "language.md").read_text("utf-8")
    known = tables.REGISTRY
    for name in (*known.layers, *known.patterns, *tables.FUNCTIONS, *tables.INITIALISATIONS):
        assert f"`{name}" in shown, name


def test_every_part_has_a_place():
    marked = {match[1] for path in DOCUMENTS for match in tables.MARKED.findall(path.read_text())}
    assert marked == set(tables.PARTS)
