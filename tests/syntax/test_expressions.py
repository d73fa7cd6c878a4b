"""What binds tighter than what, and what an expression may be."""

from fractions import Fraction

import pytest
from trees import shown, value

from archdsl import ArchError
from archdsl.syntax import tree

PRECEDENCE = {
    # one row for each level of the grammar against the next
    "a or b and c": "(a or (b and c))",
    "a and b or c": "((a and b) or c)",
    "a or b or c": "((a or b) or c)",
    "a and b and c": "((a and b) and c)",
    "not a and b": "((not a) and b)",
    "not a or not b": "((not a) or (not b))",
    "not not a": "(not (not a))",
    "not a == b": "(not (a == b))",
    "a == b and c != d": "((a == b) and (c != d))",
    "a < b + c": "(a < (b + c))",
    "a + b < c - d": "((a + b) < (c - d))",
    "a < b <= c == d": "(a < b <= c == d)",
    "a in b": "(a in b)",
    "a in 1..3": "(a in (1 .. 3 step _))",
    "a in 1..9 step 2 and b": "((a in (1 .. 9 step 2)) and b)",
    "a in b..c + d": "(a in (b .. (c + d) step _))",
    "a + b - c": "((a + b) - c)",
    "a - b - c": "((a - b) - c)",
    "a + b * c": "(a + (b * c))",
    "a * b + c": "((a * b) + c)",
    "a / b * c // d % e": "((((a / b) * c) // d) % e)",
    "-a * b": "((- a) * b)",
    "-a ^ b": "(- (a ^ b))",
    "a ^ -b": "(a ^ (- b))",
    "a ^ b ^ c": "(a ^ (b ^ c))",
    "-2 ^ 2": "(- (2 ^ 2))",
    "a * -b": "(a * (- b))",
    "a - -b": "(a - (- b))",
    "- - a": "(- (- a))",
    "a ^ b * c": "((a ^ b) * c)",
    "a[1] ^ 2": "((a at 1) ^ 2)",
    "a ^ b[1]": "(a ^ (b at 1))",
    "a[1][2]": "((a at 1) at 2)",
    "a.b.c": "((a.b).c)",
    "a[1].b": "((a at 1).b)",
    "a(1)[2]": "(a(1) at 2)",
    "in.channels * 2": "(in.channels * 2)",
    "(a + b) * c": "((a + b) * c)",
    "1..n": "(1 .. n step _)",
    "1..n + 1": "(1 .. (n + 1) step _)",
    "a or b..c or d step e": "((a or b) .. (c or d) step e)",
    "1..n step 2 * k": "(1 .. n step (2 * k))",
    "xs[1..2]": "(xs at (1 .. 2 step _))",
    "a if b else c": "(a if b else c)",
    "a if b else c if d else e": "(a if b else (c if d else e))",
    "a + 1 if b or c else d": "((a + 1) if (b or c) else d)",
    "1..2 if a else 3..4": "((1 .. 2 step _) if a else (3 .. 4 step _))",
    "a -> b -> c": "(a -> b -> c)",
    "(a if b else c) -> d": "((a if b else c) -> d)",
    "(a -> b) -> c": "((a -> b) -> c)",
    "a(1, b = 2) -> c": "(a(1, b=2) -> c)",
    "a concat { b; c } -> d": "(a() concat {Apply; Apply} -> d)",
    "a(1) { }": "a(1) {}",
    "a { b }": "a() {Apply}",
    "{ a; b }": "{Apply; Apply}",
    "a -> { b }": "(a -> {Apply})",
    "f(a -> b, { c })": "f((a -> b), {Apply})",
    "f()": "f()",
    "f(a,)": "f(a)",
    "[]": "[]",
    "[a]": "[a]",
    "[a, b,]": "[a, b]",
    "(a,)": "[a]",
    "(a, b)": "[a, b]",
    "(a, b,)": "[a, b]",
    "(a)": "a",
    "[a -> b, c]": "[(a -> b), c]",
    "true and not false": "(True and (not False))",
    '"a" < "b"': "('a' < 'b')",
    "3x224x224": "3x224x224",
}


