"""Widths under a budget, against trying every width there is."""

import itertools
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from searches import TINY, space

from archdsl import ArchError, Architecture, Spec, parse, read
from archdsl.analysis.solve import FigureCost, Solver, describe_off
from archdsl.diagnostics.source import Source
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.space import space_of
from archdsl.training.latency import latency_on

COSTS = ("macs", "params", "activations")
STAGED = """arch staged(
  depth = 1 in 1..4,
  widths = [8, 16, 32],
  width = 1 in 0.25..4 step 0.125,
  classes = 10
)
input 1x16x16
for c in widths {
  maxpool(2)
  repeat depth { conv(round(c * width), 3) -> bn -> relu }
}
global_avgpool -> linear(classes)
"""


class Counting(Solver):
    """Counts the candidates that it analyses."""

    count = 0

    def candidate(self, *given: Any) -> Any:
        self.count += 1
        return super().candidate(*given)


def costs(spec: Spec, knob: str, knobs: Mapping[str, Any], cost: str) -> dict[Any, float]:
    """The cost of every value of a knob."""
    domain = spec.knobs[knob].domain
    assert domain is not None
    return {v: getattr(spec.candidate({**knobs, knob: v}), cost) for v in domain.enumerate()}


@pytest.mark.parametrize("cost", COSTS)
def test_the_nearest_width_is_found_for_every_depth_and_budget(cost: str) -> None:
    spec = parse(TINY)
    for depth in range(1, 9):
        known = costs(spec, "width", {"depth": depth}, cost)
        solver = Counting(spec, ["width"], lambda arch: getattr(arch, cost))
        for share in (0.001, 0.02, 0.1, 0.35, 0.8, 1, 1.3):
            budget = share * max(known.values())
            solver.count = 0
            found = solver.solve({"depth": depth}, budget)
            best = min(abs(c - budget) for c in known.values())
            assert found is not None and abs(found.cost - budget) == best
            assert found.cost == known[found.knobs["width"]] == getattr(found.arch, cost)
            assert found.off == pytest.approx(best / budget)
            assert solver.count <= 10  # of 64


def test_few_candidates_are_analysed_where_there_are_many() -> None:
    """752 widths of a built-in spec: 13 analyses at most, and the nearest of all."""
    spec = read("wide_resnet")
    known = costs(spec, "width", {"depth": 16}, "macs")
    solver = Counting(spec, ["width"], lambda arch: arch.macs)
    for budget in (4e7, 3e8, 1e9):
        solver.count = 0
        found = solver.solve({"depth": 16}, budget)
        assert found is not None
        assert abs(found.cost - budget) == min(abs(c - budget) for c in known.values())
        assert solver.count <= 13


def test_widths_where_some_are_no_networks() -> None:
    """With 4 groups three widths of four are none: the nearest that is one is found."""
    spec = parse(TINY.replace("conv(width, 3)", "conv(8, 1) -> conv(width, 3, groups = 4)"))
    solver = Counting(spec, ["width"], lambda arch: arch.params)
    for budget in (300, 1500, 4000, 9000):
        found = solver.solve({"depth": 2}, budget)
        known = []
        for width in range(1, 65):
            with suppress(ArchError):
                known.append(spec.candidate({"depth": 2, "width": width}).params)
        assert found is not None and len(known) == 16
        assert abs(found.cost - budget) == min(abs(c - budget) for c in known)


BENT = {  # costs that do not rise with the knob
    "reduction": ("width = 4 in 1..32", "conv(max(1, 64 // width), 1) -> conv(64, 3)"),
    "groups": ("width = 32 in 8..64", "conv(width, 3, groups = 8 if width % 8 == 0 else 1)"),
}


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("bent", BENT)
def test_costs_that_do_not_rise_with_the_knob(bent: str, cost: str, depth: int) -> None:
    """For each of 40 budgets the nearest of all values, as trying every one of them says."""
    knob, body = BENT[bent]
    first = "64" if bent == "reduction" else "width"
    spec = parse(
        f"arch bent({knob}, depth = 1 in 1..3, classes = 10)\ninput 1x8x8\nconv({first}, 3)\n"
        f"repeat depth {{ {body} }}\nglobal_avgpool -> linear(classes)\n"
    )
    known = [*costs(spec, "width", {"depth": depth}, cost).values()]
    solver = Solver(spec, ["width"], lambda arch: getattr(arch, cost))
    assert (known == sorted(known)) == (bent == "groups" and cost == "activations")
    for i in range(40):
        budget = min(known) + (max(known) - min(known)) * (i + 0.5) / 40
        found = solver.solve({"depth": depth}, budget, 0.02)
        assert found is not None
        assert abs(found.cost - budget) == min(abs(c - budget) for c in known)


FALLING = {  # costs that rise, fall, and rise again: halving met no fall, and missed the nearest
    "kernel": "conv(width, 1 if width > 90 else 3)",
    "groups": "conv(width, 3, groups = 2 if width > 72 and width % 2 == 0 else 1)",
    "repeat": "repeat 1 if width > 72 else 2 { conv(width, 3) }",
    "stride": "conv(width, 3, stride = 2 if width > 72 else 1)",
}


