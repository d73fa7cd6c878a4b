"""Looking at results several times, at planned numbers of seeds, without more false claims.

Each look spends a part of the error: after a share ``t`` of the seeds, ``a * t**2`` of it is spent
(Lan and DeMets 1983; Kim and DeMets 1987). Levels are those of a normal statistic, and are held
against p-values of whatever test there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, sqrt

import numpy as np
from scipy import special

from archdsl.verdict.results import Floats

PLACES = 301  # at which the statistic is integrated over
LEAST, MOST, ALPHAS = 1e-8, 0.999, 41  # errors that levels are made for, and how many
NEXT, SHARE = 4, 5  # seeds more at a look: at most so many, or a fifth of all


def planned(least: int, most: int) -> tuple[int, ...]:
    """The numbers of seeds at which results are looked at: each half as many again as the last,
    from 2 to 4 more (a fifth of ``most``, where that is more): 3, 5, 8, 12, 16, 20."""
    looks = [least]
    while looks[-1] < most:
        step = min(max(ceil(looks[-1] / 2), 2), max(NEXT, ceil(most / SHARE)))
        looks.append(min(looks[-1] + step, most))
    return tuple(looks)


@lru_cache(64)
def levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    """The level of each look: a p-value below it is a claim, and in all these are false in a
    share ``alpha``, where there is no difference.

    The density of the statistic, as far as nothing was claimed, is carried from look to look
    (Armitage, McPherson and Rowe 1969).
    """
    found: list[float] = []
    before, spent = 0, 0.0
    places = density = np.zeros(0)
    for look in looks:
        spend = alpha * (look / looks[-1]) ** 2 - spent
        spent += spend
        if not before:
            bound = float(-special.ndtri(spend / 2))
        else:
            bound = _bound(places, density, look - before, sqrt(look), spend)
        found.append(2 * float(special.ndtr(-bound)))
        # The sum of so many seeds, up to the bound; its square root of seeds makes it a statistic.
        inside = np.linspace(-bound, bound, PLACES) * sqrt(look)
        if not before:
            density = _normal(inside / sqrt(look)) / sqrt(look)
        else:
            moved = _normal((inside[:, None] - places) / sqrt(look - before))
            density = moved @ (density * _weights(places)) / sqrt(look - before)
        places, before = inside, look
    return tuple(found)


def _bound(places: Floats, density: Floats, more: int, scale: float, spend: float) -> float:
    """The statistic that is passed, on either side, with a probability of ``spend``."""
    weighted = density * _weights(places)

    def passed(bound: float) -> float:
        ends = (bound * scale - places) / sqrt(more)
        return 2 * float((special.ndtr(-ends) * weighted).sum())

    low, high = 0.0, 40.0
    for _step in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if passed(middle) > spend else (low, middle)
    return (low + high) / 2


def _normal(z: Floats) -> Floats:
    return np.asarray(np.exp(-(z**2) / 2) / sqrt(2 * np.pi))


def _weights(places: Floats) -> Floats:
    """Those of Simpson's rule."""
    weights = np.full(len(places), 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    return np.asarray(weights * (places[1] - places[0]) / 3)


@lru_cache(16)
def _table(looks: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Logarithms of errors, and of the levels of the looks at these, a column each."""
    alphas = np.geomspace(LEAST, MOST, ALPHAS)
    return np.log(alphas), np.log(np.array([levels(looks, float(a)) for a in alphas]))


def reached(looks: Sequence[int], seeds: int) -> int | None:
    """The last of the looks that so many seeds are enough for, by its place; none before the
    first."""
    return max((i for i, look in enumerate(looks) if look <= seeds), default=None)


def repeated(p: float, looks: tuple[int, ...], seeds: int) -> float:
    """The p-value of results that were looked at before: the smallest error at which ``p``, with
    so many seeds, is a claim (Jennison and Turnbull 1990). Valid whenever one stops."""
    if len(looks) < 2:
        return p
    place = reached(looks, seeds)
    if place is None:
        return 1.0
    alphas, known = _table(looks)
    column = known[:, place]
    if np.log(p) < column[0]:  # below what the table has: in proportion
        return float(max(p * np.exp(alphas[0] - column[0]), p))
    if np.log(p) > column[-1]:
        return 1.0
    return float(max(np.exp(np.interp(np.log(p), column, alphas)), p))


def level_at(alpha: float, looks: tuple[int, ...], seeds: int) -> float:
    """The level that an interval has to leave out, so that all that were looked at hold together
    but for a share ``alpha``; before the first look that of the first."""
    return alpha if len(looks) < 2 else levels(looks, alpha)[reached(looks, seeds) or 0]
