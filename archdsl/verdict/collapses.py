"""Whether trainings of a study collapse now and then, which a few seeds of one arm do not show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import median

from archdsl.verdict.contrast import mean, variance

FEW = 12  # trainings, of fewer than which the median says little
FAR = 8.0  # median absolute deviations, 5.4 standard deviations of normal numbers


def seen(networks: Iterable[Sequence[float]]) -> bool:
    """Whether a training ended far from the others of its network. ``networks`` are the scores of
    trainings that differ in their seeds alone; what is far is measured by the median of all
    deviations, which no single training moves, and which networks of unequal spread move little.
    """
    deviations = [
        sqrt(len(scores) / (len(scores) - 1)) * abs(score - mean(scores))
        for scores in networks
        if len(scores) > 1
        for score in scores
    ]
    return len(deviations) >= FEW and max(deviations) > FAR * median(deviations)


def pooled(networks: Iterable[Sequence[float]]) -> float:
    """The variance of a training within its network, of all networks together."""
    known = [(len(scores) - 1, variance(scores)) for scores in networks if len(scores) > 1]
    return sum(n * of for n, of in known) / sum(n for n, _ in known) if known else 0.0
