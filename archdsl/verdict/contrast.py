"""The difference of two means of scores: how large, and how sure."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb, isfinite, sqrt

import numpy as np
from scipy import special

Interval = tuple[float, float]
POWER = 0.8
LEAST = 1e-300  # a p-value is never 0
MANY = 10**6  # seeds: more are not counted


@dataclass(frozen=True, slots=True)
class Difference:
    """An estimated difference, its standard error, degrees of freedom, and p-value against 0."""

    value: float
    error: float
    freedom: float
    p: float

    def interval(self, level: float) -> Interval | None:
        """The t-interval; none where no spread was seen that it could be made of."""
        if self.error == 0:
            return None
        reach = self.error * quantile(1 - (1 - level) / 2, self.freedom)
        return self.value - reach, self.value + reach

    def widened(self, variance: float, freedom: float) -> Difference:
        """The same with an error of another source beside it, of so many degrees of freedom."""
        if not variance:
            return self
        if not self.error:
            return replace(self, p=max(self.p, tested(self.value, sqrt(variance), freedom).p))
        total = self.error**2 + variance
        spread = self.error**4 / self.freedom + variance**2 / freedom
        return tested(self.value, sqrt(total), total**2 / spread)

    def raised(self, variance: float) -> Difference:
        """The same with a larger variance, which is known no better: p never becomes smaller."""
        if not variance:
            return self
        found = tested(self.value, sqrt(self.error**2 + variance), self.freedom)
        return found if self.error else replace(self, p=max(self.p, found.p))


def welch(first: Sequence[float], second: Sequence[float]) -> Difference:
    """The difference of two means by Welch's test, which lets the variances differ (1947).

    Where neither sample has any spread, the p-value is the smallest that a permutation test
    of so many results can have.
    """
    n, m = len(first), len(second)
    a, b = variance(first) / n, variance(second) / m
    value = less(mean(first), mean(second))
    if a + b == 0:
        p = 1.0 if value == 0 else max(2 / comb(n + m, n), LEAST)
        return Difference(value, 0.0, n + m - 2, p)
    freedom = (a + b) ** 2 / (a**2 / (n - 1) + b**2 / (m - 1))
    return tested(value, sqrt(a + b), freedom)


def average(differences: Sequence[Difference]) -> Difference:
    """The mean of independent differences, with Satterthwaite's degrees of freedom (1946)."""
    count = len(differences)
    value = sum(d.value for d in differences) / count
    parts = [(d.error / count) ** 2 for d in differences]
    total = sum(parts)
    if total == 0:
        p = 1.0 if value == 0 else max(d.p for d in differences)
        return Difference(value, 0.0, sum(d.freedom for d in differences), p)
    spread = sum(v**2 / d.freedom for v, d in zip(parts, differences, strict=True))
    return tested(value, sqrt(total), total**2 / spread)


def tested(value: float, error: float, freedom: float) -> Difference:
    p = 2 * special.stdtr(freedom, -abs(value) / error)
    return Difference(value, error, freedom, max(float(p), LEAST))


def mean(sample: Sequence[float]) -> float:
    return sample[0] if min(sample) == max(sample) else sum(sample) / len(sample)


ROUNDING = 1e-12  # of the size of numbers: what differs by less is equal


def less(one: float, other: float) -> float:
    """One number less the other; exactly 0 for numbers that differ in their rounding alone."""
    return 0.0 if abs(one - other) <= ROUNDING * max(abs(one), abs(other)) else one - other


def variance(sample: Sequence[float]) -> float:
    """The unbiased variance; exactly 0 for numbers that differ in their rounding alone."""
    if less(max(sample), min(sample)) == 0:
        return 0.0
    centre = mean(sample)
    return sum((x - centre) ** 2 for x in sample) / (len(sample) - 1)


def quantile(share: float, freedom: float) -> float:
    return float(special.stdtrit(freedom, share))


def mean_interval(sample: Sequence[float], level: float, least: float = 0.0) -> Interval | None:
    """Student's interval of a mean, with ``least`` as the least variance; none for a single result,
    and for equal ones."""
    spread = max(variance(sample), least) if len(sample) > 1 else 0.0
    if spread == 0:
        return None
    reach = sqrt(spread / len(sample)) * quantile(1 - (1 - level) / 2, len(sample) - 1)
    return mean(sample) - reach, mean(sample) + reach


def bootstrap(
    samples: Sequence[Sequence[float]], level: float, resamples: int, seed: int
) -> Interval | None:
    """The bootstrap interval of the difference of two means, or of the mean of differences in
    pairs, bias-corrected and accelerated (Efron 1987).

    None with fewer than four results in a sample, and where the resamples do not vary.
    """
    if min(map(len, samples)) < 4 or not resamples:
        return None
    from scipy import stats  # a second of start, and 35 MB: for settled shapes alone

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of samples without spread, which are seen below
        found = stats.bootstrap(
            tuple(map(np.asarray, samples)),
            lambda a, *b, axis: a.mean(axis=axis) - sum(x.mean(axis=axis) for x in b),
            n_resamples=resamples,
            confidence_level=level,
            method="BCa",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    low, high = float(found.low), float(found.high)
    return (low, high) if isfinite(low) and isfinite(high) else None
