"""What `prove` says of a space, against trying every candidate of it by itself."""

from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archdsl
from archdsl import ArchError, Architecture, Diagnostic, Spec
from archdsl.analysis.space import Proof, prove
from archdsl.diagnostics import codes
from archdsl.layers.base import Layer
from archdsl.registry import REGISTRY

KNOBS = (
    "arch net(a = 4 in 1..12, b = 8 in 2..16 step 2, "
    'c = 1 in {1, 2, 3}, m = "x" in {"x", "y"}, on = true in {true, false})\n'
    "input 12x16x16\n"
)


def assignments(spec: Spec) -> list[dict[str, Any]]:
    """Every assignment of a small space."""
    domains = {n: k.domain.enumerate() for n, k in spec.knobs.items() if k.domain is not None}
    return [dict(zip(domains, values, strict=True)) for values in product(*domains.values())]


@cache
def alone(text: str) -> Spec:
    """A spec that is asked for one candidate after the other, and remembers none."""
    spec = archdsl.parse(text)
    spec.families.able = False
    return spec


def by_itself(text: str, knobs: dict[str, Any]) -> Architecture:
    spec = alone(text)
    spec.program.memo.clear()
    spec.program.ops.clear()
    return spec.candidate(knobs, first_only=True)


def first_mistake(text: str, knobs: dict[str, Any]) -> Diagnostic | None:
    """What is wrong with one candidate."""
    try:
        by_itself(text, knobs)
    except ArchError as error:
        return error.diagnostics[0]
    return None


def one_by_one(spec: Spec) -> tuple[int, int, int]:
    """How many candidates are networks, are ruled out, and are neither."""
    found = [first_mistake(spec.source.text, knobs) for knobs in assignments(spec)]
    excluded = [d for d in found if d is not None and d.kind is codes.REQUIREMENT]
    wrong = [d for d in found if d is not None and d.kind is not codes.REQUIREMENT]
    return len(found) - len(excluded) - len(wrong), len(excluded), len(wrong)


def agrees(text: str) -> Proof:
    """The proof of a space, which is what trying all of it would say."""
    spec = archdsl.parse(text)
    proof = prove(spec.program)
    good, excluded, wrong = one_by_one(spec)
    assert proof.total == good + excluded + wrong
    assert proof.holds == (wrong == 0)
    if proof.counterexample is None:
        assert proof.complete
        assert (proof.covered, proof.excluded) == (proof.total, excluded)
        assert proof.how == f"all {proof.total:,} assignments"
    else:
        assert not proof.complete
        shown = proof.counterexample.knobs
        single = first_mistake(text, {n: spec.read_knob(n, shown[n]) for n in shown})
        told = proof.counterexample.diagnostics[0]
        assert single is not None
        assert told.span is not None and single.span is not None
        assert (told.code, told.span.start, told.span.end) == (
            single.code,
            single.span.start,
            single.span.end,
        )
        assert told.message == single.message
        assert told.knobs == {n: shown[n] for n in spec.knobs}
    return proof


HOLDS = {
    "a width": "conv(a, 3) -> bn -> relu",
    "a depth": "repeat a { conv(b, 3) }",
    "a stride that fits": "conv(8, 3, stride = a)",
    "groups that are asked for": "require b % c == 0\nconv(b, 1) -> conv(b, 3, groups = c)",
    "a case apart": "if a == 7 { conv(12, 1) } else { conv(a, 1) }",
    "a half where it is whole": "conv(b / 2, 1)",
    "rounded": "conv(ceil(a / 3), 1) -> conv(floor(b / 5) + 1, 1)",
    "a product": "conv(a * b + c, 1)",
    "a power": "conv(a ^ 2 + 1, 1)",
    "a list": "for x in [a, b, a + b] { conv(x, 3) }",
    "an index": "let xs = [4, 8, 16]\nconv(xs[c], 1)",
    "a match": "conv(match c { 1 => a, 2 | 3 => b }, 1)",
    "a shortcut": "conv(b, 1) -> residual { conv(a, 3, stride = 2) }",
    "a sum that meets": "conv(b, 1) -> branch add { identity; conv(b, 3) }",
    "texts and booleans": 'if m == "x" and on { conv(a, 1) } else { maxpool(2) }',
    "a function": "fn even(n) = n // 2 * 2 + 2\nconv(even(a), 1) -> conv(even(a) / 2, 1)",
    "the shape": "conv(b, 1) -> conv(in.channels / 2, 1) -> conv(in.channels * a, 1)",
    "many requirements": 'require a > 3\nrequire b < 10 or on\nrequire m == "x" or c > 1\n'
    "conv(a - 3, 1)",
}


