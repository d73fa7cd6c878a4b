"""After a syntax error, parsing goes on: as many mistakes as there are, and no more."""

from itertools import combinations

import pytest

from archdsl import ArchError
from archdsl.diagnostics.model import MOST
from archdsl.diagnostics.source import Source
from archdsl.syntax.parse import parse


def mistakes(text: str) -> list[tuple[str, int]]:
    """The code and the line of each."""
    try:
        parse(Source("x.arch", text))
    except ArchError as error:
        spans = [d.span for d in error.diagnostics]
        assert None not in spans
        return [(d.code, d.span.line) for d in error.diagnostics if d.span is not None]
    return []


BROKEN = {  # one or more lines with one mistake, and its code
    "let = 3": "A011",
    "x = 3": "A011",
    "conv(64 3)": "A011",
    "conv(64, 3) -> -> bn": "A011",
    "relu)": "A011",
    "if a = 3 { relu }": "A011",
    "if a { relu } elif b { relu }": "A011",
    "if a { relu } else b { relu }": "A011",
    "for c { conv(c, 3) }": "A011",
    "for in xs { relu }": "A111",
    "block unit(c, { relu }": "A011",
    "residual { conv(3 3) }": "A011",
    "residual {\n  relu\n  conv(3 3)\n  bn\n}": "A011",
    "a { b { c { d( } } }": "A011",
    "match d { 1 => a, 2 = b }": "A011",
    "let x = [1, 2": "A015",
    "conv(64, 3": "A015",
    "stem: conv(64, [1, 2)": "A011",
    "stem: conv(64, [1, 2) -> relu": "A011",
    "f(1, (2, [3)": "A011",
    "let x": "A012",
    "let x = a if b": "A012",
    "default conv": "A012",
    "relu bn": "A012",
    "relu → bn": "A013",
    "let s = 'a'": "A013",
    'let s = "a': "A014",
    "let x = 1e999": "A018",
    'let s = "\\q"': "A019",
    "let in = 3": "A111",
}


@pytest.mark.parametrize("text", BROKEN)
def test_one_mistake_is_one_diagnostic(text: str) -> None:
    found = mistakes(f"arch net\ninput 3x8x8\n{text}\nbn -> relu\nblock b {{ relu }}\n")
    assert [code for code, _ in found] == [BROKEN[text]]


def late(code: str) -> bool:
    """Whether a mistake is looked for in texts alone whose statements are whole."""
    return code == "A018"


@pytest.mark.parametrize(
    "first, second", list(combinations([t for t in BROKEN if not late(BROKEN[t])], 2))
)
def test_two_mistakes_are_two_diagnostics(first: str, second: str) -> None:
    text = f"arch net\n{first}\ninput 3x8x8\nblock b {{ relu }}\n{second}\nbn -> relu\n"
    assert [code for code, _ in mistakes(text)] == [BROKEN[first], BROKEN[second]]


@pytest.mark.parametrize("text", [t for t in BROKEN if not late(BROKEN[t])])
def test_many_mistakes_in_a_block_and_outside(text: str) -> None:
    whole = f"block b(c) {{\n{text}\nrelu\n{text}\n}}\n{text}\nblock c {{ relu }}\n{text}\nrelu\n"
    assert [code for code, _ in mistakes(whole)] == [BROKEN[text]] * 4


def test_lines_are_told_in_their_order() -> None:
    text = 'let a = "\\q"\nlet = 1\nlet s = "x\nrelu # \x1b[31m\nconv(1\nrelu\nlet b = ]\n'
    assert mistakes(text) == [
        ("A019", 1),
        ("A011", 2),
        ("A014", 3),
        ("A013", 4),
        ("A015", 5),
        ("A011", 7),
    ]


def test_there_are_no_more_than_a_few() -> None:
    assert len(mistakes("let = 1\n" * 500)) == MOST
    assert len(mistakes("# \x07\n" * 500)) == MOST
    assert len(mistakes("let x = 1e999\n" * 500)) == MOST


def test_a_brace_too_many() -> None:
    assert mistakes("block b { relu }}\nblock c { relu }\nlet = 1\n") == [("A011", 1), ("A011", 3)]
    assert mistakes("}\nrelu\n") == [("A011", 1)]
    assert mistakes("}}}}\nrelu\n") == [("A011", 1)]


def test_a_brace_too_few() -> None:
    assert mistakes("block b {\n  relu\nblock c { relu }\n") == [("A015", 1)]
    assert mistakes("block b {\n  residual {\n    relu\n}\nblock c { relu }\n") == [("A015", 1)]


def test_the_end_of_the_file() -> None:
    assert mistakes("relu ->") == [("A016", 1)]
    assert mistakes("relu\nlet x =\n\n# end\n") == [("A016", 4)]
    assert mistakes("conv(3,") == [("A015", 1)]
    assert mistakes("f(g({") == [("A015", 1)]


def test_a_header_that_is_not_closed() -> None:
    text = "arch net(\n  a = 1,\n  b = 2\n\ninput 3x8x8\nlet = 1\nrelu\n"
    assert mistakes(text) == [("A015", 1), ("A011", 6)]


def test_a_mistake_inside_parentheses_that_are_closed() -> None:
    text = "arch net(\n  a = 1\n  b = 2,\n  c = 3\n)\ninput 3x8x8\nlet = 1\n"
    assert mistakes(text) == [("A011", 3), ("A011", 7)]


def test_a_text_over_two_lines() -> None:
    text = 'paper "A long title\n  that goes on", year = 2015\nlet = 1\n'
    assert mistakes(text) == [("A014", 1), ("A011", 3)]
    assert mistakes('let a = "x\nlet b = "y\nlet = 1\n') == [("A014", 1), ("A014", 2), ("A011", 3)]
