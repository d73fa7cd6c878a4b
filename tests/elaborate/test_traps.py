"""What once made another network without a word: each says so now, or means what it reads as."""

import pytest

import archdsl
from archdsl.lint import warnings

HEAD = "arch net(width = 8, over = 4, same = true)\ninput 3x8x8\n"


def params(body: str) -> int:
    return archdsl.parse(HEAD + body).with_knobs().params


CONDITIONAL = "identity if same else avgpool(2) -> conv(width, 1)"


@pytest.mark.parametrize(
    "body",
    [
        f"residual(shortcut = {CONDITIONAL}) {{ conv(3, 3) }}",
        f"conv(3, 3) -> {CONDITIONAL}",
        f"let way = {CONDITIONAL}\nway",
        f"branch concat {{ {CONDITIONAL}; identity }}",
        "relu if same else silu -> bn if same else identity",
    ],
)
def test_a_conditional_in_the_middle_of_a_chain_asks_for_parentheses(body: str) -> None:
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.parse(HEAD + body).with_knobs()
    (found,) = caught.value.diagnostics
    assert found.code == "A021"
    assert "parentheses" in found.helps[0]


def test_parentheses_say_which_of_both_is_meant() -> None:
    conv = 3 * 8 + 8  # 1x1, with its bias
    assert params("(identity if same else avgpool(2)) -> conv(width, 1)") == conv
    assert params("bn if same else (avgpool(2) -> conv(width, 1))") == 2 * 3


def test_a_turn_of_a_branch_whose_if_is_not_taken_is_no_arm() -> None:
    arch = archdsl.parse(
        HEAD + "branch concat { for i in 1..4 { if i != 2 { conv(width, 1) } } }"
    ).with_knobs()
    assert (arch.output, arch.params) == ((3 * 8, 8, 8), 3 * 32)


def doubts(spec: archdsl.Spec) -> list[archdsl.Diagnostic]:
    """Warnings of an `in` that is another tensor's."""
    found = warnings(spec.program, spec.with_knobs().network)
    return [d for d in found if d.code == "A977"]


PASSED = "block unit(last) { conv(2 * width, 3, bias = false) -> last }\n"


def test_in_of_a_layer_that_is_passed_on_is_told() -> None:
    text = HEAD + PASSED + "unit(conv(in.channels, 1, bias = false))"
    (found,) = doubts(archdsl.parse(text))
    assert found.span is not None
    assert found.span.text == "in.channels"
    assert "let value = in.channels" in found.helps[0]
    assert archdsl.parse(text).with_knobs().output == (16, 8, 8)


def test_in_of_a_let_is_that_of_the_tensor_where_it_stands() -> None:
    text = HEAD + PASSED + "let c = in.channels\nunit(conv(c, 1, bias = false))"
    spec = archdsl.parse(text)
    assert doubts(spec) == []
    assert spec.with_knobs().output == (3, 8, 8)


@pytest.mark.parametrize("call", ["unit", "unit()", "unit(over = over)", "outer", "outer(4)"])
def test_a_parameter_has_the_knob_of_its_name_as_its_default(call: str) -> None:
    blocks = (
        "block unit(over = over) { conv(width * over, 1) }\n"
        "block outer(over = over) { unit(over) }\n"
    )
    assert params(blocks + call) == 4 * 32


def test_what_is_given_wins_over_such_a_default() -> None:
    assert params("block unit(over = over) { conv(width * over, 1) }\nunit(2)") == 2 * 32
    spec = archdsl.parse(HEAD + "block unit(over = over) { conv(width * over, 1) }\nunit")
    assert spec.with_knobs(over=1).params == 32


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("conv(4, 3) as x\nbranch add { x; { conv(5, 3)\n x } }", 4),
        ("conv(4, 3) as x\nlabel: {\n  conv(5, 3)\n  x\n}\nrelu", 5),
        ("conv(4, 3) as x\nresidual {\n  conv(4, 3)\n  x\n}", 5),
        ("block side(x) { x -> conv(4, 1) }\nconv(4, 3) as x\nconv(5, 3)\nside(x)", 5),
        ("block f(x) { branch add { x; tanh -> x } }\nconv(4, 3) as x\nconv(5, 3)\nf(x)", 3),
        (
            "block two(x) { x -> conv(4, 1) }\nblock one(x) { two(x) }\n"
            "conv(4, 3) as x\nconv(5, 3)\none(x)",
            6,
        ),
    ],
)
def test_a_layer_whose_result_only_a_part_is_given_that_does_not_look_at_it(
    body: str, line: int
) -> None:
    """It was left out without a word, or had weights for nothing."""
    with pytest.raises(archdsl.ArchError) as caught:
        params(body)
    (found,) = caught.value.diagnostics
    assert (found.code, found.span and found.span.line) == ("A140", line)


def test_a_part_that_looks_at_kept_tensors_alone_may_follow_what_is_used_elsewhere() -> None:
    body = "block side(x) { x -> conv(4, 1) }\nconv(4, 3) as x\nside(x) as y\nside(x) as z\n"
    weights = 27 * 4 + 4 + 2 * (16 + 4)
    assert params(body + "branch add { y; z }") == weights
