"""The difference of two arms over seeds and over examples, where it is known which are right.

Seeds are nested in arms, and all are judged on the same examples: a split-plot design, as of
readers and cases in the comparison of two diagnostic procedures (Obuchowski and Rockette 1995,
with the degrees of freedom of Hillis 2007). What differs between arms from example to example
is no luck of a seed: more seeds do not average it out, and other examples would change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt
from scipy import special

from archdsl.verdict.contrast import (
    MANY,
    POWER,
    ROUNDING,
    Difference,
    Interval,
    average,
    less,
    mean,
    quantile,
    tested,
    variance,
    welch,
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sample:
    """The fresh results of an arm: a score for each seed and, where they are known, the scores
    ``(seeds, examples)`` of which these are the means.

    Where each was judged on a fold, ``folds`` are their numbers, and there are no ``examples``:
    those of different folds are different ones.

    ``least`` is what the variance of a seed's score is at least, whatever these few show of it.
    """

    scores: Sequence[float]
    examples: Floats | None = None
    folds: Sequence[int] = ()
    least: float = 0.0

    @property
    def unseen(self) -> float:
        """What the variance of the mean has beyond what these scores show of it."""
        if not self.least:
            return 0.0
        return max(self.least - variance(self.scores), 0.0) / len(self.scores)

    @property
    def flips(self) -> float:
        """The mean variance, between seeds, of what is said of one example: what examples add
        to the variance of a seed's score, times their number."""
        if self.examples is None or len(self.examples) < 2:
            return 0.0
        return float(self.examples.var(axis=0, ddof=1).mean())


def of_folds(sample: Sample) -> dict[int, float]:
    """The mean score in each fold."""
    found: dict[int, list[float]] = {}
    for fold, score in zip(sample.folds, sample.scores, strict=True):
        found.setdefault(fold, []).append(score)
    return {fold: mean(found[fold]) for fold in sorted(found)}


def paired(pairs: Sequence[tuple[Sample, Sample]]) -> list[float] | None:
    """The differences of pairs of arms, their mean fold by fold in all folds that they have in
    common; none where there are fewer than two of these."""
    if not all(sample.folds for pair in pairs for sample in pair):
        return None
    scores = [(of_folds(first), of_folds(second)) for first, second in pairs]
    known = [found for pair in scores for found in pair]
    common = [fold for fold in known[0] if all(fold in found for found in known)]
    if len(common) < 2:
        return None
    return [sum(less(a[fold], b[fold]) for a, b in scores) / len(pairs) for fold in common]


def in_folds(differences: Sequence[float]) -> Difference:
    """The mean of differences fold by fold, by Student's test; where they have no spread, the
    p-value is the smallest that changing their signs can give."""
    value, count = mean(differences), len(differences)
    spread = variance(differences)
    if spread == 0:
        return Difference(value, 0.0, count - 1, 1.0 if value == 0 else 2.0 ** (1 - count))
    return tested(value, sqrt(spread / count), count - 1)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the variance of a difference comes from.

    ``first`` and ``second`` are the variances of a seed's score in either arm, of which ``flips``
    is what single examples add, times ``examples``; ``own`` is the variance over examples of the
    difference of the arms, free of the luck of seeds. Without ``examples``, their count, only
    scores were known. ``tuning`` is what the arms may lose by their settings, of which
    ``tuning_freedom`` are the degrees of freedom.
    """

    first: float
    second: float
    flips: float = 0.0
    own: float = 0.0
    examples: int | None = None
    tuning: float = 0.0
    tuning_freedom: float = 1.0

    @property
    def of_examples(self) -> float:
        return self.own / self.examples if self.examples else 0.0

    @property
    def fixed(self) -> float:
        """The variance that more seeds leave."""
        return self.of_examples + self.tuning

    def freedom(self, n: int, m: int) -> float:
        """Satterthwaite's degrees of freedom with so many seeds of the arms."""
        parts: list[tuple[float, float]] = [(self.first / n, n - 1), (self.second / m, m - 1)]
        if self.examples:
            parts.append((self.of_examples, self.examples - 1))
        parts.append((self.tuning, self.tuning_freedom))
        total = sum(v for v, _ in parts)
        return total**2 / sum(v**2 / f for v, f in parts if v)


