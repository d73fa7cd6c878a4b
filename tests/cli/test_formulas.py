"""Costs in closed form: that they are those of each candidate, and how they are written."""

from fractions import Fraction
from typing import Any

import pytest

import archdsl
from archdsl.analysis.family import ClosedForm
from archdsl.cli.formulas import formula, formulas, where
from archdsl.layers.polynomial import Polynomial, unknown_value


def form_of(name: str, knob: str, **knobs: Any) -> ClosedForm | None:
    arch = archdsl.load(name, **knobs)
    return arch.spec.families.closed_form(arch.network.knobs, knob, arch.input)


def value(cost: Any, knob: str, number: Any) -> Any:
    return cost.at({knob: number}) if isinstance(cost, Polynomial) else cost


@pytest.mark.parametrize(
    ("name", "knob", "knobs", "values"),
    [
        ("resnet", "width", {}, "in 16..128 step 8"),
        ("resnet", "width", {"depth": 18, "shortcut": "A"}, "in 16..128 step 8"),
        ("densenet", "growth", {"depth": 201}, "in 12..48 step 4"),
        ("wide_resnet", "width", {"depth": 16}, "in 1.0625..12 step 0.0625"),
        ("wide_resnet", "width", {"depth": 16, "width": 0.25}, "in 0.25..0.9375 step 0.0625"),
        ("wide_resnet", "drop", {"depth": 16, "drop": 0.3}, "between 0 and 0.5"),
    ],
)
def test_a_closed_form_is_what_each_candidate_costs(
    name: str, knob: str, knobs: dict[str, Any], values: str
) -> None:
    form = form_of(name, knob, **knobs)
    assert form is not None and where(form) == values
    ends = [form.values.low, form.values.high] if form.values.step else [Fraction(1, 10)]
    for number in ends:
        arch = archdsl.load(name, **{**knobs, knob: number})
        found = [value(c, knob, number) for c in (form.params, form.macs, form.activations)]
        assert found == [arch.params, arch.macs, arch.activations]


def test_where_each_value_is_a_case_of_its_own() -> None:
    assert form_of("resnet_cifar", "depth") is None  # how often a loop runs
    assert form_of("resnet", "depth") is None  # listed, not a range
    assert form_of("wide_resnet", "drop") is None  # at the end of its domain


def test_how_a_closed_form_is_written() -> None:
    w = unknown_value("width", None, 0, 1)
    assert (
        formula(5963 * w**2 + Fraction(35104, 2) * w + 1000)
        == "5,963 width^2 + 17,552 width + 1,000"
    )
    assert formula(w - 3) == "width - 3"
    assert formula(2 - w * Fraction(1, 4)) == "-0.25 width + 2"
    assert formula(12345) == "12,345"
    form = form_of("resnet", "width", depth=50)
    assert form is not None
    assert formulas(form) == {
        "params": "5,724 width^2 + 32,977 width + 1,000",
        "macs": "969,024 width^2 + 1,875,968 width",
        "activations": "173,656 width + 1,000",
    }
