"""Optuna's samplers and pruners: the one that is named is the one that works, and every time so."""

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest
from fake_training import CPU, begun, explored, lr_of_a_tenth, trainer, trials
from optuna.trial import TrialState
from test_space import MANY, NESTED
from thinned import later, thinned

from archdsl.analysis.distributions import distribution, param, value
from archdsl.elaborate.knobs import Choices, Interval
from archdsl.registry import REGISTRY
from archdsl.search.opened import find_study
from archdsl.search.plan import queue_exploration
from archdsl.search.reach import survey
from archdsl.search.worker import Worker

pytestmark = pytest.mark.quiet

TUNED = "vary depth in {1, 2, 3}\ntune lr in 0.01..1 log\ntrials 12\ntrain epochs = 2\n"
PARETO = "vary depth, width\nmaximize accuracy\nminimize macs\ntrials 12\ntrain epochs = 1\n"
LISTED = (
    "vary depth in {1, 2, 3, 4, 5, 6}, width in {4, 8, 12, 16, 24}\ntrials 12\ntrain epochs = 1\n"
)
BOTH = "vary depth, width in 4..32\ntrials 12\ntrain epochs = 1\n"

SAMPLERS = {
    "tpe(startup = 2)": (optuna.samplers.TPESampler, TUNED),
    "random": (optuna.samplers.RandomSampler, TUNED),
    "gp(startup = 2)": (optuna.samplers.GPSampler, TUNED),
    "cma_es": (optuna.samplers.CmaEsSampler, TUNED.replace("{1, 2, 3}", "1..3")),
    "nsga2(population = 4)": (optuna.samplers.NSGAIISampler, PARETO),
    "tpe(startup = 3)": (optuna.samplers.TPESampler, PARETO),
    "gp(startup = 3)": (optuna.samplers.GPSampler, LISTED),
}
each = pytest.mark.parametrize("name", thinned(SAMPLERS, 4))


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each kind of sampler has drawn: parameters together, or one alone."""
    count: Counter[str] = Counter()

    def watch(kind: Any, method: str) -> None:
        original = getattr(kind, method)

        def spy(self: Any, *given: Any) -> Any:
            found = original(self, *given)
            count[f"{kind.__name__}.{method}"] += found != {}
            return found

        monkeypatch.setattr(kind, method, spy)

    for kind in {kind for kind, _ in SAMPLERS.values()}:
        watch(kind, "sample_relative")
        watch(kind, "sample_independent")
    return count


def drawn(folder: Path, name: str, seed: int = 0) -> list[dict[str, Any]]:
    asked = f"{SAMPLERS[name][1]}sampler {name}\n"
    return [t.params for t in trials(explored(folder, asked, seed=seed))]


@each
def test_the_one_that_is_named_draws(name: str, tmp_path: Path, used: Counter[str]) -> None:
    params = drawn(tmp_path, name)
    alone = name == "random" or (name.startswith("tpe") and "maximize" in SAMPLERS[name][1])
    method = "sample_independent" if alone else "sample_relative"
    assert used[f"{SAMPLERS[name][0].__name__}.{method}"] >= 4, used
    assert len(params) == 12
    assert all(1 <= p["depth"] <= 8 and 0.01 <= p.get("lr", 0.1) <= 1 for p in params)


@each
def test_the_seed_fixes_what_is_drawn(name: str, tmp_path: Path) -> None:
    first, again, other = (drawn(tmp_path / str(i), name, seed) for i, seed in enumerate((5, 5, 6)))
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", ["random", *map(later, ("tpe(startup = 2)", "cma_es"))])
def test_a_stop_in_between_changes_nothing(name: str, tmp_path: Path) -> None:
    asked = f"{SAMPLERS[name][1]}sampler {name}\n"
    study = begun(tmp_path, asked)
    queue_exploration(study, survey(study.space))
    for _ in range(5):
        study.parts["explore", "all"]
        worker = Worker(study, CPU, trainer=trainer(lr_of_a_tenth))
        part = worker.next_part()
        assert part is not None
        worker.work(part)
        study = find_study(str(study.folder), None, REGISTRY)
    Worker(study, CPU, trainer=trainer(lr_of_a_tenth)).run(0)
    assert [t.params for t in trials(study)] == drawn(tmp_path / "whole", name)


def test_a_grid_has_every_combination_in_turn(tmp_path: Path) -> None:
    asked = (
        "vary depth in {1, 2}\ntune lr in {0.1, 0.3}, batch in {32, 64}\nseeds 2\ntrials 99\n"
        "train epochs = 1\nsampler grid\n"
    )
    found = trials(explored(tmp_path, asked))
    assert len(found) == 16
    keys = [(t.user_attrs["seed"], *(t.params[n] for n in ("depth", "lr", "batch"))) for t in found]
    assert len(set(keys)) == 16 and keys == sorted(keys)


@pytest.mark.slow
def test_random_draws_are_not_guided_to_shapes(tmp_path: Path) -> None:
    found = trials(explored(tmp_path, BOTH + "sampler random\n"))
    assert len({(t.params["depth"], t.params["width"]) for t in found}) >= 10


@pytest.mark.slow
def test_tpe_finds_the_better_rates(tmp_path: Path) -> None:
    asked = TUNED.replace("trials 12", "trials 60") + "sampler tpe(startup = 6)\n"
    rates = [t.params["lr"] for t in trials(explored(tmp_path, asked))]
    late = [abs(r - 0.1) for r in rates[30:]]
    assert sum(d < 0.05 for d in late) >= 15  # by chance, 5 would be


# ----------------------------------------------------------------------------- pruners

PRUNED = {
    "median(warmup = 1, startup = 1)": optuna.pruners.MedianPruner,
    "successive_halving(warmup = 1, factor = 2)": optuna.pruners.SuccessiveHalvingPruner,
    "hyperband(warmup = 1, factor = 2)": optuna.pruners.HyperbandPruner,
}


@pytest.mark.parametrize("name", thinned(PRUNED, 3))
def test_the_pruner_that_is_named_prunes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    original = PRUNED[name].prune

    def spy(self: Any, study: Any, trial: Any) -> bool:
        calls.append(original(self, study, trial))
        return calls[-1]

    monkeypatch.setattr(PRUNED[name], "prune", spy)
    asked = TUNED.replace("epochs = 2", "epochs = 8").replace("trials 12", "trials 24")
    found = trials(explored(tmp_path, f"{asked}prune {name}\nsampler random\n"))
    pruned = [t for t in found if t.state is TrialState.PRUNED]
    assert len(pruned) == sum(calls) and 3 <= len(pruned) <= 20
    assert len(calls) > 24
    for trial in pruned:
        assert len(trial.user_attrs["curve"]) < 8
        assert trial.intermediate_values


def test_without_a_pruner_every_trial_ends(tmp_path: Path) -> None:
    found = trials(explored(tmp_path, f"{TUNED}prune none\n"))
    assert {t.state for t in found} == {TrialState.COMPLETE}


@pytest.mark.parametrize("name", thinned(PRUNED, 3))
def test_a_shape_is_compared_with_itself_alone(name: str, tmp_path: Path) -> None:
    """Each deeper network is worse than all before it, and none is pruned for it."""
    asked = f"vary depth in 1..8\nprune {name}\nsampler random\ntrials 8\ntrain epochs = 8\n"
    study = explored(tmp_path, asked, formula=lambda arch, recipe, seed: 1 - arch.depth / 10)
    assert {t.state for t in trials(study)} == {TrialState.COMPLETE}


# ------------------------------------------------------------------------- parameters


@pytest.mark.slow
def test_no_parameter_is_dead(tmp_path: Path) -> None:
    """Each parameter of a trial changes its network, with the others as they are; the kind does so
    together with `act`, which it brings to life."""
    asked = "vary kind, act, groups, width, unused, mix\nsampler random\n"
    spec = MANY.replace("{1, 2, 4}", "{2, 4}")  # one group would make both options equal
    study = explored(tmp_path, asked + "trials 40\ntrain epochs = 1\n", spec)
    done = [t for t in trials(study) if t.state is TrialState.COMPLETE]
    space = study.space
    values = {v.path: [v.domain.at(i / 8) for i in range(8)] for v in space.tree.header}
    for trial in done:
        knobs = trial.user_attrs["knobs"]
        for name in trial.params:
            others = values.get(name, ("plain", "split"))
            hashes = {space.tree.hash({**knobs, name: other}) for other in others}
            assert len(hashes) > 1 or name == "kind", (name, trial.params)
        assert "unused" not in trial.params
        assert ("act" in trial.params) == (trial.params["kind"] == "b")
        split = "split" in (trial.params["mix1"], trial.params["mix2"])
        assert ("groups" in trial.params) == split
    names = {name for trial in done for name in trial.params}
    assert names == {"kind", "act", "groups", "width", "mix1", "mix2"}
    assert 12 not in {trial.params["width"] for trial in done}


def test_a_shape_that_is_known_to_be_out_of_reach_is_not_drawn(tmp_path: Path) -> None:
    asked = "vary width\ntune lr in 0.1..0.2\ntrials 30\ntrain epochs = 1\nsampler random\n"
    found = trials(explored(tmp_path, asked, MANY))
    assert [t.state for t in found] == [TrialState.COMPLETE] * 30
    widths = [t.params["width"] for t in found]
    assert 12 not in widths and len(set(widths)) > 2
    assert len({t.params["lr"] for t in found}) == 30, "this is the sampler's"


def test_a_turn_that_a_requirement_rules_out_is_drawn_again(tmp_path: Path) -> None:
    """Where there are more shapes than turns, the sampler draws them."""
    asked = "vary width\ntune lr in 0.1..0.2\ntrials 24\ntrain epochs = 1\nsampler random\n"
    spec = MANY.replace("8 in 4..16 step 4", "88 in 4..164 step 4").replace(
        "width != 12", "width > 84"
    )
    found = trials(explored(tmp_path, asked, spec))
    lost = [t for t in found if t.state is TrialState.FAIL]
    done = [t for t in found if t.state is TrialState.COMPLETE]
    assert lost and all(t.user_attrs["failure"] == "unreachable" for t in lost)
    assert {t.user_attrs["cause"] for t in lost} == {"a requirement is not met: twelve is unlucky"}
    assert len(done) == 24 and {t.user_attrs["turn"] for t in done} == set(range(24))


def test_importances_and_plots_of_optuna(tmp_path: Path) -> None:
    plots = pytest.importorskip("plotly") and optuna.visualization
    asked = "vary outer, inner\ntune lr in 0.01..1 log\ntrials 24\ntrain epochs = 2\n"
    study = explored(tmp_path, asked, NESTED)
    part = study.parts["explore", "all"]
    found = optuna.importance.get_param_importances(part)
    assert next(iter(found)) == "lr" and found["lr"] > 0.8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for plot in (
            plots.plot_optimization_history,
            plots.plot_param_importances,
            plots.plot_parallel_coordinate,
            plots.plot_slice,
            plots.plot_contour,
            plots.plot_intermediate_values,
            plots.plot_timeline,
            plots.plot_edf,
        ):
            assert plot(part).data, plot.__name__
    study = explored(tmp_path / "pareto", PARETO)
    part = study.parts["explore", "all"]
    assert plots.plot_pareto_front(part).data
    assert part.metric_names == ["accuracy", "macs"]


@pytest.mark.parametrize(
    "domain",
    [
        Interval(1, 9, 1),
        Interval(4, 18, 3),
        Interval(1, 64, 1, True),
        Choices((1, 2.5, True, "a"), ("1", "2.5", "true", '"a"')),
    ],
)
def test_values_there_and_back(domain: Any) -> None:
    drawn = distribution(domain)
    for known in domain.enumerate():
        there = param(domain, known)
        assert drawn._contains(drawn.to_internal_repr(there))
        back = value(domain, there)
        assert back == known and type(back) is type(known)


def test_a_draw_out_of_reach_costs_no_turn(tmp_path: Path) -> None:
    """Depth 1 cannot have so many parameters: the other two have all turns, as many each."""
    asked = "vary depth in {1, 2, 3}\nhold params = 4K within 10% by width\ntune lr in 0.01..1\n"
    study = explored(tmp_path, asked + "trials 30\ntrain epochs = 1\nsampler tpe(startup = 4)\n")
    found = trials(study, "4K params")
    done = [t for t in found if t.state is TrialState.COMPLETE]
    assert {t.user_attrs["turn"] for t in done} == set(range(30))
    assert {t.params["depth"] for t in done} == {2, 3}
    lost = [t.user_attrs["turn"] for t in found if t.state is TrialState.FAIL]
    assert len(lost) == len(set(lost)) <= 10, "one draw a turn at most"


@pytest.mark.parametrize("more", ["", "prune successive_halving(warmup = 1)\n"])
def test_what_has_ended_is_read_once_and_what_waits_not_at_all(more: str, tmp_path: Path) -> None:
    """Where much waits, reading it anew was nearly all that a draw took."""
    study = begun(tmp_path, TUNED.replace("trials 12", "trials 60") + more)
    queue_exploration(study, survey(study.space))
    worker = Worker(study, CPU, trainer=trainer(lr_of_a_tenth))

    def work(count: int) -> None:
        for _ in range(count):
            part = worker.next_part()
            assert part is not None
            worker.work(part)

    work(12)
    inner, read = study.storage.inner, 0

    def counted(*given: Any) -> Any:
        nonlocal read
        read += 1
        return get_trial(*given)

    get_trial, inner.get_trial = inner.get_trial, counted  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(inner, "get_all_trials", lambda *given: pytest.fail("all were read"))
        work(3)
    assert read < 60