@pytest.mark.parametrize("body", HOLDS.values(), ids=HOLDS.keys())
def test_every_candidate_is_a_network(body: str) -> None:
    assert agrees(f"{KNOBS}{body}\n").holds


FAILS = {
    "one value of one": ("require a == 5 or true\nif a == 11 { conv(0, 1) } else { relu }", "A301"),
    "groups": ("conv(b, 1) -> conv(b, 3, groups = a)", "A209"),
    "a window": ("repeat a { maxpool(2) }", "A207"),
    "a fraction": ("conv(a / 2, 1)", "A301"),
    "a sum": ("branch add { conv(a, 1); conv(b, 1) }", "A201"),
    "an index": ("let xs = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]\nconv(xs[a], 1)", "A305"),
    "a division": ("conv(12 // (a - 6) + 20, 1)", "A307"),
    "no arm": ("conv(match a { 1..11 => 4 }, 1)", "A313"),
    "two at once": ("if a == 3 and b == 10 { conv(7, 2) } else { relu }", "A208"),
    "all five": (
        'if a == 3 and b == 10 and c == 2 and m == "y" and not on { maxpool(17) } else { relu }',
        "A207",
    ),
    "only where it is required": ("require a > 10\nconv(12 - a, 1)", "A301"),
    "deep inside": (
        "block unit(c) { residual(shortcut = identity) { conv(c, 3) } }\n"
        "stage: repeat 2 { branch concat { unit(12); unit(b) } }",
        "A201",
    ),
}


@pytest.mark.parametrize(("body", "code"), FAILS.values(), ids=FAILS.keys())
def test_a_candidate_that_is_no_network_is_shown(body: str, code: str) -> None:
    proof = agrees(f"{KNOBS}{body}\n")
    assert proof.counterexample is not None
    assert proof.counterexample.diagnostics[0].code == code


def test_budgets_are_of_networks_and_rule_out_none_here() -> None:
    """What a candidate costs is known when it is a network: all are covered, the dear ones too."""
    proof = prove(archdsl.parse(f"{KNOBS}require params <= 2K\nconv(a * b, 1)\n").program)
    assert (proof.holds, proof.complete, proof.excluded) == (True, True, 0)


# ----------------------------------------------------------------------- random spaces

