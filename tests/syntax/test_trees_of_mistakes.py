"""A text with mistakes has a tree: all that could be read, and `Poison` for what could not."""

import pytest

from archdsl.diagnostics.source import Source
from archdsl.files import builtin_names, read_source
from archdsl.syntax import tree
from archdsl.syntax.language import SEARCH
from archdsl.syntax.parse import Parsed, read_tree

TEXT = """arch net(width = 16)
input 3x8x8
let x
block unit(c) {
  conv(c 3)
  bn
}
stem: conv(width, 3) -> -> bn
head: linear(10)
"""


def read(text: str) -> Parsed:
    return read_tree(Source("x.arch", text))


def kinds(nodes: tuple[tree.Node, ...]) -> list[str]:
    return [type(node).__name__ for node in nodes]


def test_what_could_be_read_is_there() -> None:
    parsed = read(TEXT)
    assert [(d.code, d.span.line) for d in parsed.found if d.span] == [
        ("A012", 3),
        ("A011", 5),
        ("A011", 8),
    ]
    assert kinds(parsed.file.statements) == [
        "Arch", "Input", "Poison", "Block", "Poison", "Labelled",
    ]  # fmt: skip
    block = parsed.file.statements[3]
    assert isinstance(block, tree.Block)
    assert kinds(block.body.statements) == ["Poison", "Apply"]


def test_a_poison_stands_where_the_statement_stands() -> None:
    statements = read(TEXT).file.statements
    assert [n.span.text for n in statements if isinstance(n, tree.Poison)] == [
        "let x",
        "stem: conv(width, 3) -> -> bn",
    ]


@pytest.mark.parametrize(
    "text, made",
    [
        ("", []),
        ("arch net\nblock b {", ["Arch", "Block"]),
        ("arch net\nblock b {\n  residual {\n    conv(3", ["Arch", "Block"]),
        ("arch net\nif a { relu } else {\n bn", ["Arch", "If"]),
        ("arch net\nf((residual { conv(3) -> ", ["Arch", "Poison"]),
        ("arch net\nlet x = match d { 1 => residual { relu", ["Arch", "Let"]),
        ("let = 1\n" * 200, None),
    ],
)
def test_a_text_that_is_cut_off_has_a_tree(text: str, made: list[str] | None) -> None:
    found = kinds(read(text).file.statements)
    assert set(found) == {"Poison"} if made is None else found == made


@pytest.mark.parametrize("name", builtin_names())
def test_a_spec_cut_anywhere_has_a_tree_and_a_mistake_or_none(name: str) -> None:
    text = read_source(name)[0].text
    for at in range(0, len(text), max(1, len(text) // 12)):
        parsed = read(text[:at])
        whole = len(read(text).file.statements)
        assert len(parsed.file.statements) <= whole
        for node in parsed.file.walk():
            assert 0 <= node.span.start <= node.span.end <= at


def test_a_search_with_mistakes_has_a_tree() -> None:
    text = "search s\nspec resnet\nvary depth 3\nseeds 2 then 5\n"
    parsed = read_tree(Source("x.search", text), SEARCH)
    assert kinds(parsed.file.statements) == ["Search", "Spec", "Poison", "Seeds"]
    assert [d.code for d in parsed.found] == ["A011"]
