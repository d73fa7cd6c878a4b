"""How the variance of scores is shared among knobs: of scores that are made, it is known."""

import numpy as np
import pytest

from archdsl.report.importance import DrawnFrom, basis, effects

CHOICES, NUMBER = {"choices": [10, 16, 22, 28, 40]}, {"low": 0.01, "high": 1.0, "log": True}


def drawn(count: int, seed: int = 0) -> dict[str, DrawnFrom]:
    """Draws that are not as likely everywhere, and where one knob goes with the other."""
    draw = np.random.default_rng(seed)
    places = draw.choice(5, count, p=[0.4, 0.3, 0.1, 0.1, 0.1])
    rates = 10 ** (-2 + 2 * draw.beta(2, 1 + 0.5 * places, count))
    return {"depth": DrawnFrom(CHOICES, places.tolist()), "lr": DrawnFrom(NUMBER, rates.tolist())}


@pytest.mark.parametrize("domain", [CHOICES, NUMBER, {"low": 1, "high": 9, "log": False}])
def test_a_basis_is_orthonormal_over_the_domain(domain: dict[str, object]) -> None:
    at = (np.arange(4000) + 0.5) / 4000
    if "choices" in domain:
        values = np.floor(5 * at)
    else:
        values = 1 + 8 * at if not domain["log"] else 10 ** (-2 + 2 * at)
    found = basis(DrawnFrom(domain, values.tolist()), 3)
    assert found.mean(axis=0) == pytest.approx(np.zeros(found.shape[1]), abs=1e-6)
    assert found.T @ found / 4000 == pytest.approx(np.eye(found.shape[1]), abs=1e-5)


def test_shares_are_those_of_the_scores_also_where_draws_are_not_even() -> None:
    knobs = drawn(60)
    effect = np.array([0.0, 0.1, 0.5, 0.4, 0.0])
    place = np.array(knobs["depth"].values, dtype=int)
    at = np.log10(np.array(knobs["lr"].values))
    found = effects(
        {n: basis(d, 3) for n, d in knobs.items()}, effect[place] + 0.3 * at - 0.2 * at**2
    )
    assert found is not None
    assert found["depth"] == pytest.approx(effect.var())
    even = np.linspace(-2, 0, 100_001)
    assert found["lr"] == pytest.approx((0.3 * even - 0.2 * even**2).var(), rel=1e-3)


def test_what_chance_explains_is_taken_off() -> None:
    shares = []
    for seed in range(200):
        knobs = drawn(40, seed)
        draw = np.random.default_rng(seed)
        place = np.array(knobs["depth"].values)
        found = effects({n: basis(d, 3) for n, d in knobs.items()}, place + draw.normal(0, 1, 40))
        assert found is not None
        shares.append([found["depth"], found["lr"]])
    depth, lr = np.median(shares, axis=0)
    assert depth == pytest.approx(2, rel=0.15) and lr < 0.1


def test_too_few_trials_and_knobs_that_go_together_say_nothing() -> None:
    knobs = {n: basis(d, 3) for n, d in drawn(12).items()}
    assert effects(knobs, np.arange(12.0)) is None
    assert (
        effects({"a": np.arange(20.0)[:, None], "b": np.arange(20.0)[:, None]}, np.ones(20)) is None
    )
