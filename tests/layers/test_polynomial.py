"""Polynomials over knobs: whatever they answer holds for each of their values."""

import operator
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from math import ceil, floor, inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.elaborate.functions import FUNCTIONS
from archdsl.layers.polynomial import MAX_TERMS, Polynomial, unknown_value
from archdsl.layers.unknowns import Effort, Undecided

COUNTS = {"a": 4, "b": 3}  # places of each unknown
A, B = (unknown_value(name, count, 0, 1) for name, count in COUNTS.items())
PLACES = [dict(zip(COUNTS, p, strict=True)) for p in product(*map(range, COUNTS.values()))]


def at(value: Any, places: dict[str, int]) -> Any:
    return value.at(places) if isinstance(value, Polynomial) else value


COEFFICIENTS = st.one_of(
    st.integers(-6, 6), st.fractions(min_value=-3, max_value=3, max_denominator=4)
)


@st.composite
def polynomials(draw: st.DrawFn) -> Any:
    value: Any = draw(COEFFICIENTS)
    for monomial in (A, B, A * B, A * A):
        value = value + draw(COEFFICIENTS) * monomial
    return value


def test_roundings_within_roundings_come_to_an_end() -> None:
    """Each holds the one before it twice: what is too much to look at is tried value by value."""
    r = unknown_value("r", 1000, Fraction(1, 1000), Fraction(1, 1000), rounds=Effort(inf))
    value = r
    with pytest.raises(Undecided) as asked:
        for _ in range(40):
            value = floor(value * Fraction(11, 10) + r)
    assert value.parts() == 75 and len(repr(value)) == 529
    assert asked.value.unknown.name == "r"


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: (Fraction(a) if isinstance(a, int) else a) / b,
    "//": operator.floordiv,
    "%": operator.mod,
}


@pytest.mark.parametrize("symbol", ARITHMETIC)
@given(polynomials(), st.one_of(polynomials(), COEFFICIENTS))
def test_arithmetic_is_that_of_every_value(symbol: str, x: Any, y: Any) -> None:
    apply = ARITHMETIC[symbol]
    for left, right in ((x, y), (y, x)):
        try:
            result = apply(left, right)
        except (Undecided, ZeroDivisionError):
            continue  # an answer may be refused, but not be wrong
        for places in PLACES:
            assert at(result, places) == apply(at(left, places), at(right, places))


RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@pytest.mark.parametrize("symbol", RELATIONS)
@given(polynomials(), st.one_of(polynomials(), COEFFICIENTS))
def test_a_comparison_holds_for_every_value(symbol: str, x: Any, y: Any) -> None:
    holds = RELATIONS[symbol]
    try:
        answer = holds(x, y)
    except Undecided:
        answers = {holds(at(x, p), at(y, p)) for p in PLACES}
        assert len(answers) == 2 or not linear(x, y), "a linear question is answered if it can be"
        return
    assert {holds(at(x, p), at(y, p)) for p in PLACES} == {answer}


def linear(x: Any, y: Any) -> bool:
    """Whether one whole multiple of one unknown is asked about: nothing is lost of those."""
    difference = x - y
    if not isinstance(difference, Polynomial) or not difference.is_whole():
        return False
    return len([m for m in difference.terms if m]) == 1 and not any(
        len(m) > 1 for m in difference.terms
    )


@given(polynomials())
def test_rounding(x: Any) -> None:
    for rounded in (floor, ceil):
        try:
            result = rounded(x)
        except Undecided:
            continue
        for places in PLACES:
            assert at(result, places) == rounded(at(x, places))


R = unknown_value("r", 5, Fraction(3, 10), Fraction(3, 7), Effort(inf))
S = unknown_value("s", 5, Fraction(4, 10), Fraction(4, 7), Effort(inf))
MOVED = [{"r": i, "s": j} for i, j in product(range(5), repeat=2)]


@given(COEFFICIENTS, COEFFICIENTS, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 8))
def test_the_greater_of_a_number_and_what_is_rounded(
    c: Any, d: Any, start: int, least: int, by: int
) -> None:
    """Alone, within further roundings and greater ones, and where it is compared."""
    greatest = FUNCTIONS["max"].apply
    rounded = by * floor(c * R + d * R * S + start)
    found = greatest((least, rounded), None)
    again = greatest((floor(found * Fraction(3, 4) + d * S), least + 1), None)
    for places in MOVED:
        value = max(least, at(rounded, places))
        assert at(found, places) == value
        further = floor(value * Fraction(3, 4) + at(d * S, places))
        assert at(again, places) == max(further, least + 1)
    for relation in RELATIONS.values():
        try:
            answer = relation(found, by)
        except Undecided:
            continue
        assert {relation(at(found, places), by) for places in MOVED} == {answer}


@given(polynomials(), COEFFICIENTS.filter(bool), COEFFICIENTS)
def test_a_multiple_is_divided_by_what_it_is_a_multiple_of(x: Any, factor: Any, start: Any) -> None:
    divisor = start + 7 + A * 2 + B  # never zero
    assert (divisor * factor) / divisor == factor
    assert (divisor * factor) // divisor == floor(factor)
    if isinstance(x, Polynomial) and x.terms.keys() != divisor.terms.keys():
        with pytest.raises(Undecided):
            x / divisor


@given(polynomials())
def test_equal_polynomials_are_equal_keys(x: Any) -> None:
    again = x - 1 + 1
    assert again == x and hash(again) == hash(x) and {x: "found"}[again] == "found"


def test_where_an_answer_changes() -> None:
    with pytest.raises(Undecided) as question:
        _ = 8 + 4 * A > 15
    assert (question.value.unknown.name, question.value.cuts) == ("a", (2,))  # from 16 on
    with pytest.raises(Undecided) as question:
        _ = (8 + 2 * A) // 4
    assert (question.value.cuts, question.value.modulus) == ((), 2)
    with pytest.raises(Undecided) as question:
        _ = [0] * A
    assert question.value.unknown.name == "a"


def test_what_is_not_whole_is_no_index() -> None:
    for ask in (int, float, round, range):
        with pytest.raises(Undecided):
            ask(A + Fraction(1, 2))  # type: ignore[operator]


def test_terms_are_bounded() -> None:
    many = [unknown_value(f"x{i}", 5, 1, 1) for i in range(MAX_TERMS)]
    with pytest.raises(Undecided):
        sum(many)
