"""A layer or a block as a value takes along what a `default` sets where it is written."""

import archdsl
from archdsl.layers.base import Layer

HEAD = "arch test(c = 10)\ninput 3x32x32\n"


def layers(text: str, name: str) -> list[Layer]:
    flat = archdsl.parse(HEAD + text).with_knobs().flat
    return [n.layer for n in flat.nodes if n.layer is not None and n.layer.name == name]


def eps(text: str) -> list[float]:
    return [layer.eps for layer in layers(text, "bn")]


def test_a_value_written_below_a_default_has_it() -> None:
    assert eps("let a = bn\ndefault bn(eps = 0.5)\nlet b = bn\na -> b") == [1e-5, 0.5]


def test_an_argument_and_the_default_of_a_parameter_have_it() -> None:
    text = (
        "default bn(eps = 0.5)\nblock unit(norm = bn) { norm }\nunit\nunit(bn)\nunit(bn(eps = 2))"
    )
    assert eps(text) == [0.5, 0.5, 2.0]


def test_more_can_be_given_and_wins() -> None:
    text = "default bn(eps = 0.5)\nlet norm = bn\nnorm(momentum = 0.3) -> norm(eps = 1)"
    first, second = layers(text, "bn")
    assert (first.eps, first.momentum) == (0.5, 0.3)
    assert (second.eps, second.momentum) == (1.0, 0.1)


def test_what_a_default_leaves_open_can_be_given_later() -> None:
    text = "default conv(bias = false)\nlet conv_ = conv\nconv_(8, 3) -> conv_(8, kernel = 1)"
    assert [(c.kernel, c.bias) for c in layers(text, "conv")] == [(3, False), (1, False)]


def test_inner_defaults_end_with_their_scope() -> None:
    text = "{ default bn(eps = c / 4); let inner = bn; inner }\nlet outer = bn\nouter"
    assert eps(text) == [2.5, 1e-5]


def test_a_block_as_a_value() -> None:
    block = "block unit(c, k = 3) { conv(c, k) }\ndefault unit(k = 5)\nlet u = unit\n"
    assert [c.kernel for c in layers(block + "u(8) -> u(8, k = 1)", "conv")] == [5, 1]


def test_a_wrong_default_is_shown_where_it_stands() -> None:
    try:
        eps('default bn(eps = "x")\nlet norm = bn\nnorm')
    except archdsl.ArchError as error:
        (found,) = error.diagnostics
        assert found.span is not None
        assert found.span.text == 'eps = "x"'
    else:
        raise AssertionError("a text is no amount")