NUMBERS = st.recursive(
    st.sampled_from(["a", "b", "c", "1", "2", "3", "8", "12"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        inner.map(lambda n: f"floor({n})"),
        inner.map(lambda n: f"round({n})"),
        st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
    ),
    max_leaves=4,
)
CONDITIONS = st.one_of(
    st.tuples(NUMBERS, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in"]), NUMBERS).map(
        lambda t: f"{t[0]} in 2..{t[2]}" if t[1] == "in" else f"{t[0]} {t[1]} {t[2]}"
    ),
    st.sampled_from(['m == "x"', "on", "c == 2"]),
)
STATEMENTS = st.one_of(
    NUMBERS.map(lambda n: f"conv({n}, 1)"),
    NUMBERS.map(lambda n: f"conv(12, 3, stride = {n})"),
    NUMBERS.map(lambda n: f"conv(24, 3, groups = {n})"),
    NUMBERS.map(lambda n: f"repeat {n} {{ conv(12, 3) }}"),
    NUMBERS.map(lambda n: f"maxpool({n})"),
    NUMBERS.map(lambda n: f"branch add {{ identity; conv({n}, 1) }}"),
    NUMBERS.map(lambda n: f"residual {{ conv({n}, 3, stride = 2) }}"),
    st.tuples(CONDITIONS, NUMBERS).map(lambda t: f"if {t[0]} {{ conv({t[1]}, 1) }}"),
    CONDITIONS.map(lambda c: f"require {c}"),
)


@settings(max_examples=60)
@given(st.lists(STATEMENTS, min_size=1, max_size=3))
def test_random_spaces(statements: list[str]) -> None:
    """144 candidates each."""
    knobs = (
        'arch net(a = 4 in 1..6, b = 8 in 2..12 step 2, c = 1 in {1, 2}, m = "x" in {"x", "y"})\n'
        "input 12x16x16\n"
    )
    body = "\n".join(statements).replace("on", "c == 1") if "on " in statements else statements
    text = knobs + "\n".join(body if isinstance(body, list) else [body]) + "\nrelu\n"
    try:
        archdsl.parse(text)
    except ArchError:
        return
    agrees(text)


# -------------------------------------------------------------------- what is too large


def test_numbers_of_any_size_are_covered_at_once() -> None:
    proof = prove(
        archdsl.parse(
            "arch net(a = 4 in 1..10^6, b = 4 in 1..10^6)\ninput 3x8x8\nconv(a, 3) -> conv(b, 1)\n"
        ).program
    )
    assert (proof.holds, proof.complete, proof.total) == (True, True, 10**12)
    assert proof.covered == 10**12 and proof.runs < 10


def test_continuous_knobs_are_covered_too() -> None:
    text = "arch net(p = 0.1 in 0..0.9, w = 0.5 in 0.25..4.5)\ninput 8x8x8\n"
    proof = prove(archdsl.parse(f"{text}dropout(p) -> conv(max(1, round(16 * w)), 1)\n").program)
    assert proof.holds and proof.total is None
    wrong = prove(archdsl.parse(f"{text}dropout(2 * p)\n").program)
    assert wrong.counterexample is not None
    assert wrong.counterexample.diagnostics[0].code == "A301"
    assert float(wrong.counterexample.knobs["p"]) > 0.5


def test_the_ends_of_continuous_knobs_are_among_them() -> None:
    """One run covers a knob whose ends make no difference; one that is wrong at an end alone is
    found there."""
    text = "arch net(p = 0.1 in 0..0.9, q = 0.25 in 0..0.5)\ninput 8x8x8\n"
    survives = "residual(survive = 1 - p * q) { conv(8, 3) }"
    proof = prove(archdsl.parse(f"{text}dropout(p) -> {survives}\n").program)
    assert proof.complete and proof.holds and proof.runs == 1
    for wrong, at in (("q < 1/2", "0.5"), ("0 < q", "0"), ("q != 1/4", "0.25")):
        spec = f"{text}if {wrong} {{ relu }} else {{ conv(3, 1, groups = 3) }}\n"
        found = prove(archdsl.parse(spec).program).counterexample
        assert found is not None and found.knobs["q"] == at


def test_listed_numbers_are_covered_at_once() -> None:
    """A list of numbers is split where something depends on which it is."""
    text = (
        "arch net(c = 8 in {8, 16, 48}, r = 1 in {1/2, 1, 8/3}, g = 4 in {1, 4, 8})\n"
        "input (3, 32, c)\nconv(3 * c, 3) -> conv(6 * c * r, 3, groups = g) -> linear(10)\n"
    )
    proof = prove(archdsl.parse(text).program)
    assert proof.complete and proof.holds and proof.covered == 27 and proof.runs < 27
    assert prove(archdsl.parse(text.replace("groups = g", "groups = 1")).program).runs == 1
    found = prove(archdsl.parse(text.replace("{1, 4, 8}", "{1, 4, 9}")).program).counterexample
    assert found is not None and found.knobs["g"] == "9"


def test_a_space_that_cannot_be_covered_says_what_was() -> None:
    text = "arch net(a = 1 in 1..10^6, b = 1 in 1..10^6)\ninput 3x8x8\n"
    proof = prove(archdsl.parse(f"{text}conv((a * b) % 97 + 1, 1)\n").program, 200)
    assert proof.holds and not proof.complete and proof.covered < 10**12
    assert proof.runs <= 200 + 300
    assert proof.how == (
        f"{proof.covered:,} of 1,000,000,000,000 assignments, and 300 by themselves, which may be "
        "among them: the ends and middles of all knobs, alone and in pairs, and some at random"
    )


FRACTIONS = "arch net(r = 1 in 0.25..2.2 step 0.15, b = 2 in 1..4)\ninput 12x16x16\n"


@pytest.mark.parametrize(
    "body",
    [
        "conv(max(4, round(b * r) * 4), 1) -> conv(max(8, floor(b * r * 0.7)), 1)",
        "conv(1 + floor(floor(r * 2.7) / 5 + 0.4 * b), 1)",
        "if round(r * 3) % 2 == 0 { conv(8, 1) } else { conv(4, 1) }",
        "repeat ceil(r * 0.7 + b / 9) { conv(8, 1) }",
        "conv(1 + floor(r * 3), 1) -> residual { conv(1 + round(r * 2.5), 3) }",
        "conv(max(6, 6 * floor(r * b)), 1) -> conv(max(9, 3 * round(r * b)), 1, groups = 3)",
        "repeat 3 { conv(max(1, round(b * r)), 1) -> conv(max(1, round(in.channels / 2)), 1) }",
    ],
)
def test_what_is_rounded_of_fractions(body: str) -> None:
    assert agrees(f"{FRACTIONS}{body}\n").holds


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("conv(round(r * 1.2), 1)", "A301"),
        ("branch add { conv(1 + floor(r * 3), 1); conv(1 + round(r * 2.5), 1) }", "A201"),
    ],
)
def test_a_rounding_that_is_no_network_is_shown(body: str, code: str) -> None:
    proof = agrees(f"{FRACTIONS}{body}\n")
    assert proof.counterexample is not None
    assert proof.counterexample.diagnostics[0].code == code


