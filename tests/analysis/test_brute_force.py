"""Random specs: what is remembered, proved, computed in closed form and built agrees."""

import brute_force
import pytest
from commit_seed import seed

COUNT = 120


@pytest.mark.parametrize("part", range(6))
def test_random_specs_agree(part: int) -> None:
    """Other specs for each commit: a failure says the seed of its spec."""
    start = 1000 * (seed() % 10**6) + 20 * part
    for number in range(start, start + COUNT // 6):
        problem = brute_force.check(number, number % brute_force.BUILT == 0)
        assert problem is None, problem


def test_figures_are_compared_with_the_module_that_is_built() -> None:
    text = "arch net\ninput 3x8x8\nconv(4, 3) -> bn -> relu\n"
    assert brute_force.built_differs(text) is None


def test_a_difference_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a memory that takes for equal what Python does, some spec differs."""
    monkeypatch.setattr("archdsl.elaborate.machine.key", lambda values: values)
    assert any(brute_force.check(number, False) for number in range(40, 90))
