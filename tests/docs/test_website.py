"""The site of the documents: put together, built strictly, and asking nothing of other hosts."""

import json
import re
import sys
from pathlib import Path

import pytest
from fences import ROOT
from required import skip

import archdsl

sys.path.insert(0, str(ROOT / "docs"))
import lexer
import website


def test_pages_say_the_language_of_a_fence_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(website, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    text = """\
```arch file net.arch
relu
```
```arch fragment 3x8x8
relu
```
[a page](b.md#part), [a file](../grammars/arch.lark), [a host](https://arxiv.org), [here](#part)
"""
    (tmp_path / "docs" / "a.md").write_text(text, "utf-8")
    path = Path("docs/a.md")
    assert (
        website.page(path, {path, Path("docs/b.md")})
        == """\
```arch title="net.arch"
relu
```
```arch
relu
```
[a page](b.md#part), a file, [a host](https://arxiv.org), [here](#part)
"""
    )


def test_pages_that_the_menu_does_not_name() -> None:
    menu = [{"Home": "README.md"}, {"More": [{"The language": "docs/language.md"}]}]
    known = {Path("README.md"), Path("docs/new.md"), Path("docs/language.md")}
    assert website.menu_of(known, menu) == [{"More": ["docs/new.md"]}]
    assert website.menu_of(known - {Path("docs/new.md")}, menu) == []


def test_colours() -> None:
    line = 'stem: conv(width, 3) -> bn  # "why"'
    found = [(line[a:b], scope) for a, b, scope in lexer.pieces(line, "arch")]
    assert found == [
        ("stem", "entity.name.tag.arch"),
        ("conv", "entity.name.function.call.arch"),
        ("3", "constant.numeric.arch"),
        ("->", "keyword.operator.arch"),
        ('# "why"', "comment.line.number-sign.arch"),
    ]
    tokens = lexer.SearchLexer().get_tokens("spec resnet\nseeds 2 then 5\n")
    assert "".join(text for _, text in tokens) == "spec resnet\nseeds 2 then 5\n"


def test_every_public_name_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference.md").read_text("utf-8")
    shown = set(re.findall(r"^::: (\S+)", text, re.MULTILINE))
    assert {f"archdsl.{name}" for name in archdsl.__all__} - shown == {"archdsl.Search"}
    assert archdsl.Search.__module__ + ".Search" in shown


@pytest.mark.slow
def test_the_site(tmp_path: Path) -> None:
    """Strict: a link to no page or no heading, and a page in no menu, are errors."""
    site = tmp_path / "site"
    try:
        import mkdocs  # noqa: F401
        import mkdocstrings  # noqa: F401
    except ImportError:
        skip("the extra `docs` is not installed")
    website.build_documents(site)
    home = (site / "index.html").read_text("utf-8")
    assert 'href="playground/"' in home
    pages = [html.read_text("utf-8") for html in site.rglob("*.html")]
    assert len(pages) > len(website.pages())
    for html in pages:
        assert not re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="?(?:https?:)?//', html)
    errors = (site / "docs" / "errors" / "index.html").read_text("utf-8")
    assert "</code> cannot be read: &lt;reason" in errors and "<reason" not in errors
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    titles = {entry["title"] for entry in index["docs"]}
    assert {"Quickstart", "Cookbook", "Python API", "Which shapes cost the same?"} <= titles
    reference = (site / "docs" / "reference" / "index.html").read_text("utf-8")
    assert 'id="archdsl.Architecture.macs"' in reference
    assert "Multiply-adds of convolutions, linear layers and attention" in reference
