"""The figures of a report, by their numbers."""

from pathlib import Path

import numpy as np
import pytest
from reading import facts
from scipy import stats

from archdsl.report.aspect import aspect_figure
from archdsl.report.curves import curves_figure
from archdsl.report.facts import Facts
from archdsl.report.figure import Figure, Group, Panel
from archdsl.report.fronts import front, fronts_figure
from archdsl.report.growth import growth_figure
from archdsl.report.networks import networks, winner
from archdsl.report.page import figures
from archdsl.report.plane import map_figure
from archdsl.report.shapes import shapes_figure
from archdsl.report.weights import importances_figure
from archdsl.search.outcome import results
from archdsl.search.rows import SETTLE
from archdsl.search.snapshot import read_study
from archdsl.verdict.settled import explored


@pytest.fixture(scope="module")
def found(budgets: Path) -> Facts:
    return facts(budgets)


def noted(panel: Panel, start: str) -> list[Group]:
    return [g for g in panel.groups if g.note.startswith(start)]


# --------------------------------------------------------------------------- wide or deep


def test_the_curve_is_the_parabola_through_what_was_explored(budgets: Path, found: Facts) -> None:
    with read_study(str(budgets)) as study:
        trained = results(study)
    for part, (_, shapes) in zip(found.parts, explored(trained, found.question), strict=True):
        x = np.log([e.aspect for e in shapes for _ in e.scores])
        y = [s for e in shapes for s in e.scores]
        at = np.linspace(x.min(), x.max(), 7)
        assert part.fit is not None
        assert part.fit.at(at) == pytest.approx(np.polyval(np.polyfit(x, y, 2), at), abs=1e-9)
        low, high = part.fit.band(at, 0.95)
        assert (low < part.fit.at(at)).all() and (part.fit.at(at) < high).all()


def test_what_was_retrained_has_an_interval(found: Facts) -> None:
    figure = aspect_figure(found)
    assert [p.title for p in figure.panels] == [
        "1M multiply-adds", "2M multiply-adds", "4M multiply-adds",
    ]  # fmt: skip
    for part, panel in zip(found.parts, figure.panels, strict=True):
        assert part.judged is not None
        for arm in part.judged.arms:
            scores = [
                100 * r.accuracy
                for r in part.rows
                if r.stage == SETTLE and r.shape == arm.shape and r.accuracy is not None
            ]
            assert len(scores) == 4
            reach = stats.sem(scores) * stats.t.ppf(1 - 0.025 / 2, 3)  # for both arms together
            digits = 1 if reach >= 0.1 else 2
            name = arm.shape.replace(" = ", " ")
            low, high = arm.interval
            assert (high - low) / 2 * 100 == pytest.approx(reach, rel=0.02), "Wilson's is as wide"
            ends = f"({100 * low:.{digits}f} to {100 * high:.{digits}f})"
            size = f"{np.mean(scores):.{digits}f} % {ends}"
            note = f"{name}, retrained on 4 fresh seeds: {size}"
            (group,) = noted(panel, f"{name}, retrained")
            assert group.note == note and len(group.trials) == 4


def test_the_peak_is_where_the_verdict_has_it(found: Facts) -> None:
    for part, panel in zip(found.parts, aspect_figure(found).panels, strict=True):
        best = part.judged.optimum if part.judged else None
        assert best is not None and best.aspect is not None and best.depth is not None
        (group,) = noted(panel, "the curve peaks")
        assert group.note == f"the curve peaks at aspect {best.aspect:.2g}"
        assert panel.below.startswith(f"The curve peaks at depth {best.depth:.0f} (")


def test_the_numbers_of_the_main_figure(found: Facts) -> None:
    figure = aspect_figure(found)
    assert figure.header[:4] == ("budget", "shape", "aspect", "explored")
    assert len(figure.rows) == 15
    first = figure.rows[0]
    assert first[:3] == ("1M multiply-adds", "depth 10", "0.2") and first[5:] == ("", "", "")
    assert sum(row[5] != "" for row in figure.rows) == 6
    assert all(row[7] == "90.00 %" for row in figure.rows if row[5])


def test_kinds_stand_in_rows(kinds: Path) -> None:
    study = facts(kinds)
    figure = shapes_figure(study)
    assert [r[1] for r in figure.rows[:4]] == ["residual", "dense", "fractal", "inception"]
    assert [p.title for p in figure.panels] == ["1M multiply-adds", "2M multiply-adds"]
    settled = [g.note for p in figure.panels for g in p.groups if "retrained" in g.note]
    assert len(settled) == 4 and settled[0].startswith("residual, retrained on 3 fresh seeds: 90.")


# --------------------------------------------------------------------------- map and growth


def test_the_map_has_every_network_once(found: Facts) -> None:
    placed = networks(found)
    assert len(placed) == len({(r.slice, r.hash) for r in found.rows}) == 15
    figure = map_figure(found, placed)
    for panel in (*figure.panels, *figure.wide):
        assert sum(bool(g.trials) for g in panel.groups) == 15
    best = max(placed, key=lambda t: t.score or 0)
    row = next(r for r in figure.rows if r[1] == best.name and r[0] == best.part.title)
    assert row[4] == f"{best.score:.2f} %" and row[5] == str(best.seeds)
    known = [
        100 * r.accuracy
        for r in best.rows
        if r.stage == SETTLE and r.setting == best.setting and r.accuracy is not None
    ]
    assert best.score == pytest.approx(np.mean(known))


