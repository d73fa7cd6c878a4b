"""The verdict where networks err on examples: at most one study of twenty claims what is not there,
and what is there is found about as often as by the seeds alone where examples carry nothing.
`benchmarks/calibration.py` has all rows at length; here they are thinned."""

from math import sqrt

import pytest
from crossed import FALSE, POWER, SEVERAL, World, shares


def most(count: int, level: float = 0.05) -> float:
    """What a share of ``level`` stays below but for chance: three standard errors above."""
    return level + 3 * sqrt(level * (1 - level) / count)


@pytest.mark.parametrize("own", [0.16, 2.0])
def test_no_claim_where_nothing_differs(own: float) -> None:
    said, _ = shares(World(360, 5, own), 300, seed=1)
    assert said <= most(300)


def test_seeds_alone_claim_what_other_examples_would_not_say() -> None:
    said, welch = shares(World(360, 10, 2.0), 250, seed=2)
    assert welch > 0.2 and said <= most(250)


def test_nor_at_several_budgets_with_the_same_examples() -> None:
    said, _ = shares(World(360, 5, 1.0, budgets=3), 120, seed=3)
    assert said <= most(120)


def test_little_is_lost_where_examples_carry_nothing() -> None:
    said, welch = shares(World(360, 5, 0.0, better=1.0), 250, seed=4)
    assert welch > 0.3 and welch - 0.1 <= said <= welch


def test_nor_between_any_two_of_three() -> None:
    said, _ = shares(World(360, 5, 2.0, arms=3), 150, seed=3)
    assert said <= most(150)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "world"), SEVERAL)
def test_no_claim_of_several_at_length(name: str, world: World) -> None:
    said, _ = shares(world, 250, seed=5)
    assert said <= most(250)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "world"), FALSE)
def test_no_claim_at_length(name: str, world: World) -> None:
    said, _ = shares(world, 600, seed=5)
    assert said <= most(600)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "world"), POWER)
def test_power_at_length(name: str, world: World) -> None:
    said, welch = shares(world, 400, seed=6)
    assert said >= welch - 0.1
