"""What a shape may lose by its setting: draws from the posterior of the curves of a study.

The curve of ``archdsl.verdict.tuning`` gives every shape its setting. It is drawn from a few noisy
trainings, and a shape may have its peak elsewhere than the others: fresh seeds show nothing of
either. Here the slopes of a shape are those of all and a part of its own, the same at all budgets,
normal with a deviation that is known no better than the trainings tell: it is averaged over, each
weighted with its restricted likelihood (Patterson and Thompson 1971). None is 0, which a few shapes
cannot show. A slope is as much larger as the curve bends, which is uncertain too: where a curve
looks straight, and leads to an end, shapes may still bend before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from archdsl.verdict.results import Floats

Integers = npt.NDArray[np.int64]
DRAWS = 400
SHIFTS = (0.15, 0.3, 0.45)  # deviations of a shape's peak, in halves of what was explored
SEED = 17
EXACT, TINY = 1e-12, 1e-300  # of what there is, and at all: less is rounding


@dataclass(frozen=True, slots=True)
class Within:
    """Trainings with the levels of their members taken out, a shape at one budget each: ``design``
    ``(trainings, 2 numbers)`` are the distances of places and of their squares from the means of
    the member, ``left`` those of the scores. ``squares`` and ``products`` are their sums of each
    shape over all budgets, ``means`` ``(members, 2 numbers + 1)`` what was taken out."""

    shape: Integers
    design: Floats
    left: Floats
    squares: Floats
    products: Floats
    means: Floats

    def left_by(self, slopes: Floats, bends: Floats) -> float:
        """The squares that curves with these slopes ``(shapes, numbers)`` leave."""
        knobs = len(bends)
        curve = (self.design[:, :knobs] * slopes[self.shape]).sum(axis=1)
        return float(((self.left - curve - self.design[:, knobs:] @ bends) ** 2).sum())


def within(places: Floats, member: Integers, shape: Integers, scores: Floats) -> Within:
    """What trainings say within their members; the arguments are those of ``losses``."""
    count, columns = int(member.max()) + 1, 2 * places.shape[1]
    values = np.hstack([places, places**2, scores[:, None]])
    means = np.zeros((count, columns + 1))
    np.add.at(means, member, values)
    means /= np.bincount(member, minlength=count)[:, None]
    values = values - means[member]
    design, left = values[:, :-1], values[:, -1]
    shapes = int(shape.max()) + 1
    squares, products = np.zeros((shapes, columns, columns)), np.zeros((shapes, columns))
    np.add.at(squares, shape, design[:, :, None] * design[:, None, :])
    np.add.at(products, shape, design * left[:, None])
    return Within(shape, design, left, squares, products, means)


def losses(
    places: Floats,
    member: Integers,
    shape: Integers,
    scores: Floats,
    wanted: Sequence[int],
    settings: Floats,
) -> Floats:
    """What the ``wanted`` shapes lose by their ``settings`` ``(wanted, numbers)``: draws
    ``(wanted, DRAWS)``, none below 0. A draw is one of all: a shape has the same slopes wherever it
    is wanted.

    ``places`` ``(trainings, numbers)`` and settings are from -1 to 1; ``shape`` is the shape of
    each training by its place, ``member`` that of the shape at a budget, which has a level of its
    own. There are more trainings than coefficients.
    """
    these = within(places, member, shape, scores)
    count, knobs = len(these.means), places.shape[1]
    design, left, squares, products = these.design, these.left, these.squares, these.products
    freedom = len(scores) - count - 2 * knobs
    spread = np.linalg.pinv(squares.sum(axis=0), hermitian=True)
    common = spread @ products.sum(axis=0)
    total = float(left @ left)
    noise = max(float(((left - design @ common) ** 2).sum()), EXACT * total, TINY) / freedom
    bends = np.sqrt(common[knobs:] ** 2 + noise * np.diag(spread)[knobs:])
    found = [
        _fitted(squares, products, total, freedom, (2 * s * bends) ** 2 / noise) for s in SHIFTS
    ]
    likely = np.array([f[0] for f in found])
    weights = np.exp(likely - likely.max())
    shares = np.floor(DRAWS * np.cumsum(weights) / weights.sum() + 1e-9).astype(int)
    rng = np.random.default_rng(SEED)
    drawn = []
    for (_, mean, cover, variance, kept), of in zip(found, np.diff(shares, prepend=0), strict=True):
        if not of:
            continue
        curves = _downward(rng, mean, variance * cover, of)
        slopes_of: dict[int, Floats] = {}
        for i in dict.fromkeys(wanted):
            slopes = curves[:, :knobs]
            if kept.any():
                inner = np.linalg.inv(np.diag(1 / kept) + squares[i, :knobs, :knobs])
                rest = products[i, :knobs] - curves @ squares[i, :knobs].T
                own = rng.multivariate_normal(np.zeros(knobs), variance * inner, of, method="svd")
                slopes = slopes + rest @ inner.T + own
            slopes_of[i] = slopes
        bent = curves[:, knobs:]
        drawn.append(
            np.array([_lost(slopes_of[i], bent, s) for i, s in zip(wanted, settings, strict=True)])
        )
    return np.concatenate(drawn, axis=1)


def _downward(rng: np.random.Generator, mean: Floats, cover: Floats, of: int) -> Floats:
    """Draws ``(of, 2 numbers)`` of normal slopes and bends, where each bend is cut at 0, one after
    the other: no curve bends upward."""
    curves = rng.multivariate_normal(mean, cover, of, method="svd")
    means, cover = np.tile(mean, (of, 1)), cover.copy()
    for i in range(len(mean) // 2, len(mean)):
        sd = np.sqrt(max(cover[i, i], 0.0))
        if sd <= TINY:
            continue
        z = means[:, i] / sd
        rank = special.log_ndtr((curves[:, i] - means[:, i]) / sd)
        below = means[:, i] + sd * special.ndtri_exp(rank + special.log_ndtr(-z))
        along = cover[:, i] / cover[i, i]
        curves += np.outer(below - curves[:, i], along)
        means += np.outer(below - means[:, i], along)
        cover -= np.outer(along, along) * cover[i, i]
    return curves


def _fitted(
    squares: Floats, products: Floats, total: float, freedom: int, kept: Floats
) -> tuple[float, Floats, Floats, float, Floats]:
    """With slopes of a shape's own that have the variances ``kept``, in units of the noise: the
    logarithm of the restricted likelihood, the common curve with its covariance in units of the
    noise, and the noise."""
    knobs = len(kept)
    logs, whole, right, rest = 0.0, squares.sum(axis=0), products.sum(axis=0), total
    if kept.any():
        kept = np.maximum(kept, 1e-12)
        own = squares[:, :knobs, :knobs]
        inner = np.linalg.inv(np.diag(1 / kept) + own)
        with_own = squares[:, :knobs, :]
        whole = whole - np.einsum("ika,ikl,ilb->ab", with_own, inner, with_own)
        right = right - np.einsum("ika,ikl,il->a", with_own, inner, products[:, :knobs])
        rest -= float(np.einsum("ik,ikl,il->", products[:, :knobs], inner, products[:, :knobs]))
        logs = float(np.linalg.slogdet(np.eye(knobs) + kept[:, None] * own)[1].sum())
    cover = np.linalg.pinv(whole, hermitian=True)
    mean = cover @ right
    variance = max(rest - float(right @ mean), EXACT * total, TINY) / freedom
    sizes = np.linalg.eigvalsh(whole)
    logs += float(np.log(np.maximum(sizes, max(EXACT * sizes[-1], TINY))).sum())
    logs += freedom * float(np.log(variance))
    return -logs / 2, mean, cover, variance, kept


def _lost(slopes: Floats, bends: Floats, setting: Floats) -> Floats:
    """How far quadratics (rows of slopes and bends) are below their highest point within -1 .. 1 at
    a setting."""
    inside = (bends < 0) & (np.abs(slopes) < -2 * bends)
    peak = np.where(inside, -slopes / np.where(inside, 2 * bends, 1.0), np.sign(slopes))
    high = slopes * peak + bends * peak**2
    return np.asarray((high - slopes * setting - bends * setting**2).sum(axis=1))
