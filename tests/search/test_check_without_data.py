"""`archdsl check` of a search whose data are not there: it says so, and judges its budgets."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_search import TinySearch

SPEC = "spec wide_resnet\nvary depth in {10, 16}\n"
AWAY = 'data cifar10(path = "away")\n'
FOLDER = 'data image_folder("away", size = 32)\n'


@pytest.fixture
def place(tmp_path: Path) -> TinySearch:
    return TinySearch(tmp_path / "here")


def check(place: TinySearch, text: str, *options: str) -> Any:
    place.write("x.search", text)
    return place.here("check", "x.search", *options)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (AWAY, "the budgets are judged for images of 3x32x32 in 10 classes"),
        (FOLDER, "the budgets are judged with the spec's own input"),
    ],
)
def test_both_are_said(place: TinySearch, data: str, note: str) -> None:
    ran = check(place, SPEC + data + "hold macs = 100M within 5% by width\n")
    assert ran.code == 1 and "error[A801]" in ran.err
    assert note in ran.out and "100M macs: 2 shapes, within" in ran.out


def test_trials_that_no_shapes_are_left_for_are_not_counted(place: TinySearch) -> None:
    """Two shapes with two seeds each are trained once, whatever `trials` says."""
    text = SPEC + AWAY + "hold macs = 100M within 5% by width\nseeds 2 then 3\n"
    ran = check(place, text + "trials 8\n")
    assert "4 trials in 1 slice, macs held, not 8: there are no more shapes" in ran.out
    ran = check(place, text + "trials 3\n")
    settle = "  then the shapes that settle are trained on 3 fresh seeds each, 2 of each slice\n"
    assert f"3 trials in 1 slice, macs held\n{settle}" in ran.out
    ran = check(place, text + "tune lr in 0.1..1 log\ntrials 7\n")
    assert "6 trials in 1 slice, macs held, not 7: every shape gets equally many" in ran.out
    ran = check(place, text + "tune lr in {0.1, 1}\nsampler grid\ntrials 9\n")
    assert "8 trials in 1 slice" in ran.out
    ran = check(place, text + "tune lr in 0.1..1 log\ntrials 2\n")  # shapes are drawn too
    assert "2 trials in 1 slice, macs held\n" in ran.out


@pytest.mark.parametrize("trials", [4, 5])
def test_one_trial_of_a_slice_compares_nothing(place: TinySearch, trials: int) -> None:
    """Also where the slices share their trials, as each shape has two."""
    text = SPEC + AWAY + "hold macs = {100M, 120M, 150M, 200M} within 5% by width\n"
    text += "tune lr in 0.1..1 log\nseeds 1 then 3\n"
    ran = check(place, f"{text}trials {trials}\n")
    assert (
        "  then the shapes that settle are trained on 3 fresh seeds each\n"
        "  a slice of one trial explores one shape, and compares nothing:"
        " `trials 8` explores two in each\n"
    ) in ran.out
    ran = check(place, f"{text}settle 3\ntrials 8\n")
    assert "3 fresh seeds each, 2 of each slice\n" in ran.out and "one trial" not in ran.out
    ran = check(place, f"{text}settle 3\ntrials 12\n")
    assert "3 fresh seeds each, 3 of each slice\n" in ran.out


def test_one_shape_has_nothing_to_be_compared_with(place: TinySearch) -> None:
    """Of depths 10 and 22 one alone can have so few multiply-adds."""
    text = (
        SPEC.replace("16", "22") + AWAY + "hold macs = 3M within 10% by width\nseeds 1 then 2..4\n"
    )
    ran = check(place, text)
    assert "  3M macs: 1 shape, so nothing is compared, within " in ran.out
    assert "are trained on 2 to 4 fresh seeds each, 2 of each slice\n" in ran.out
    ran = check(place, text + "tune lr in 0.01..0.1 log\ntrials 6\n")
    assert "  3M macs: 1 shape, so only its settings are compared, within " in ran.out


@pytest.mark.parametrize("data", [AWAY, FOLDER])
def test_a_budget_that_is_out_of_reach_is_said_too(place: TinySearch, data: str) -> None:
    ran = check(place, SPEC + data + "hold macs = 1K within 5% by width\n")
    assert ran.code == 1 and "error[A801]" in ran.err and "error[A705]" in ran.err


def test_what_is_known_of_the_data_counts(place: TinySearch) -> None:
    """Fashion-MNIST has one channel, and the spec's own input three."""
    text = SPEC + 'data fashion_mnist(path = "away")\nhold macs = 100M within 5% by width\n'
    ran = check(place, text, "--json")
    (found,) = json.loads(ran.out)
    assert [d["code"] for d in found["diagnostics"]] == ["A801"] and not found["ok"]
    (part,) = found["search"]["slices"]
    assert [c["shape"] for c in part["candidates"]] == ["depth = 10", "depth = 16"]


def test_other_mistakes_end_it(place: TinySearch) -> None:
    ran = check(place, SPEC.replace("wide_resnet", "wide_resne") + AWAY)
    assert ran.code == 1 and "did you mean" in ran.err and "macs" not in ran.out