def test_growth_is_that_of_the_verdict(found: Facts) -> None:
    figure = growth_figure(found)
    assert found.verdict is not None and found.verdict.growth is not None
    width = found.verdict.growth.width
    assert width is not None
    depth, wide = figure.panels
    low, high = (2**e for e in width.interval)
    times = f"{2**width.exponent:.2f} ({low:.2f} to {high:.2f})"
    assert wide.below == f"With twice the budget, the best width is {times} times as large."
    assert 1.2 < 2**width.exponent < 1.7, "the formula's is 1.41"
    assert len(noted(depth, "1M multiply-adds: best depth")) == 1
    assert [row[0] for row in figure.rows] == [p.title for p in found.parts]
    assert all("not located" not in row for row in figure.rows)


def test_no_growth_of_one_budget_nor_of_kinds(one: Path, kinds: Path, pareto: Path) -> None:
    assert growth_figure(facts(one)).why.startswith("This study has one budget")
    assert growth_figure(facts(kinds)).why.startswith("These shapes are kinds")
    assert growth_figure(facts(pareto)).why == "This study holds no budget that could grow."


# --------------------------------------------------------------------------- curves


def test_every_curve_is_drawn_and_what_was_pruned_is_marked(found: Facts) -> None:
    figure = curves_figure(found)
    known = [r for r in found.rows if r.curve]
    pruned = [r for r in known if r.state == "pruned"]
    assert pruned
    groups = [g for p in figure.panels for g in p.groups if g.trials]
    assert len(groups) == len(known) == len(figure.rows)
    marked = [g for g in groups if "pruned in epoch" in g.note]
    assert len(marked) == len(pruned)
    assert all(any(getattr(s, "dashed", False) for s in g.shapes) for g in marked)
    assert "pruned there" in [text for _, text in figure.key]
    row = pruned[0]
    note = next(g.note for g in groups if g.trials == (found.key(row),))
    assert note.endswith(f"pruned in epoch {len(row.curve)} at {100 * row.curve[-1][1]:.2f} %")


# --------------------------------------------------------------------------- costs


def test_the_front_is_what_no_other_beats(pareto: Path) -> None:
    study = facts(pareto)
    scored = networks(study)
    points = [(t.cost("macs") or 0.0, t) for t in scored]
    best = {id(t) for _, t in front(points, 1)}
    for cost, t in points:
        beaten = any(
            (c <= cost and (o.score or 0) >= (t.score or 0))
            and (c < cost or (o.score or 0) > (t.score or 0))
            for c, o in points
        )
        assert (id(t) in best) is not beaten


def test_a_panel_for_each_cost_latency_where_it_was_measured(pareto: Path, found: Facts) -> None:
    titles = [p.title for p in fronts_figure(facts(pareto), networks(facts(pareto))).panels]
    costs = ["multiply-adds (MACs)", "parameters", "activations"]
    assert titles == [*costs, "latency of one image", "training time"]
    figure = fronts_figure(found, networks(found))
    assert [p.title for p in figure.panels] == [*costs, "training time"]
    assert figure.notes == (
        "Latency was not measured: a search measures it where it holds or minimizes it.",
    )


# --------------------------------------------------------------------------- importances


def test_importances_of_too_few_trials(kinds: Path, found: Facts) -> None:
    assert importances_figure(facts(kinds)).why.startswith(
        "Not known at 1M multiply-adds: 10 finished"
    )
    assert {i.why for i in found.importances if not i.trials} <= {
        f"10 finished trials are needed, and there are {n}" for n in range(10)
    }


def test_importances_of_a_whole_grid_follow_from_its_means(pareto: Path) -> None:
    with read_study(str(pareto)) as study:
        done = [row for row in study.rows("explore") if row.is_result]
    table = {((r.knobs or {})["depth"], (r.knobs or {})["width"]): r.values[0] for r in done}
    grid = np.array(list(table.values())).reshape(3, 4)
    depth, width = grid.mean(axis=1).var(), grid.mean(axis=0).var()
    rows = importances_figure(facts(pareto)).rows
    assert [(r[1], r[3]) for r in rows] == [("width", "12"), ("depth", "12")]
    shares = [float(r[2].removesuffix(" %")) for r in rows]
    expected = [100 * width / (width + depth), 100 * depth / (width + depth)]
    assert shares == pytest.approx(expected, abs=1.5)


# --------------------------------------------------------------------------- all of them


def shown(study: Path) -> dict[str, Figure]:
    return {f.id: f for f in figures(facts(study))}


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("budgets", "aspect map growth fronts curves"),
        ("kinds", "shapes map fronts curves"),
        ("pareto", "fronts map curves importances"),
        ("half", "aspect map growth fronts curves"),
        ("settling", "shapes map fronts curves"),
        ("one", "shapes map fronts curves"),
        ("failed", "map"),
        ("begun", ""),
    ],
)
def test_which_figures_a_study_has(name: str, drawn: str, request: pytest.FixtureRequest) -> None:
    found = shown(request.getfixturevalue(name))
    assert [f.id for f in found.values() if not f.why] == drawn.split()
    for figure in found.values():
        assert bool(figure.panels) is not bool(figure.why)
        for panel in (*figure.panels, *figure.wide):
            for group in panel.groups:
                for shape in group.shapes:
                    left, top, right, bottom = shape.extent
                    assert left >= -1 and right <= panel.width + 1, (figure.id, shape)
                    assert top >= -1 and bottom <= panel.height + 1, (figure.id, shape)


def test_the_best_is_among_the_retrained(found: Facts) -> None:
    """What was explored is the best of many, and may well stand higher."""
    placed = networks(found)
    for part in found.parts:
        best = winner([t for t in placed if t.part is part], 1)
        assert best is not None and part.judged is not None
        assert best.fresh and best.row.shape == part.judged.best
    assert "flatter them" in map_figure(found, placed).caption
    assert "flatter" not in map_figure(found, [t for t in placed if not t.fresh]).caption