@pytest.mark.parametrize("falling", FALLING)
def test_costs_that_fall(falling: str) -> None:
    """For each of 40 budgets the nearest of all values, though one within 2 % is found first."""
    spec = parse(
        f"arch falling(width = 32 in 8..128)\ninput 4x8x8\n{FALLING[falling]}\n"
        "global_avgpool -> linear(10)\n"
    )
    known = [*costs(spec, "width", {}, "macs").values()]
    solver = Solver(spec, ["width"], FigureCost("macs"))
    falls = sum(b < a for a, b in itertools.pairwise(known))
    assert falls == (28 if falling == "groups" else 1)
    for i in range(40):
        budget = min(known) + (max(known) - min(known)) * (i + 0.5) / 40
        found = solver.solve({}, budget, 0.02)
        assert found is not None
        assert abs(found.cost - budget) == min(abs(c - budget) for c in known)


def test_a_spec_without_any_network_has_no_solution() -> None:
    spec = parse(TINY.replace("conv(width, 3)", "conv(width, 3, groups = 3)"))
    assert Solver(spec, ["width"], lambda arch: arch.params).solve({"depth": 1}, 1000) is None


def test_a_continuous_multiplier() -> None:
    spec = parse(TINY.replace("width = 8 in 1..64", "width = 1 in 0.25..8").replace(
        "conv(width, 3)", "conv(round(8 * width), 3)"
    ))  # fmt: skip
    solver = Counting(spec, ["width"], lambda arch: arch.macs)
    widths = {w: parse(TINY).candidate({"depth": 3, "width": w}).macs for w in range(2, 65)}
    for budget in (50e3, 700e3, 3e6):
        solver.count = 0
        found = solver.solve({"depth": 3}, budget)
        assert found is not None
        assert abs(found.cost - budget) == min(abs(c - budget) for c in widths.values())
        assert solver.count <= 55


@pytest.mark.parametrize("cost", COSTS)
def test_widths_of_stages_grow_together_and_then_apart(cost: str) -> None:
    spec = parse(STAGED)
    solver = Counting(spec, ["widths"], lambda arch: getattr(arch, cost))
    for depth in (1, 3):
        base = getattr(spec.candidate({"depth": depth}), cost)
        for factor in (1, 2.6, 11):
            solver.count = 0
            found = solver.solve({"depth": depth}, factor * base)
            assert found is not None and found.off < 0.01
            first, second, third = found.knobs["widths"]
            assert 1.7 < second / first < 2.3 and 1.7 < third / second < 2.3
            assert solver.count <= 60


def test_widths_on_a_grid() -> None:
    spec = parse(STAGED)
    solver = Solver(spec, ["widths"], lambda arch: arch.params, step=8)
    found = solver.solve({}, 40e3)
    assert found is not None and found.off < 0.05
    assert all(width % 8 == 0 for width in found.knobs["widths"])
    assert found.shown == f"widths = {list(found.knobs['widths'])}"


def test_a_list_and_a_number_together() -> None:
    spec = parse(STAGED)
    found = Solver(spec, ["widths", "width"], lambda arch: arch.macs).solve({}, 3e6)
    assert found is not None and found.off < 0.01
    assert found.knobs["width"] in spec.knobs["width"].domain  # type: ignore[operator]
    assert set(found.knobs) == {"widths", "width"}


def test_two_numbers_together_find_what_there_is() -> None:
    """Growing together leads past most networks: where that is not near enough, all are looked
    at."""
    spec = parse(
        "arch two(width = 16 in 4..40 step 4, depth = 2 in 1..9)\ninput 3x16x16\n"
        "conv(width, 3) -> relu\nrepeat depth { conv(width, 3) -> relu }\n"
        "global_avgpool -> linear(10)\n"
    )
    costs = sorted(a.macs for a in spec.candidates(vary=["width", "depth"]))
    assert len(costs) == 90
    for cost in costs[::7]:
        assert spec.fit(macs=cost, by=("width", "depth"), within=1e-9).macs == cost
    with pytest.raises(ArchError, match=r"no candidate has 21M macs: the nearest has "):
        spec.fit(macs=2.1e7, by=("width", "depth"), within=0.0001)


def test_the_input_of_the_data_counts() -> None:
    spec = parse(TINY)
    small = Solver(spec, ["width"], lambda a: a.macs).solve({}, 1e6)
    large = Solver(spec, ["width"], lambda a: a.macs, input=(3, 32, 32)).solve({}, 1e6)
    assert small is not None and large is not None
    assert large.arch.input == (3, 32, 32)
    assert small.knobs["width"] > large.knobs["width"]


@pytest.mark.parametrize(
    ("cost", "budget", "text"),
    [
        (103, 100, "3.0% more"),
        (95.1, 100, "4.9% less"),
        (199, 100, "99.0% more"),
        (250, 100, "2.5 times as much"),
        (13_560_320, 100, "135,603 times as much"),
    ],
)
def test_how_far_off(cost: float, budget: float, text: str) -> None:
    spec = parse(TINY)
    found = Solver(spec, ["width"], lambda arch: cost).solve({}, budget)
    assert found is not None and describe_off(found, budget) == text


