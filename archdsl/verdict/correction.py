"""Several verdicts in one study: p-values corrected so that any is false in at most 5 %.

The slices and their average are tested by closed testing (Marcus, Peritz and Gabriel 1976): a
hypothesis falls when every set of hypotheses that it is in falls. A set is tested by the Cauchy
combination of its p-values (Liu and Xie 2020), which holds its level for independent p-values
exactly and for dependent ones nearly. It asks for as little as Holm's correction where one
slice differs, and for much less where several do.

Pairs of the same arms share their trainings. So where more than two arms are settled, those of one
slice that are in a set count as one, with the Bonferroni combination of their p-values: of a single
slice this is Holm's correction (1979).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from archdsl.verdict.results import Floats

# A p-value near 1 is an accident of rounding; beyond this it would outweigh all others.
MOST = 0.99


def corrected(p: Sequence[float], weights: Sequence[float] = ()) -> list[float]:
    """The p-values after closed testing: none is below what it was."""
    return [found for (found,) in corrected_pairs([[one] for one in p], weights)]


def corrected_pairs(
    groups: Sequence[Sequence[float]], weights: Sequence[float] = ()
) -> list[list[float]]:
    """The p-values of pairs, a group for each slice, after closed testing. ``weights`` are the
    shares of the error that groups have, if they are not equal: one of a small weight has to be
    smaller where it stands alone, and as small as any where the others fall with it.

    Of all sets with a given hypothesis and as many others of each weight, the largest p-value has
    one in which the other groups are as bad as any of their subsets, and those with the largest
    p-values come first.
    """
    weights = weights or [1.0] * len(groups)
    worst = {
        place: max(bonferroni(group, k) for k in range(1, len(group) + 1))
        for place, group in enumerate(groups)
        if group
    }
    found = []
    for place, group in enumerate(groups):
        total, weight = np.zeros(1), np.zeros(1)
        for share in sorted({weights[at] for at in worst}):
            others = [p for at, p in worst.items() if at != place and weights[at] == share]
            sums = np.concatenate([[0.0], np.cumsum(np.sort(cauchy(others)))])
            total = np.add.outer(total, share * sums).ravel()
            weight = np.add.outer(weight, share * np.arange(len(sums))).ravel()
        mine = weights[place]
        answer = []
        for at, p in enumerate(group):
            rest = [q for other, q in enumerate(group) if other != at]
            own = max([p, *(bonferroni(rest, k, p) for k in range(1, len(rest) + 1))])
            means = (mine * cauchy([own]) + total[1:]) / (mine + weight[1:])
            answer.append(max(own, float(np.arctan2(1, means.min(initial=np.inf)) / np.pi)))
        found.append(answer)
    return found


def bonferroni(p: Sequence[float], count: int, own: float | None = None) -> float:
    """The p-value of the ``count`` largest of these, and of ``own``, together."""
    least = sorted(p)[-count]
    size, least = (count, least) if own is None else (count + 1, min(own, least))
    return min(size * least, 1.0)


def combined(p: Sequence[float]) -> float:
    """The p-value of the hypothesis that all of these are chance."""
    if len(p) == 1:
        return p[0]
    return float(np.arctan2(1, np.mean(cauchy(p))) / np.pi)


def cauchy(p: Sequence[float]) -> Floats:
    """P-values as values of a Cauchy distribution, large ones for small ones."""
    return np.asarray(1 / np.tan(np.pi * np.minimum(p, MOST)))
