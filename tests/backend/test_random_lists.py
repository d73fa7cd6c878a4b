"""Modules of random networks of several tensors give what their graphs say."""

import pytest
from commit_seed import seed
from random_lists import ListWriter, check

import archdsl


@pytest.mark.parametrize("part", range(4))
def test_modules_of_random_lists(part: int) -> None:
    """Other networks for each commit: a failure says the seed of its spec."""
    start = 1000 * (seed() % 10**6) + 5 * part
    for number in range(start, start + 5):
        problem = check(number)
        assert problem is None, problem


def test_what_is_written_is_mostly_a_network() -> None:
    found = [archdsl.parse(ListWriter(number).text()).with_knobs() for number in range(8)]
    assert any(len(arch.network.root.steps) > 10 for arch in found)
    assert sum(arch.source().count("list[Tensor]") for arch in found) > 5
