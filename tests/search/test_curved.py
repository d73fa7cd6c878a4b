"""What is tuned as numbers, and back: ranges, grids and lists."""

from fractions import Fraction
from math import exp, log
from typing import Any

import pytest

from archdsl.elaborate.knobs import Choices, Interval
from archdsl.search.curved import has_curve, has_scale, numbers, values_of


def listed(*values: Any) -> Choices:
    return Choices(values, tuple(str(v) for v in values))


RATES = listed(Fraction(1, 20), Fraction(1, 10), Fraction(1, 5))
DECAYS = listed(0, Fraction(1, 1000), Fraction(1, 100))
BATCH = Interval(32, 128, 16)
RANGE = Interval(Fraction(1, 50), Fraction(3, 10), None, log=True)
TUNE = {"lr": RATES, "weight_decay": DECAYS, "batch": BATCH, "warmup": RANGE}


def test_a_setting_is_numbers_on_the_scales_of_its_domains() -> None:
    setting = "lr = 0.1, weight_decay = 1/1000, batch = 48, warmup = 0.05"
    assert numbers(TUNE, setting) == pytest.approx((log(0.1), 0.001, 48, log(0.05)))


def test_numbers_are_the_nearest_values_on_their_scale() -> None:
    """The middle of 0.05 and 0.2 is 0.1 on a logarithmic scale; a zero makes a scale linear."""
    found = values_of(TUNE, (log(0.14), 0.0056, 55, log(0.0712)))
    assert found == {
        "lr": Fraction(1, 10),
        "weight_decay": Fraction(1, 100),
        "batch": 48,
        "warmup": Fraction("0.0712"),
    }
    beyond = values_of(TUNE, (log(9), -1, 1000, log(0.001)))
    assert [*beyond.values()] == [Fraction(1, 5), 0, 128, Fraction(1, 50)]
    assert values_of({"lr": RATES}, (log(0.142),)) == {"lr": Fraction(1, 5)}


def test_a_short_list_is_linear() -> None:
    """Its ends are less than a factor of four apart."""
    epochs = listed(10, 20, 30)
    assert numbers({"epochs": epochs}, "epochs = 20") == (20,)
    assert values_of({"epochs": epochs}, (14.9,)) == {"epochs": 10}
    assert numbers({"lr": RATES}, "lr = 1/5")[0] == pytest.approx(log(0.2))
    assert exp(numbers({"lr": RATES}, "lr = 0.05")[0]) == pytest.approx(0.05)


@pytest.mark.parametrize(
    "domain",
    [listed("sgd", "adamw", "lion"), listed(1, 2), listed(True, False, 1), Interval(1, 2, 1)],
)
def test_words_and_two_values_have_no_curve(domain: Any) -> None:
    assert not has_scale(domain) and not has_curve([RANGE, domain])
    assert numbers({"lr": RANGE, "other": domain}, "lr = 0.1, other = 1") == ()


def test_what_is_not_written_has_no_numbers() -> None:
    assert numbers({"lr": RATES}, "") == () and numbers({"lr": RANGE}, "lr = 0") == ()
    assert has_curve([]) and numbers({}, "lr = 0.1") == ()
