"""Every search in the documents is one.

- ``search``: a whole file; each of its slices has candidates.
- ``search fragment``: statements among those of the header that docs/search.md shows; where the
  fragment has a statement of its own, that of the header is left out.
- ``search error A703``: exactly this mistake, and no other; with ``fragment`` among the header's.
"""

from pathlib import Path

import pytest
from fences import DOCUMENTS, ROOT, Fence, fences

from archdsl import ArchError
from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.search import settings
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.space import space_of
from archdsl.syntax.format import format_source
from archdsl.syntax.language import SEARCH
from archdsl.training.recipe import TABLES

HEADER = """search example
spec wide_resnet
vary depth in {10, 16, 22, 28}
data digits
"""
PAGE = ROOT / "docs" / "search.md"
ALL = [f for document in DOCUMENTS for f in fences(document) if f.language == "search"]
each = pytest.mark.parametrize("fence", ALL, ids=str)


def whole(fence: Fence) -> str:
    if "fragment" not in fence.words:
        return fence.text
    said = {line.split()[0] for line in fence.text.splitlines() if line.strip()}
    kept = [line for line in HEADER.splitlines(True) if line.split()[0] not in said]
    return "".join(kept) + fence.text


@each
def test_a_search(fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for other in fences(fence.document):
        name = other.after("file")
        if name is not None and name.endswith(".arch"):
            (tmp_path / name).write_text(other.text, "utf-8")
    (tmp_path / "images" / "cat").mkdir(parents=True)
    (tmp_path / "images" / "dog").mkdir()
    code = fence.after("error")
    source = Source("example.search", whole(fence))
    if code is not None:
        with pytest.raises(ArchError) as caught:
            survey(space_of(read_search(source, tmp_path), tmp_path))
        assert [d.code for d in caught.value.diagnostics] == [code], str(caught.value)
        return
    space = space_of(read_search(source, tmp_path), tmp_path)
    if not space.is_measured:
        assert survey(space)


@each
def test_searches_look_as_fmt_would_have_them(fence: Fence) -> None:
    assert format_source(Source(str(fence), fence.text), SEARCH) == fence.text


def test_the_header_is_the_one_that_is_shown() -> None:
    assert HEADER in PAGE.read_text("utf-8")


def test_every_statement_and_every_kind_is_shown() -> None:
    text = "\n".join(f.text for f in fences(PAGE) if f.language == "search")
    begins = {line.split()[0] for line in text.splitlines() if line.strip()}
    assert {word.lower() for word in SEARCH.starters} <= begins
    whole_page = PAGE.read_text("utf-8")
    for table in (
        settings.SAMPLERS,
        settings.PRUNERS,
        settings.BASELINES,
        REGISTRY.data,
        *TABLES.values(),
    ):
        for name in table:
            assert f"`{name}`" in whole_page or f"`{name}(" in whole_page, name
