"""The curves of a study that tuned numbers, and what a shape may lose by its setting.

A curve of each shape is drawn from a few noisy trainings, and a shape may have its peak elsewhere
than the others: fresh seeds show nothing of either. Here the slopes of a shape are those of all and
a part of its own, the same at all budgets, normal with a deviation that is known no better than the
trainings tell: it is averaged over, each weighted with its restricted likelihood (Patterson and
Thompson 1971). None is 0, which a few shapes cannot show. A slope is as much larger as the curve
bends, which is uncertain too: where a curve looks straight, and leads to an end, shapes may still
bend before it. No curve bends upward: what a network reaches rises with a learning rate and then
falls.
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
TOLD = 1e-3  # the least that is told of a slope or a bend: its deviation is 30 of a training
FAR = 1e4  # deviations at which a normal distribution is cut at its very end


@dataclass(frozen=True, slots=True)
class Within:
    """Trainings with the levels of their members taken out, a shape at one budget each: ``design``
    ``(trainings, 2 numbers)`` are the distances of places and of their squares from the means of
    the member, ``left`` those of the scores. ``squares`` and ``products`` are their sums of each
    shape over all budgets, ``means`` ``(members, 2 numbers + 1)`` what was taken out."""

    design: Floats
    left: Floats
    squares: Floats
    products: Floats
    means: Floats


def within(places: Floats, member: Integers, shape: Integers, scores: Floats) -> Within:
    """What trainings say within their members. ``places`` ``(trainings, numbers)`` are from -1 to
    1; ``shape`` is the shape of each training by its place, ``member`` that of the shape at a
    budget, which has a level of its own."""
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
    return Within(design, left, squares, products, means)


@dataclass(frozen=True, slots=True)
class _Part:
    """The curves for one deviation of the shapes' own slopes, which has a ``weight``: the ``mean``
    of the common slopes and bends with its covariance, and the ``variances`` of own slopes in units
    of the ``noise``."""

    weight: float
    mean: Floats
    cover: Floats
    variances: Floats
    noise: float


@dataclass(frozen=True, slots=True)
class Posterior:
    """What trainings say of the curves of their shapes."""

    of: Within
    parts: Sequence[_Part]

    @classmethod
    def known(cls, these: Within) -> Posterior:
        """What trainings say, of which there have to be more than coefficients."""
        design, left, squares, products = these.design, these.left, these.squares, these.products
        knobs = design.shape[1] // 2
        freedom = len(left) - len(these.means) - 2 * knobs
        spread, _ = _inverse(squares.sum(axis=0))
        common = spread @ products.sum(axis=0)
        total = float(left @ left)
        noise = max(float(((left - design @ common) ** 2).sum()), EXACT * total, TINY) / freedom
        bends = np.sqrt(common[knobs:] ** 2 + noise * np.diag(spread)[knobs:])
        found = [
            _fitted(squares, products, total, freedom, (2 * s * bends) ** 2 / noise) for s in SHIFTS
        ]
        likely = np.array([f[0] for f in found])
        weights = np.exp(likely - likely.max())
        weights /= weights.sum()
        return cls(
            these,
            [
                _Part(float(w), mean, noise * cover, kept, noise)
                for w, (_, mean, cover, noise, kept) in zip(weights, found, strict=True)
            ],
        )

    @property
    def noise(self) -> float:
        """The deviation of a training from its curve."""
        return float(np.sqrt(sum(part.weight * part.noise for part in self.parts)))

    def means(self) -> tuple[Floats, Floats]:
        """The slopes ``(shapes, numbers)`` of each shape, and the bends ``(numbers,)``."""
        shapes, knobs = len(self.of.squares), self.of.design.shape[1] // 2
        slopes, bends = np.zeros((shapes, knobs)), np.zeros(knobs)
        for part in self.parts:
            curve = downward(part.mean, part.cover)
            bends += part.weight * curve[knobs:]
            rest = self.of.products[:, :knobs] - self.of.squares[:, :knobs] @ curve
            own = np.einsum("iab,ib->ia", self._inner(part), rest)
            slopes += part.weight * (curve[:knobs] + own)
        return slopes, bends

    def losses(self, wanted: Sequence[int], settings: Floats) -> Floats:
        """What the ``wanted`` shapes lose by their ``settings`` ``(wanted, numbers)``, which are
        from -1 to 1: draws ``(wanted, DRAWS)``, none below 0. A draw is one of all: a shape has the
        same slopes wherever it is wanted."""
        knobs = self.of.design.shape[1] // 2
        weights = [part.weight for part in self.parts]
        shares = np.floor(DRAWS * np.cumsum(weights) + 1e-9).astype(int)
        rng = np.random.default_rng(SEED)
        drawn = []
        for part, count in zip(self.parts, np.diff(shares, prepend=0), strict=True):
            if not count:
                continue
            curves = _downward(rng, part.mean, part.cover, count)
            inner, slopes_of = self._inner(part), {}
            for i in dict.fromkeys(wanted):
                rest = self.of.products[i, :knobs] - curves @ self.of.squares[i, :knobs].T
                own = rng.multivariate_normal(
                    np.zeros(knobs), part.noise * inner[i], count, method="svd"
                )
                slopes_of[i] = curves[:, :knobs] + rest @ inner[i] + own
            bent = curves[:, knobs:]
            drawn.append(
                np.array(
                    [_lost(slopes_of[i], bent, s) for i, s in zip(wanted, settings, strict=True)]
                )
            )
        return np.concatenate(drawn, axis=1)

    def _inner(self, part: _Part) -> Floats:
        """The covariances ``(shapes, numbers, numbers)`` of the shapes' own slopes where the curve
        of all is known, in units of the noise."""
        knobs = len(part.variances)
        own = self.of.squares[:, :knobs, :knobs]
        return np.asarray(np.linalg.inv(np.diag(1 / part.variances) + own), dtype=np.float64)


def downward(mean: Floats, cover: Floats) -> Floats:
    """What slopes and bends ``(2 numbers,)`` are on average if no bend is upward: the mean of the
    normal distribution, cut at 0 in one bend after the other. A few trainings that seem to bend
    upward so make a curve with its peak in the middle, or one that hardly bends, and not one that
    is highest at both ends. It is exact for one bend, and for several as good as their order lets
    it be."""
    mean, cover = mean.copy(), cover.copy()
    for i in range(len(mean) // 2, len(mean)):
        variance = cover[i, i]
        if variance <= TINY:
            continue
        z = mean[i] / np.sqrt(variance)
        tail = np.exp(-(z**2) / 2 - special.log_ndtr(-z)) / np.sqrt(2 * np.pi) if z < FAR else z
        along = cover[:, i] / variance
        mean -= along * np.sqrt(variance) * tail
        cover -= np.outer(along, along) * variance * tail * (tail - z)
    return mean


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


def _inverse(squares: Floats) -> tuple[Floats, float]:
    """The inverse of what trainings tell of slopes and bends, and the logarithm of its
    determinant. Where they cannot tell these apart, as no shape has three different places,
    rounding must not make it."""
    sizes, axes = np.linalg.eigh(squares)
    sizes = np.maximum(sizes, TOLD)
    return (axes / sizes) @ axes.T, float(np.log(sizes).sum())


def _fitted(
    squares: Floats, products: Floats, total: float, freedom: int, kept: Floats
) -> tuple[float, Floats, Floats, float, Floats]:
    """With slopes of a shape's own that have the variances ``kept``, in units of the noise: the
    logarithm of the restricted likelihood, the common curve with its covariance in units of the
    noise, and the noise."""
    knobs = len(kept)
    whole, right, rest = squares.sum(axis=0), products.sum(axis=0), total
    kept = np.maximum(kept, 1e-12)
    own = squares[:, :knobs, :knobs]
    inner = np.linalg.inv(np.diag(1 / kept) + own)
    with_own = squares[:, :knobs, :]
    whole = whole - np.einsum("ika,ikl,ilb->ab", with_own, inner, with_own)
    right = right - np.einsum("ika,ikl,il->a", with_own, inner, products[:, :knobs])
    rest -= float(np.einsum("ik,ikl,il->", products[:, :knobs], inner, products[:, :knobs]))
    logs = float(np.linalg.slogdet(np.eye(knobs) + kept[:, None] * own)[1].sum())
    cover, size = _inverse(whole)
    mean = cover @ right
    variance = max(rest - float(right @ mean), EXACT * total, TINY) / freedom
    logs += size + freedom * float(np.log(variance))
    return -logs / 2, mean, cover, variance, kept


def _lost(slopes: Floats, bends: Floats, setting: Floats) -> Floats:
    """How far quadratics (rows of slopes and bends) are below their highest point within -1 .. 1 at
    a setting."""
    inside = (bends < 0) & (np.abs(slopes) < -2 * bends)
    peak = np.where(inside, -slopes / np.where(inside, 2 * bends, 1.0), np.sign(slopes))
    high = slopes * peak + bends * peak**2
    return np.asarray((high - slopes * setting - bends * setting**2).sum(axis=1))