# -------------------------------------------------------------------------- in a search


@pytest.mark.parametrize("cost", COSTS)
def test_every_slice_meets_its_budget_with_every_depth(cost: str) -> None:
    one = getattr(parse(TINY).candidate({"depth": 4, "width": 24}), cost)
    text = f"vary depth in {{2, 4, 8}}\nhold {cost} = {{{one // 2}, {one}}} within 6% by width\n"
    reaches = survey(space(text))
    assert [r.slice.budget for r in reaches] == [one // 2, one]
    for reach in reaches:
        assert reach.candidates is not None and not reach.missed
        assert [c.arch.knobs["depth"] for c in reach.candidates] == [2, 4, 8]
        widths = [c.arch.knobs["width"] for c in reach.candidates]
        assert widths == sorted(widths, reverse=True) and len(set(widths)) > 1
        for candidate in reach.candidates:
            assert abs(getattr(candidate.arch, cost) / reach.slice.budget - 1) <= 0.06
            assert candidate.solved == f"width = {candidate.arch.knobs['width']}"
            assert candidate.knobs["width"] == str(candidate.arch.knobs["width"])


def test_the_nearest_is_named_where_a_shape_cannot_meet_a_budget() -> None:
    (reach,) = survey(space("vary depth in {1, 2, 8}\nhold params = 40K by width\n"))
    assert reach.candidates is not None
    assert [c.shape.text for c in reach.candidates] == ["depth = 8"]
    first, second = reach.missed
    assert first[0].text == "depth = 1" and second[0].text == "depth = 2"
    assert first[1].nearest is not None and first[1].nearest.knobs == {"width": 64}
    assert first[1].error.diagnostics[0].message == (
        "no candidate has 40K params: the nearest has 1.418K (96.5% less)"
    )


def test_the_nearest_of_all_is_named_where_no_shape_can() -> None:
    with pytest.raises(ArchError) as caught:
        survey(space("vary depth in {1, 2}\nhold params = 1M by width\n"))
    (found,) = caught.value.diagnostics
    assert found.code == "A705"
    assert found.fields["nearest"] == "38.47K"  # that of depth 2


def test_equal_graphs_are_listed_once() -> None:
    spec = TINY.replace("depth = 2 in 1..8", "depth = 2 in 1..8, twice = 1 in 1..2").replace(
        "repeat depth", "repeat depth * twice"
    )
    (reach,) = survey(space("vary depth in {1, 2, 4}, twice\n", spec))
    assert reach.candidates is not None
    assert [c.arch.depth for c in reach.candidates] == [2, 3, 5, 9]
    assert len({c.arch.hash for c in reach.candidates}) == 4  # of six shapes


def test_a_search_solves_each_candidate_once() -> None:
    found = space("vary depth in {1, 2}\nhold params = {2K, 4K} within 20% by width\n")
    first = survey(found)
    calls: list[Architecture] = []
    solver = found.solver
    cost = solver.cost
    solver.cost = lambda arch: calls.append(arch) or cost(arch)  # type: ignore[func-returns-value]
    again = survey(found)
    assert calls == []
    assert [r.candidates for r in first] == [r.candidates for r in again]


def test_latency_is_measured_and_held(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def seconds(arch: Architecture, input: Any, device: Any) -> float:
        measured.append(arch.macs)
        return arch.macs * 1e-9

    monkeypatch.setattr("archdsl.training.latency.measure_inference", seconds)
    found = space("vary depth in {2, 4}\nhold latency = 0.001 within 4% by width\n")
    found.measure = latency_on("cpu")  # type: ignore[arg-type]
    (reach,) = survey(found)
    assert reach.slice.name == "1ms latency" and reach.candidates is not None
    assert all(abs(c.arch.macs / 1e6 - 1) <= 0.04 for c in reach.candidates)
    assert len(measured) == len(set(measured)), "equal networks are measured once"


def test_lists_of_widths_in_a_search(tmp_path: Path) -> None:
    (tmp_path / "staged.arch").write_text(STAGED)
    text = (
        'spec "staged.arch"\nvary depth\nhold macs = 3M within 1% by widths step 2\ndata digits\n'
    )
    search = read_search(Source("x.search", text), tmp_path)
    (reach,) = survey(space_of(search, tmp_path))
    assert reach.candidates is not None and len(reach.candidates) == 4
    assert all(c.solved.startswith("widths = [") for c in reach.candidates)


@pytest.mark.parametrize(
    ("domain", "tried"),
    [("1..64", ""), ("1..64.5", "that was tried "), ("1..9999", "that was tried ")],
)
def test_a_budget_is_called_out_of_reach_only_where_every_value_was_looked_at(
    domain: str, tried: str
) -> None:
    spec = parse(f"arch n(w = 4 in {domain})\ninput 8x4x4\nconv(round(w), 1)")
    solver = Solver(spec, ("w",), FigureCost("params"))
    assert solver.tried == tried
    assert Solver(spec, ("w",), FigureCost("params"), scans=False).tried == "that was tried "
