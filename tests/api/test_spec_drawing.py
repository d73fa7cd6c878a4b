"""`spec.candidates`, `spec.sample` and `spec.suggest`: what is out of reach is never drawn."""

import random
from typing import Any

import numpy as np
import optuna
import pytest

from archdsl import ArchError, parse
from archdsl.units import short

NET = """arch net(
  depth = 1 in 1..4, width = 8 in 1..32, kind = "plain" in {"plain", "wide"},
  extra = 1 in {1, 2, 3}, scale = 1 in 0.5..4
)
input 1x8x8
let c = round(width * scale)
conv(c, 3)
if kind == "wide" { conv(extra * c, 3) }
repeat depth { conv(c, 3) -> relu }
require kind == "plain" or depth < 4, "too deep for wide ones"
"""


def quiet_study(seed: int = 0) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=4))


def test_candidates_are_all_networks_within_bounds_once() -> None:
    spec = parse(NET)
    expected = {}
    for kind in ("plain", "wide"):
        for depth in range(1, 5):
            for extra in (1, 2, 3):
                if kind == "plain" or depth < 4:
                    arch = spec.with_knobs(kind=kind, depth=depth, extra=extra)
                    expected[arch.hash] = arch
    found = spec.candidates(vary=("kind", "depth", "extra"))
    assert {a.hash for a in found} == set(expected) and len(found) == len(expected) == 4 + 9
    low, high = 40_000, 120_000
    some = spec.candidates(vary=("kind", "depth", "extra"), macs=(low, high), params=(None, 1e9))
    assert {a.hash for a in some} == {h for h, a in expected.items() if low <= a.macs <= high}
    assert 0 < len(some) < 13


def test_candidates_at_a_budget_have_their_widths_solved() -> None:
    spec = parse(NET)
    found = spec.candidates(vary=("depth", "kind"), macs=150_000, by="width", within=0.1)
    assert len(found) > 3 and all(abs(a.macs / 150_000 - 1) <= 0.1 for a in found)


@pytest.mark.parametrize("rng", [3, random.Random(3), np.random.default_rng(3)], ids=type)
def test_a_sample_is_within_bounds(rng: Any) -> None:
    spec = parse(NET)
    for _ in range(20):
        arch = spec.sample(rng, vary=("depth", "kind", "extra"), macs=(0, 60_000))
        assert arch.macs <= 60_000


def test_samples_of_a_seed_are_the_same_and_reach_everything() -> None:
    spec = parse(NET)
    asked: dict[str, Any] = {"vary": ("depth", "kind"), "macs": (0, 60_000)}
    assert spec.sample(5, **asked).hash == spec.sample(5, **asked).hash
    found = {spec.sample(seed, **asked).hash for seed in range(60)}
    assert found == {a.hash for a in spec.candidates(**asked)}


@pytest.mark.slow
def test_a_space_that_cannot_be_listed_is_drawn_until_it_fits() -> None:
    spec = parse(NET)
    bounds = (50_000, 70_000)
    with pytest.raises(ArchError, match="more shapes than can be listed"):
        spec.candidates(macs=bounds)
    macs = [spec.sample(seed, macs=bounds).macs for seed in range(10)]
    assert all(bounds[0] <= m <= bounds[1] for m in macs) and len(set(macs)) > 2
    with pytest.raises(ArchError, match="within the bounds"):
        spec.sample(0, macs=(1, 2))


def test_a_study_of_ones_own_draws_nothing_that_is_out_of_reach() -> None:
    spec, study = parse(NET), quiet_study()
    asked: dict[str, Any] = {"vary": ("depth", "kind", "extra"), "macs": 60_000, "by": "width"}
    asked["within"] = 0.08
    reach = {a.hash for a in spec.candidates(**asked)}

    def objective(trial: optuna.Trial) -> float:
        arch = spec.suggest(trial, **asked)
        assert arch.hash in reach
        assert trial.user_attrs["hash"] == arch.hash
        assert trial.user_attrs["knobs"] == arch.shown_knobs
        return -arch.depth

    study.optimize(objective, n_trials=30)
    assert {t.state for t in study.trials} == {optuna.trial.TrialState.COMPLETE}
    plain = [t for t in study.trials if t.user_attrs["knobs"]["kind"] == '"plain"']
    assert plain and all(not any(p.startswith("extra") for p in t.params) for t in plain)
    assert study.best_value == -max(a.depth for a in spec.candidates(**asked))


def test_a_knob_whose_whole_domain_is_in_reach_is_a_number_to_optuna() -> None:
    spec, study = parse(NET), quiet_study()
    trial = study.ask()
    spec.suggest(trial, vary="depth")
    assert trial.distributions == {"depth": optuna.distributions.IntDistribution(1, 4)}
    other = study.ask()
    spec.suggest(other, vary="depth", kind="wide")
    some = optuna.distributions.CategoricalDistribution([1, 2, 3])
    assert other.distributions == {"depth in {1, 2, 3}": some}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"macs": 1e5}, "A515"),
        ({"by": "width"}, "A516"),
        ({"rng": "seed", "macs": (0, 1e5)}, "A301"),
        ({"macs": 1e5, "params": 1e3, "by": "width"}, "A516"),
        ({"macs": (1, 2, 3)}, "A517"),
        ({"macs": (0, "many")}, "A517"),
        ({"vary": "dpth"}, "A502"),
        ({"vary": "depth", "macs": 1e5, "by": "widht"}, "A502"),
        ({"vary": "depth", "kind": "other"}, "A503"),
    ],
    ids=str,
)
def test_bad_input(asked: dict[str, Any], code: str) -> None:
    with pytest.raises(ArchError) as caught:
        parse(NET).sample(**{"rng": 0, **asked})
    assert caught.value.diagnostics[0].code == code


@pytest.mark.parametrize("vary", ["depth", ("depth", "kind", "extra")])
def test_out_of_reach_is_an_error_that_names_the_nearest(vary: Any) -> None:
    spec = parse(NET)
    largest = max(a.macs for a in spec.candidates(vary=vary, width=32, scale=1))
    with pytest.raises(ArchError) as caught:
        spec.sample(np.int64(0), vary=vary, macs=1e12, by="width", within="1%", scale=1)
    (found,) = caught.value.diagnostics
    assert found.code == "A705" and short(largest) in found.message
