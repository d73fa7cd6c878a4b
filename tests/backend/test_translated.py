"""The source says what the spec says: a class is right for arguments that its network does not
use."""

from typing import Any

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch import nn

import archdsl
from archdsl.backend.build import load_source
from archdsl.backend.terms import PRODUCT, Num, Ratio, added, divided, multiplied, rounded_up

UNIT = """arch net(classes = 10)
input 4x8x8
block unit(c, ratio = 2, k = 3) {{
  let few = ceil(c / ratio)
  conv(few, k) -> bn -> relu
  conv(few * (ratio - 1) + 1, 1, bias = false)
  conv(in.channels + c, k) -> bn
  conv(2 * c, 1)
}}
{calls}
"""
USES = "unit(8) -> unit(16, k = 5) -> unit(12, ratio = 4)"


def shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for p in module.parameters()]


@pytest.mark.parametrize("c", [1, 2, 7, 15, 24])
@pytest.mark.parametrize("ratio", [2, 3, 5])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_a_class_is_right_for_other_arguments(c: int, ratio: int, k: int) -> None:
    names = load_source(archdsl.parse(UNIT.format(calls=USES)).with_knobs().source(), "net")
    alone = archdsl.parse(UNIT.format(calls=f"unit({c}, ratio = {ratio}, k = {k})"))
    with torch.device("meta"):
        made = names["Unit"](in_channels=4, c=c, ratio=ratio, k=k)
        wanted = alone.with_knobs().build()
    assert shapes(made) == shapes(wanted)


def test_a_long_let_is_a_variable() -> None:
    source = archdsl.parse(UNIT.format(calls=USES)).with_knobs().source()
    assert "        few = math.ceil(c / ratio)\n" in source
    assert "import math\n" in source
    assert "nn.Conv2d(in_channels, few, k, padding=k // 2)" in source


def test_what_a_block_says_is_not_what_its_numbers_happen_to_be() -> None:
    """Of two units whose results have as many channels as come in, too."""
    text = "arch net\ninput 16x8x8\nblock unit(c) { conv(c, 1) -> bn }\n"
    text += "unit(16) -> unit(16) -> conv(8, 1) -> unit(8)"
    source = archdsl.parse(text).with_knobs().source()
    assert "nn.Conv2d(in_channels, c, 1)" in source and "nn.BatchNorm2d(c)" in source


@given(st.lists(st.tuples(st.sampled_from("+-*/%"), st.integers(0, 5)), max_size=8))
def test_sums_that_are_put_together_keep_their_value(steps: list[tuple[str, int]]) -> None:
    values = {"a": 12, "b": 8, "d": 20}
    a, b = Num.of(12, "a"), Num.of(8, "b")
    terms: list[Any] = [a, b, Num.of(4, "d // 5", PRODUCT), 1, 2, 3]
    found: Any = a + b
    for way, place in steps:
        other = terms[place]
        if way == "+":
            found = found + other
        elif way == "-":
            found = found - other
        elif way == "*":
            found = found * (place + 1)
        elif way == "/":
            found = found // (place + 2)
        else:
            found = found // ((place + 1) * other)
        if isinstance(found, Num):
            assert eval(found.text, dict(values)) == int(found)


def test_expressions_of_terms() -> None:
    a, b = Num.of(6, "a"), Num.of(4, "b")
    said = {
        "2 * a + b": 2 * a + b,
        "a + 2": a + 1 + 1,
        "a": a + 1 - 1,
        "2 * a": a + a,
        "a * (b + 1)": a * (b + 1),
        "2 * a - b": a - (b - a),
        "b": a + 2 * b - (a + b + 1) + 1,
        "-2 * b": (a - b) - (a + b),
        "5 - a": 5 - (a + b) + b,
        "3 * b": (4 * b + 2 * b) // 2,
        "a // (a // 4)": 3 * a // (3 * (a // 4)),
        "a * b - 2": a * b + a - (a + 2),
        "3 * (a // 4)": (a // 4) * 3,
        "3 * a // 4": multiplied(divided(Ratio(a, 1), Ratio(4, 1)), Ratio(3, 1)).whole(),
        "math.ceil(a / b)": rounded_up(divided(Ratio(a, 1), Ratio(b, 1))),
        "(a + 2 * b) // 2": added(
            divided(Ratio(a, 1), Ratio(2, 1)), divided(Ratio(2 * b, 1), Ratio(2, 1))
        ).whole(),
    }
    for text, term in said.items():
        assert term.text == text
        assert eval(text, {"a": 6, "b": 4, "math": __import__("math")}) == term