WIDTHS = """
arch net(width = 1 in 0.35..1.5 step 0.01, size = 64 in {32, 64})
input (3, size, size)
fn nearest(v, by) = max(by, round(v / by) * by)
fn divisible(v, by = 8) = nearest(v, by) + (by if nearest(v, by) < 0.9 * v else 0)
block unit(c, stride) {
  residual(shortcut = "identity" if stride == 1 and c == in.channels else "none") {
    conv(6 * in.channels, 1)
    conv(in.channels, 3, stride = stride, groups = in.channels)
    conv(max(1, round(in.channels / 4)), 1)
    conv(c, 1)
  }
}
conv(divisible(32 * width), 3, stride = 2)
for (n, c) in [(2, 24), (3, 40), (4, 112)] {
  repeat n as j { unit(divisible(c * width), 2 if j == 1 else 1) }
}
linear(10)
"""


def test_roundings_are_walked_by_their_pieces() -> None:
    """Widths in steps of a hundredth, rounded: all are covered in fewer runs than there are."""
    proof = prove(archdsl.parse(WIDTHS).program)
    assert proof.complete and proof.holds and proof.total == 232
    assert proof.runs < 80


def test_products_that_are_rounded_are_covered_whole() -> None:
    """Three factors, rounded to at least one, and loops whose turns may leave another width."""
    proof = prove(archdsl.read("patterns").program)
    assert proof.complete and proof.holds and proof.total == proof.covered == 2_062_476
    assert proof.runs < 1000


def test_a_rounding_of_which_nothing_is_asked_takes_no_run() -> None:
    """Widths as HarDNet has them: a million assignments at once."""
    text = (
        "arch net(factor = 1.7 in 1.001..2 step 0.001, scale = 1 in 0.5..1.499 step 0.001)\n"
        "input 3x8x8\nfn width(k) = floor((14 * scale * factor ^ k + 1) / 2) * 2\n"
        "conv(width(0), 3) as a\nconv(width(1), 3) as b\n"
        "branch concat { a; b } -> conv(width(2), 3) -> residual { conv(in.channels, 3) }\n"
    )
    proof = prove(archdsl.parse(text).program)
    assert proof.complete and proof.holds and proof.total == proof.covered == 10**6
    assert proof.runs == 1


def test_choices_inside_bodies_are_tried_where_they_stand() -> None:
    cell = (
        "block cell(c) { choose op { conv(c, 3); conv(c, 5); maxpool(3, stride = 1, pad = 1) } }\n"
    )
    text = f"arch net(w = 8 in 4..16)\ninput 3x8x8\n{cell}conv(w, 1)\n"
    proof = prove(archdsl.parse(f"{text}repeat 10 {{ cell(w) }}\n").program)
    assert proof.holds and proof.complete and proof.choices == 30
    wrong = prove(
        archdsl.parse(f"{text}cell(w)\ncell(w + 1)\nconv(w + 1, 1, groups = w + 1)\n").program
    )
    assert wrong.counterexample is not None
    assert wrong.counterexample.knobs["cell2.op"] == "maxpool(3, stride = 1, pad = 1)"
    assert wrong.counterexample.diagnostics[0].code == "A209"


@pytest.mark.parametrize(
    ("first", "second", "options"),
    [
        ("relu", "x: identity; y: maxpool(9)", {"b": "y"}),
        ("choose a { x: identity; y: maxpool(4) }", "x: identity; y: maxpool(4)", "yy"),
        ("choose a { x: identity; y: relu }", "x: maxpool(9); y: identity", {"a": "x", "b": "x"}),
    ],
)
def test_a_counterexample_names_the_choice_that_fails(
    first: str, second: str, options: Any
) -> None:
    wanted = {"a": "y", "b": "y"} if options == "yy" else options
    text = (
        f"arch net(classes = 10)\ninput 1x8x8\n{first}\nchoose b {{ {second} }}\nlinear(classes)\n"
    )
    spec = archdsl.parse(text)
    counterexample = prove(spec.program).counterexample
    assert counterexample is not None and dict(counterexample.knobs) == wanted
    assert counterexample.diagnostics[0].knobs == {"classes": "10", **wanted}
    with pytest.raises(ArchError) as caught:
        spec.candidate(wanted)
    assert caught.value.diagnostics[0].code == counterexample.diagnostics[0].code


