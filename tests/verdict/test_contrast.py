"""The difference of two means: tests and intervals."""

import numpy as np
import pytest
from scipy import stats

from archdsl.verdict.contrast import (
    Difference,
    average,
    bootstrap,
    mean_interval,
    variance,
    welch,
)

RNG = np.random.default_rng(0)
A = RNG.normal(0.9, 0.01, 10).tolist()
B = RNG.normal(0.89, 0.02, 7).tolist()


def test_welch_is_that_of_scipy() -> None:
    expected = stats.ttest_ind(A, B, equal_var=False)
    found = welch(A, B)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.freedom == pytest.approx(expected.df)
    for level in (0.9, 0.99):
        assert found.interval(level) == pytest.approx(tuple(expected.confidence_interval(level)))


def test_a_sample_without_spread_is_no_obstacle() -> None:
    found = welch([0.9] * 5, B)
    assert found.freedom == pytest.approx(6)
    assert found.p == pytest.approx(stats.ttest_1samp(B, 0.9).pvalue)


def test_two_samples_without_spread_are_permuted() -> None:
    assert welch([0.1] * 10, [0.1] * 10) == Difference(0.0, 0.0, 18, 1.0)
    assert welch([0.1] * 10, [0.1] * 10).interval(0.95) is None, (
        "no spread says nothing of a spread"
    )
    found = welch([0.2] * 3, [0.1] * 3)
    assert found.p == 2 / 20 and found.interval(0.95) is None
    assert welch([0.2] * 10, [0.1] * 10).p == pytest.approx(2 / 184_756)


def test_equal_numbers_have_no_variance_whatever_their_rounding() -> None:
    assert np.var([0.1] * 3, ddof=1) != 0
    assert variance([0.1] * 3) == 0


def test_a_p_value_is_never_zero() -> None:
    assert 0 < welch([1.0, 1 + 1e-15] * 50, [0.0, 1e-15] * 50).p < 1e-200


def test_an_average_is_one_sample_of_sums() -> None:
    """Two slices with the same numbers: half the variance, twice the degrees of freedom."""
    one = welch(A, B)
    both = average([one, one])
    assert both.value == pytest.approx(one.value)
    assert both.error == pytest.approx(one.error / 2**0.5)
    assert both.freedom == pytest.approx(2 * one.freedom)
    opposite = Difference(-one.value, one.error, one.freedom, one.p)
    assert average([one, opposite]).p == 1
    flat = welch([0.2] * 3, [0.1] * 3)
    assert average([flat, flat]).p == flat.p


def test_the_interval_of_a_mean() -> None:
    expected = stats.ttest_1samp(A, 0).confidence_interval(0.95)
    assert mean_interval(A, 0.95) == pytest.approx(tuple(expected))
    assert mean_interval([0.5], 0.95) is None
    assert mean_interval([0.5] * 3, 0.95) is None


def test_the_bootstrap_repeats_itself_and_follows_the_data() -> None:
    found = bootstrap((A, B), 0.95, 999, 0)
    assert found == bootstrap((A, B), 0.95, 999, 0) != bootstrap((A, B), 0.95, 999, 1)
    many = np.random.default_rng(2).normal(0.9, 0.01, (2, 200)).tolist()
    exact = welch(*many).interval(0.95)
    assert bootstrap(many, 0.95, 9999, 0) == pytest.approx(exact, abs=2e-4)


def test_the_bootstrap_needs_four_results_that_vary() -> None:
    assert bootstrap((A[:3], B), 0.95, 99, 0) is None
    assert bootstrap(([0.5] * 10, [0.4] * 10), 0.95, 99, 0) is None
    assert bootstrap(([0.5] * 10, B), 0.95, 99, 0) is not None
