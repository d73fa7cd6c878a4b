"""Numbers as people read them."""

import pytest

from archdsl.units import counted, meant, rate, shown_costs


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


@pytest.mark.parametrize(
    "name", ["accuracy", "accuracy2", "mape", "miou", "auprc", "top1", "rmsle", "dice", "los"]
)
def test_scores_of_other_names_are_no_slips(name: str) -> None:
    assert meant(name) is None


@pytest.mark.parametrize(
    ("slip", "name"),
    [("accuarcy", "accuracy"), ("testAcuracy", "testaccuracy")],
)
def test_a_slip_in_the_name_of_a_score(slip: str, name: str) -> None:
    assert meant(slip) == name
