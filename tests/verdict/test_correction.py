"""The correction for several comparisons."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archdsl.verdict.correction import cauchy, combined, corrected, corrected_pairs

P = st.floats(1e-300, 1)


def test_one_comparison_needs_no_correction() -> None:
    assert corrected([0.03]) == [0.03]
    assert corrected([]) == []


def test_values() -> None:
    assert combined([0.5, 0.5]) == pytest.approx(0.5)
    assert combined([0.02, 0.02]) == pytest.approx(0.02)
    # (cot 0.01 pi + cot 0.4 pi) / 2 = (31.8205 + 0.3249) / 2, and atan(1 / 16.0727) / pi
    assert combined([0.01, 0.4]) == pytest.approx(0.019779, abs=1e-6)
    assert corrected([0.01, 0.4]) == [pytest.approx(0.019779, abs=1e-6), 0.4]


def test_several_that_agree_need_next_to_none() -> None:
    """Holm's correction would make 0.06 of each."""
    assert corrected([0.02, 0.02, 0.02]) == pytest.approx([0.02, 0.02, 0.02])


def test_one_among_many_costs_their_number() -> None:
    assert corrected([0.001, 0.5, 0.5, 0.5])[0] == pytest.approx(0.004, rel=0.01)


def test_weights_are_shares_of_the_error() -> None:
    """Alone, each falls at its share of 5 %; with the other, at all of it."""
    assert corrected([0.0395, 0.5], [0.8, 0.2])[0] < 0.05 < corrected([0.0405, 0.5], [0.8, 0.2])[0]
    assert corrected([0.5, 0.0098], [0.8, 0.2])[1] < 0.05 < corrected([0.5, 0.0102], [0.8, 0.2])[1]
    assert corrected([0.049, 0.001], [0.8, 0.2]) == pytest.approx([0.049, 0.0046], abs=1e-4)


@given(st.lists(P, min_size=1, max_size=5))
def test_it_is_closed_testing(p: list[float]) -> None:
    """Over every set, not only those that stand for the rest."""
    places = range(len(p))
    sets = [c for size in range(1, len(p) + 1) for c in combinations(places, size)]
    whole = [max(combined([p[j] for j in c]) for c in sets if i in c) for i in places]
    assert corrected(p) == pytest.approx(whole, rel=1e-9)
    assert all(a >= b for a, b in zip(corrected(p), p, strict=True))


@given(st.lists(st.tuples(P, st.sampled_from([0.8, 0.2])), min_size=1, max_size=5))
def test_with_weights_too(given: list[tuple[float, float]]) -> None:
    """A set is then tested by the weighted mean."""
    p, weights = [q for q, _ in given], [w for _, w in given]

    def together(chosen: tuple[int, ...]) -> float:
        if len(chosen) == 1:
            return p[chosen[0]]
        shares = [weights[j] for j in chosen]
        total = np.average(cauchy([p[j] for j in chosen]), weights=shares)
        return float(np.arctan2(1, total) / np.pi)

    sets = [c for size in range(1, len(p) + 1) for c in combinations(range(len(p)), size)]
    whole = [max(together(c) for c in sets if i in c) for i in range(len(p))]
    assert corrected(p, weights) == pytest.approx(whole, rel=1e-9)


def test_tiny_and_certain_values_stay_in_bounds() -> None:
    values = corrected([1e-300, 1.0, 1.0, 1e-17])
    assert all(0 < v <= 1 for v in values)
    assert values[0] < 1e-290 and values[1] == 1.0


@pytest.mark.parametrize("count", [2, 4, 9])
def test_the_combination_holds_its_level(count: int) -> None:
    ps = np.random.default_rng(count).random((20_000, count)).tolist()
    for level in (0.01, 0.05):
        found = np.mean([combined(p) < level for p in ps])
        assert found == pytest.approx(level, abs=3 * (level / 20_000) ** 0.5)


PAIRS = st.lists(st.lists(st.floats(1e-9, 1), min_size=1, max_size=3), min_size=1, max_size=3)


@given(PAIRS)
def test_pairs_are_tested_closed_too(groups: list[list[float]]) -> None:
    """Over every set, in which those of one slice count as one."""
    places = [(g, i) for g, group in enumerate(groups) for i in range(len(group))]

    def together(chosen: tuple[tuple[int, int], ...]) -> float:
        ps = [[groups[g][i] for h, i in chosen if h == g] for g in range(len(groups))]
        return combined([min(len(p) * min(p), 1.0) for p in ps if p])

    sets = [c for size in range(1, len(places) + 1) for c in combinations(places, size)]
    found = corrected_pairs(groups)
    for g, i in places:
        whole = max(together(c) for c in sets if (g, i) in c)
        assert found[g][i] == pytest.approx(whole, rel=1e-9)


def test_pairs_of_one_slice_are_corrected_as_holm_has_it() -> None:
    assert corrected_pairs([[0.01, 0.02, 0.3]]) == [[pytest.approx(0.03), 0.04, 0.3]]
    assert corrected_pairs([[], [0.02]])[1] == [0.02], "nothing is settled in the first"
