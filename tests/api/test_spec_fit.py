"""`spec.fit`: the network of a budget, against trying every width there is."""

from collections import Counter
from fractions import Fraction

import pytest

from archdsl import ArchError, Architecture, latency, parse, read
from archdsl.analysis.solve import Measured, reason_against, solvable
from archdsl.budget.fitting import Aim, cost_of, fit

NET = """arch net(
  width = 8 in 1..64, depth = 2 in 1..4, grid = 8 in {4, 8, 12, 16}, bare = 3,
  widths = [8, 16, 32], act = relu in {relu, silu}, scale = 1 in 0.25..4
)
input 3x8x8
for c in widths { conv(round(c * scale), 3) -> act }
conv(grid, 3)
repeat depth { conv(width, 3) -> act }
conv(bare, 1)
"""


@pytest.mark.parametrize("cost", ["macs", "params", "activations", "memory"])
def test_no_width_is_nearer(cost: str) -> None:
    spec, costs = parse(NET), cost_of(cost)
    every = [costs(spec.with_knobs(width=w, depth=3)) for w in range(1, 65)]
    budget = 0.4 * every[-1] + 0.6 * every[0]
    found = spec.fit(by="width", within=0.1, depth=3, **{cost: budget})
    assert abs(costs(found) - budget) == min(abs(c - budget) for c in every)
    assert found.knobs["depth"] == 3


def test_values_that_are_listed_are_a_grid() -> None:
    spec = parse(NET)
    target = spec.with_knobs(grid=12).params
    assert spec.fit(params=target, by="grid").knobs["grid"] == 12


def test_a_continuous_knob_meets_a_budget_and_is_written_as_it_is() -> None:
    spec = parse(NET)
    target = spec.with_knobs(scale=Fraction(5, 2)).macs
    found = spec.fit(macs=target, by="scale")
    assert found.macs == target and spec.with_knobs(**found.shown_knobs).hash == found.hash


def test_lists_are_scaled_from_where_they_stand() -> None:
    spec = parse(NET)
    target = spec.with_knobs(widths=[20, 20, 20]).params
    even = spec.fit(params=target, by="widths", widths=[4, 4, 4])
    assert max(even.knobs["widths"]) - min(even.knobs["widths"]) <= 1
    steep = spec.fit(params=target, by="widths")
    assert steep.knobs["widths"][2] > 2 * steep.knobs["widths"][0]


def test_a_cost_of_ones_own() -> None:
    spec = parse(NET)
    found = spec.fit(by="width", cost=lambda arch: arch.output[0] + arch.knobs["width"], budget=20)
    assert found.knobs["width"] == 17


def test_neighbours_cost_less_and_more() -> None:
    spec = parse(NET)
    for by in (("width",), ("scale",), ("widths",), ("width", "scale")):
        aim = Aim("macs", cost_of("macs"), 1.5 * spec.with_knobs().macs, by, 0.2)
        fitted = fit(spec, aim, {})
        assert list(fitted.around) == ["down", "up"]
        down, up = fitted.around.values()
        assert down.cost < fitted.found.cost < up.cost
    top = fit(spec, Aim("macs", cost_of("macs"), 1e9, ("grid",), 0.9999), {})
    assert top.found.knobs == {"grid": 16} and list(top.around) == ["down"]


def test_what_can_be_solved_for() -> None:
    knobs = parse(NET).knobs
    assert solvable(knobs) == ["width", "depth", "grid", "widths", "scale"]
    assert (
        reason_against(knobs["bare"]) == reason_against(knobs["act"]) == "it has no numeric domain"
    )


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ({"macs": 1e6, "by": "widht"}, ["A502"]),
        ({"macs": 1e6, "by": ()}, ["A515"]),
        ({"macs": 1e6, "by": ["width", "width", "act"]}, ["A703", "A704"]),
        ({"macs": 1e6, "by": "bare"}, ["A704"]),
        ({"by": "width"}, ["A516"]),
        ({"macs": 1e6, "params": 1e6, "by": "width"}, ["A516"]),
        ({"macs": 1e30, "by": "width"}, ["A705"]),
        ({"macs": -1, "by": "width", "within": 0}, ["A301", "A301"]),
        ({"macs": float("nan"), "by": "width"}, ["A301"]),
        ({"macs": "many", "by": "width"}, ["A517"]),
        ({"macs": 1e6, "by": "width", "dpth": 3}, ["A502"]),
        ({"macs": 1e6, "by": "width", "depth": 9}, ["A503"]),
    ],
    ids=str,
)
def test_bad_input(asked: dict[str, object], codes: list[str]) -> None:
    with pytest.raises(ArchError) as caught:
        parse(NET).fit(**asked)  # type: ignore[arg-type]
    assert [d.code for d in caught.value.diagnostics] == codes


def test_budgets_are_texts_with_units_too() -> None:
    spec = parse(NET)
    target = spec.with_knobs(width=32)
    for cost, text in (
        ("macs", f"{target.macs / 1e6}M"),
        ("memory", f"{target.memory().inference / 2**10} KiB"),
    ):
        found = spec.fit(by="width", within="0.01%", **{cost: text})
        assert found.knobs["width"] == 32, cost
    few = spec.candidates(vary="width", macs=(None, f"{spec.with_knobs(width=3).macs / 1e3}K"))
    assert [network.knobs["width"] for network in few] == [1, 2, 3]