def _over_examples(differences: Floats, of: Sequence[Floats]) -> float:
    """The variance over examples; 0 where these differ in the rounding of what they are ``of``."""
    size = max(float(np.abs(values).max()) for values in of)
    return float(differences.var(ddof=1)) if np.ptp(differences) > ROUNDING * size else 0.0


def sources(first: Sample, second: Sample) -> Sources:
    """The components of the variance, as far as they were seen; of folds, that of one."""
    if (differences := paired([(first, second)])) is not None:
        return Sources(variance(differences), 0.0)
    a, b = variance(first.scores), variance(second.scores)
    x, y = first.examples, second.examples
    if x is None or y is None or x.shape[1] != y.shape[1] or x.shape[1] < 2:
        return Sources(a, b)
    of_seeds = first.flips / len(x) + second.flips / len(y)
    own = _over_examples(x.mean(axis=0) - y.mean(axis=0), [x, y]) - of_seeds
    return Sources(a, b, first.flips + second.flips, max(own, 0.0), x.shape[1])


def compared(first: Sample, second: Sample) -> Difference:
    """The difference of two arms: fold by fold where there are folds, and by Welch's test where
    only their scores are known."""
    return _as_seen(first, second).raised(first.unseen + second.unseen)


def _as_seen(first: Sample, second: Sample) -> Difference:
    """The same with the variances that were seen."""
    if (differences := paired([(first, second)])) is not None:
        return in_folds(differences)
    found = sources(first, second)
    n, m = len(first.scores), len(second.scores)
    error = found.first / n + found.second / m + found.fixed
    if found.examples is None or error == 0:
        return welch(first.scores, second.scores)
    value = mean(first.scores) - mean(second.scores)
    return tested(value, sqrt(error), found.freedom(n, m))


def averaged(pairs: Sequence[tuple[Sample, Sample]]) -> Difference:
    """The mean of the differences of several pairs of arms with equal weights.

    Seeds of different pairs are independent; examples are the same ones in all of them, where
    they are known in all. Folds are the same ones too: the means of all pairs are compared fold
    by fold.
    """
    unseen = sum(sample.unseen for pair in pairs for sample in pair)
    return _average_as_seen(pairs).raised(unseen / len(pairs) ** 2)


def _average_as_seen(pairs: Sequence[tuple[Sample, Sample]]) -> Difference:
    """The same with the variances that were seen."""
    if (differences := paired(pairs)) is not None:
        return in_folds(differences)
    parts = [_as_seen(*pair) for pair in pairs]
    known = [(x.examples, y.examples) for x, y in pairs]
    counts = {None if e is None else e.shape[1] for pair in known for e in pair}
    if len(counts) > 1 or None in counts or all(part.error == 0 for part in parts):
        return average(parts)
    count, (n,) = len(pairs), counts
    assert n is not None
    both = [(x, y) for x, y in known if x is not None and y is not None]
    own = np.mean([x.mean(axis=0) - y.mean(axis=0) for x, y in both], axis=0)
    values = [x for pair in both for x in pair]
    seen, of_seeds = [], 0.0
    for pair in pairs:
        for sample in pair:
            seeds = len(sample.scores)
            seen.append((variance(sample.scores) / seeds / count**2, seeds - 1))
            of_seeds += sample.flips / seeds / count**2
    fixed = max(_over_examples(own, values) - of_seeds, 0.0) / n if n > 1 else 0.0
    seen.append((fixed, n - 1))
    total = sum(v for v, _ in seen)
    if total == 0:
        return average(parts)
    value = sum(part.value for part in parts) / count
    return tested(value, sqrt(total), total**2 / sum(v**2 / f for v, f in seen if v))


