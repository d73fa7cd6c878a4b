"""Looking several times at planned numbers of seeds, with 5 % false claims in all."""

import numpy as np
import pytest
from crossed import LOOKED, LOOKS, World, in_looks
from scipy import special

from archdsl.verdict.looks import level_at, levels, planned, repeated


def test_planned_looks() -> None:
    assert planned(3, 20) == (3, 5, 8, 12, 16, 20) == LOOKS
    assert planned(3, 12) == (3, 5, 8, 12)
    assert planned(2, 100) == (2, 4, 6, 9, 14, 21, 32, 48, 68, 88, 100)
    assert planned(5, 5) == (5,)


def test_levels_spend_the_error_with_the_square_of_the_seeds() -> None:
    found = levels(LOOKS, 0.05)
    assert found == pytest.approx(
        (0.001125, 0.002356, 0.005948, 0.01326, 0.02253, 0.03445), rel=2e-3
    )
    assert found[0] == pytest.approx(0.05 * (3 / 20) ** 2), "the first look has what it spends"
    sums = np.cumsum(np.random.default_rng(0).standard_normal((50_000, 20)), axis=1)
    claimed = np.zeros(len(sums), bool)
    for look, level in zip(LOOKS, found, strict=True):
        claimed |= 2 * special.ndtr(-np.abs(sums[:, look - 1]) / look**0.5) < level
    assert abs(claimed.mean() - 0.05) < 0.003


def test_a_repeated_p_value_is_the_smallest_error_that_claims() -> None:
    for seeds, place in ((3, 0), (4, 0), (8, 2), (20, 5)):
        level = levels(LOOKS, 0.05)[place]
        assert repeated(level, LOOKS, seeds) == pytest.approx(0.05, rel=0.02)
        assert level_at(0.05, LOOKS, seeds) == level
    assert repeated(0.001, LOOKS, 2) == 1.0, "before the first look nothing is claimed"
    assert repeated(0.9, LOOKS, 3) == 1.0
    assert repeated(1e-30, LOOKS, 20) == pytest.approx(1e-30, rel=2)
    assert repeated(0.03, (), 4) == repeated(0.03, (10,), 10) == 0.03, "one look is none"


def test_no_claim_where_nothing_differs() -> None:
    found = in_looks(World(1000, LOOKS[-1], 0.16), LOOKS, 60, seed=1)
    assert found.claimed <= 0.134, "three standard errors above 5 %"
    assert found.equivalent > 0.8 and found.seeds < 16


@pytest.mark.slow
@pytest.mark.parametrize(("name", "world"), [row for row in LOOKED if row[1].better <= 0.82])
def test_at_length(name: str, world: World) -> None:
    found = in_looks(world, LOOKS, 250, seed=2)
    false = found.equivalent if world.better else found.claimed
    assert false <= 0.0914, "of what is not so, three standard errors above 5 %"