def test_a_factor_is_of_what_the_network_costs_now() -> None:
    spec = parse(NET)
    for factor, of in ((2, None), ("50%", "params"), ("1/2", "memory")):
        cost = cost_of(of or "macs")
        share = {2: 2, "50%": 0.5, "1/2": 0.5}[factor]
        told = {} if of is None else {"of": of}
        found = spec.fit(by="width", factor=factor, width=32, depth=3, within=0.2, **told)
        asked = spec.fit(
            by="width", cost=cost, budget=share * cost(spec.with_knobs(width=32, depth=3)),
            width=32, depth=3, within=0.2,
        )  # fmt: skip
        assert found.knobs == asked.knobs, (factor, of)
    named = parse(
        "arch n(factor = 2 in 1..4, width = 8 in 1..64)\ninput 3x8x8\nconv(width * factor, 3)"
    )
    assert named.fit(macs=named.with_knobs(factor=3).macs, by="width", factor=3).knobs == {
        "factor": 3, "width": 8,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"factor": 0.5, "macs": 1e6}, "A516"),
        ({"of": "params", "macs": 1e6}, "A301"),
        ({"factor": "half"}, "A517"),
        ({"factor": -1}, "A517"),
        ({"factor": 0.5, "of": "weight"}, "A301"),
        ({"macs": "2 apples"}, "A517"),
        ({"macs": 1e6, "within": "much"}, "A517"),
    ],
    ids=str,
)
def test_bad_factors_and_units(asked: dict[str, object], code: str) -> None:
    with pytest.raises(ArchError) as caught:
        parse(NET).fit(by="width", **asked)  # type: ignore[arg-type]
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_latency_is_measured_where_it_is_asked_for() -> None:
    pytest.importorskip("torch")
    spec = parse(NET)
    cost, network = latency("cpu"), spec.with_knobs(width=1, depth=1)
    measured = cost(network)
    assert measured > 0
    assert cost(spec.with_knobs(width=1, depth=1)) == measured, "equal networks are measured once"
    with pytest.raises(ValueError, match="onnxruntime"):
        latency("cpu", on="paper")


@pytest.mark.parametrize(("busy", "agrees"), [(0, True), (5, True), (10**6, False)])
def test_what_a_busy_machine_measured_is_measured_again(busy: int, agrees: bool) -> None:
    """The first measurement of a network is twice what the second is, while the machine is busy."""
    seen: Counter[int] = Counter()

    def seconds(arch: Architecture) -> float:
        twice = seen.total() < busy and seen[arch.macs] % 2 == 0
        seen[arch.macs] += 1
        return arch.macs * (2e-9 if twice else 1e-9)

    spec = parse(NET)
    budget = spec.with_knobs(width=40).macs * 1e-9
    fitted = fit(spec, Aim("latency", Measured(seconds), budget, ("width",), 0.05, 1, True), {})
    assert (fitted.again == pytest.approx(budget, rel=0.05)) == agrees


def test_a_budget_that_a_busy_machine_hides_is_said_so() -> None:
    """Each network has 1 second and 1.5 by turns."""
    seen: Counter[int] = Counter()

    def seconds(arch: Architecture) -> float:
        seen[arch.macs] += 1
        return 1 if seen[arch.macs] % 2 else 1.5

    spec = parse(NET)
    with pytest.raises(ArchError) as caught:
        fit(spec, Aim("latency", Measured(seconds), 1.2, ("width",), 0.05, 1, True), {})
    (found,) = caught.value.diagnostics
    assert found.code == "A705"
    assert any("ms: what else runs here was measured too" in text for text in found.help)


def test_a_latency_out_of_reach_is_solved_for_once() -> None:
    seen: Counter[int] = Counter()

    def seconds(arch: Architecture) -> float:
        seen[arch.macs] += 1
        return arch.macs * 1e-9 * (1 + 0.2 * seen[arch.macs])

    with pytest.raises(ArchError) as caught:
        aim = Aim("latency", Measured(seconds), 1e-9, ("width",), 0.05, 1, True)
        fit(parse(NET), aim, {"depth": 2})
    assert seen.pop(min(seen)) == 2 and set(seen.values()) == {1}
    assert not any("measured again" in text for text in caught.value.diagnostics[0].help)


def test_a_knob_that_was_given_stays() -> None:
    for given in ({}, {"depth": 50}):
        with pytest.raises(ArchError) as caught:
            read("resnet").fit(macs=2e9, by="width", **given)
        assert ("solve for" in str(caught.value.diagnostics[0].help)) == (not given)


def test_a_variant_is_fitted() -> None:
    spec = read("wide_resnet")
    knobs = spec.variants["wrn_16_4"].knobs
    found = spec.fit(macs=spec.variant("wrn_16_4").macs / 2, by="width", **knobs)
    assert found.knobs["depth"] == 16 and 2 < float(found.knobs["width"]) < 4


def test_of_is_given_with_a_factor_alone() -> None:
    with pytest.raises(ArchError) as caught:
        read("resnet").fit(macs="30K", of="params", by="width")
    (told,) = caught.value.diagnostics
    assert told.code == "A301"
    assert told.message.startswith("`of` of `fit` must be given with `factor`")