def share_interval(sample: Sample, level: float) -> Interval | None:
    """The interval of an arm's mean that is a share of 1: Wilson's (1927), for as many examples
    as would have the variance that is there, so that it never passes 0 or 1.

    Seeds and examples are both in it, or seeds alone where only scores are known; none where
    these have no spread.
    """
    scores = sample.scores if not sample.folds else list(of_folds(sample).values())
    value, seeds = mean(scores), len(scores)
    if seeds < 2 or not 0 <= value <= 1:
        return None
    parts = [(max(variance(scores), sample.least) / seeds, seeds - 1)]
    count = 0 if sample.examples is None else sample.examples.shape[1]
    if sample.examples is not None and count > 1:
        own = float(sample.examples.mean(axis=0).var(ddof=1)) - sample.flips / seeds
        parts.append((max(own, 0.0) / count, count - 1))
    total = sum(v for v, _ in parts)
    if total == 0 or value in (0, 1):
        if count < 2 or 0 < value < 1:
            return None
        effective, freedom = float(count), float(count - 1)
    else:
        effective = value * (1 - value) / total
        freedom = total**2 / sum(v**2 / f for v, f in parts if v)
    z = quantile(1 - (1 - level) / 2, freedom) ** 2 / effective
    reach = sqrt(z * value * (1 - value) + z**2 / 4)
    low, high = ((value + z / 2 + s * reach) / (1 + z) for s in (-1, 1))
    return max(low, 0.0), min(high, 1.0)


def seeds_needed(difference: float, found: Sources, alpha: float) -> int | None:
    """The seeds of each arm with which the test at ``alpha`` finds a difference with a
    probability of 80 %, on as many examples as there are.

    None for no difference, where no spread was seen, and where no number (up to a million) does:
    where the examples alone leave too much open.
    """
    spread = found.first + found.second
    if difference == 0 or spread + found.fixed == 0:
        return None
    left = (difference / normal(alpha)) ** 2 - found.fixed
    if left <= 0 or spread / left > MANY:
        return None
    n = max(2, ceil(spread / left))
    while power(difference, found, n, alpha) < POWER:
        n += max(1, n // 64)
        if n > MANY:
            return None
    return n


def examples_needed(difference: float, found: Sources, seeds: int, alpha: float) -> int | None:
    """The examples with which ``seeds`` of each arm would find a difference with a probability
    of 80 %. None for no difference, where examples are not known, and where no number does:
    where the seeds' own luck, or the tuning, leaves too much open."""
    if difference == 0 or not found.examples:
        return None
    seen = (found.first + found.second) - found.flips / found.examples
    left = (difference / normal(alpha)) ** 2 - max(seen, 0.0) / seeds - found.tuning
    if left <= 0:
        return None
    count = ceil((found.flips / seeds + found.own) / left)
    return count if count <= 1000 * MANY else None


def normal(alpha: float) -> float:
    """What a difference must be, in standard errors, to be found in four of five studies."""
    return float(special.ndtri(1 - alpha / 2) + special.ndtri(POWER))


def power(difference: float, found: Sources, seeds: int, alpha: float) -> float:
    """The power of the two-sided test with ``seeds`` of each arm; the other side is neglected."""
    error = sqrt((found.first + found.second) / seeds + found.fixed)
    freedom = found.freedom(seeds, seeds)
    effect = abs(difference) / error
    return float(1 - special.nctdtr(freedom, effect, quantile(1 - alpha / 2, freedom)))


def honest(value: float, p: float, level: float) -> float:
    """The size of a claimed difference that can be expected of a repetition.

    A difference is claimed where its p-value is below ``level``, and those that are claimed are
    too large on average. The estimate is the most likely one, given that there was a claim
    (Zhong and Prentice 2008, with normal errors): a difference that was only just claimed
    keeps a small part of its size, a clear one all of it.
    """
    if p >= level or value == 0:
        return value
    seen, least = float(-special.ndtri(p / 2)), float(-special.ndtri(level / 2))
    effects = np.linspace(0.0, seen, 2001)
    claimed = special.log_ndtr(effects - least)
    both = np.logaddexp(claimed, special.log_ndtr(-effects - least))
    best = effects[np.argmax(-((seen - effects) ** 2) / 2 - both)]
    return value * float(best) / seen