@pytest.mark.parametrize("text", PRECEDENCE)
def test_precedence(text: str) -> None:
    assert shown(value(text)) == PRECEDENCE[text]


def test_match() -> None:
    node = value("match d { 18 | 34 => [2], 1..3 => a -> b; _ => c, }")
    assert isinstance(node, tree.Match)
    assert shown(node.subject) == "d"
    arms = [([shown(p) for p in arm.patterns], shown(arm.value)) for arm in node.arms]
    assert arms == [(["18", "34"], "[2]"), (["(1 .. 3 step _)"], "(a -> b)"), (["_"], "c")]


def test_comprehensions() -> None:
    node = value("[x * y for x in 1..3 if x > 1 for (y, z) in pairs]")
    assert isinstance(node, tree.Comprehension)
    assert shown(node.item) == "(x * y)"
    first, second = node.clauses
    assert [t.text for t in first.targets] == ["x"] and not first.unpack
    assert shown(first.items) == "(1 .. 3 step _)" and shown(first.condition) == "(x > 1)"
    assert [t.text for t in second.targets] == ["y", "z"] and second.unpack
    assert shown(second.items) == "pairs" and second.condition is None


NUMBERS = {
    "0": 0,
    "64": 64,
    "007": 7,
    "0.5": Fraction(1, 2),
    "1.0": 1,
    "1e3": 1000,
    "1E3": 1000,
    "1e-4": Fraction(1, 10_000),
    "2.5e+3": 2500,
    "2.5E-1": Fraction(1, 4),
    "10K": 10_000,
    "10M": 10_000_000,
    "4.1G": 4_100_000_000,
    "0.5T": 500_000_000_000,
    "1.0001K": Fraction(10_001, 10),
    "1e-3K": 1,
    "15%": Fraction(3, 20),
    "100%": 1,
    "23.85%": Fraction(477, 2000),
    "0.1": Fraction(1, 10),
    "123456789012345678901234567890": 123456789012345678901234567890,
    "1e300": 10**300,
}


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_are_exact(text: str) -> None:
    node = value(text)
    assert isinstance(node, tree.Literal)
    assert node.value == NUMBERS[text]
    assert type(node.value) is type(NUMBERS[text]), "a whole number is no fraction"


@pytest.mark.parametrize(
    "text, meant",
    [
        ("5 % 3", "(5 % 3)"),
        ("5%3", "(5 % 3)"),
        ("5 %3", "(5 % 3)"),
        ("5%(3)", "(5 % 3)"),
        ("5%", "1/20"),
        ("5% + 3", "(1/20 + 3)"),
        ("5%, 3", None),
        ("depth%6", "(depth % 6)"),
        ("1..3", "(1 .. 3 step _)"),
        ("1.5..3.5", "(3/2 .. 7/2 step _)"),
        ("2x", None),
        ("10m", None),
        ("1.", None),
        (".5", None),
        ("1_000", None),
        ("0x10", "0x10"),  # a shape
        ("3x224x224x", None),
        ("x3", "x3"),
        ("3 x 3", None),
    ],
)
def test_where_numbers_end(text: str, meant: str | None) -> None:
    if meant is None:
        with pytest.raises(ArchError, match="A01"):
            value(text)
    else:
        assert shown(value(text)) == meant


@pytest.mark.parametrize(
    "text, meant",
    [
        ('""', ""),
        ('"a b"', "a b"),
        (r'"a\"b"', 'a"b'),
        (r'"a\\b"', "a\\b"),
        (r'"a\\nb"', "a\\nb"),
        (r'"a\nb"', "a\nb"),
        (r'"\\\\n\n\""', '\\\\n\n"'),
        ('"# no comment"', "# no comment"),
        ('"日本 é"', "日本 é"),
    ],
)
def test_texts(text: str, meant: str) -> None:
    node = value(text)
    assert isinstance(node, tree.Literal) and node.value == meant


def test_shapes() -> None:
    for text, meant in {"1x7": (1, 7), "3x224x224": (3, 224, 224), "0x1": (0, 1)}.items():
        assert value(text) == tree.Literal(value(text).span, meant)