# Floats are rounded: in which order they are added and multiplied matters.
ROUNDED = {
    "a product": "if a * log(2) >= log(32) { conv(a, 3, groups = 2) } else { conv(a, 1) }",
    "a sum": "if a + exp(-40) > a { conv(a, 3, groups = 2) } else { conv(a, 1) }",
    "a difference": "conv(floor(a * sqrt(2) - sqrt(2)) + 1, 1)",
    "a quotient": "conv(max(1, floor(a / log(3))), 1)",
    "a remainder": "conv(floor(a % sqrt(3)) + 1, 1)",
    "a comparison": "if a >= 5 * sqrt(2) { conv(a, 1) } else { conv(1, 1) }",
    "equal": "if a == exp(0) { conv(a, 1) } else { conv(12, 1) }",
}


@pytest.mark.parametrize("body", ROUNDED.values(), ids=ROUNDED.keys())
def test_floats_and_knobs(body: str) -> None:
    agrees(f"{KNOBS}{body}\n")


def test_a_sum_of_many_terms_is_undecided() -> None:
    knobs = ", ".join(f"{n} = 1 in 0..1" for n in "abcdef")
    sums = " * ".join(f"((a + 1 + {n}) - a)" for n in "bcdef")
    proof = prove(archdsl.parse(f"arch net({knobs})\ninput 3x8x8\nconv({sums}, 1)\n").program)
    assert (proof.holds, proof.complete, proof.total) == (True, True, 64)


class Picky(Layer):
    """A layer of a user's that asks for a number itself."""

    name = "picky"

    def shape(self, *inputs: tuple[int, ...]) -> tuple[int, ...]:
        channels = inputs[0][0]
        return (channels + 0 * channels.bit_length(), *inputs[0][1:])


def test_a_layer_that_needs_values_is_proved_value_by_value_and_that_is_said() -> None:
    text = "arch net(a = 4 in 1..12)\ninput 3x8x8\nconv(a, 1) -> {} -> conv(4, 1)\n"
    spec = archdsl.parse(text.format("picky"), registry=REGISTRY.with_added([Picky]))
    proof = prove(spec.program)
    assert (proof.holds, proof.complete, proof.covered, proof.decided) == (True, True, 12, True)
    assert proof.how == (
        "all 12 assignments; a layer that is not built in cannot work with undecided numbers: "
        "knobs that it depends on were tried value by value"
    )
    assert not prove(archdsl.parse(text.format("relu")).program).decided


def test_a_number_of_unknowns_in_a_message() -> None:
    """What is wrong for a width that is not known yet is told of one that is."""
    spec = archdsl.parse(
        "arch r(width = 8 in 4..32)\ninput 3x32x32\n"
        "conv(width, 3) -> global_avgpool -> reshape([8])\nlinear(10)\n"
    )
    found = prove(spec.program)
    assert found.counterexample is not None
    assert found.counterexample.knobs["width"] == "4"
    assert found.counterexample.diagnostics[0].message == "4x1x1 has 4 elements, but 8 needs 8"


INEXACT = ("exp(0)..3 step 1", "1..3 step exp(0)", "1..exp(1) step 1", "sqrt(2)..4 step sqrt(2)")


@pytest.mark.parametrize("domain", INEXACT)
@pytest.mark.parametrize(
    "layer", ["conv(round(w), 1)", "conv(max(1, round(w) % 2), 1)", "conv(w, 1)"]
)
def test_grids_with_an_inexact_end_or_step_are_tried_place_by_place(
    domain: str, layer: str
) -> None:
    default = "sqrt(2)" if "sqrt" in domain else "1"
    spec = archdsl.parse(f"arch n(w = {default} in {domain})\ninput 3x8x8\n{layer}\n")
    proof = prove(spec.program)
    each = [check_one(spec, w) for w in spec.knobs["w"].domain.enumerate()]  # type: ignore[union-attr]
    assert proof.holds == all(each), (proof, each)
    assert proof.complete or not proof.holds


def check_one(spec: Spec, value: Any) -> bool:
    try:
        spec.with_knobs(w=value)
    except ArchError:
        return False
    return True


def test_a_rounded_number_of_a_grid_is_the_one_that_was_proved() -> None:
    text = "arch n(w = {} in 1..3)\ninput 3x8x8\nlet xs = [4, 5, 6]\nconv(xs[w], 1)\n"
    for default in ("2", "2 * exp(0)", "exp(log(2))"):
        spec = archdsl.parse(text.format(default))
        assert prove(spec.program).holds and type(spec.knobs["w"].default) is int
        for value in (3, 3.0, "3 * exp(0)", "log(exp(3))"):
            assert spec.with_knobs(w=value).output == (6, 8, 8), (default, value)
