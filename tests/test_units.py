"""Numbers as people read them."""

import pytest

from archdsl.units import counted, rate, shown_costs


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 parameters"), (1, "1 parameter"), (25_557_032, "25.56M parameters")]
)
def test_one_thing_is_no_plural(count: int, text: str) -> None:
    assert counted(count, "parameter") == text


def test_costs_are_rounded_or_exact() -> None:
    assert shown_costs(1, 1) == "1 parameter, 1 MAC"
    assert shown_costs(1234, 5678, exact=True) == "1,234 parameters, 5,678 MACs"


@pytest.mark.parametrize(("rate_", "text"), [(1234.4, "1,234"), (9.96, "10"), (0.582, "0.58")])
def test_few_in_a_second_are_not_none(rate_: float, text: str) -> None:
    assert rate(rate_) == text
