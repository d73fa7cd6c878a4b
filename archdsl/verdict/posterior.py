"""The curves of a study that tuned numbers, and what a shape may lose by its setting.

A score is that of a curve over the numbers that all shapes share, with a level at each budget, and
of parts that a shape has of its own: a level at all budgets and one more at each, so that a
training tells of other shapes too and a shape may have fewer than a curve of its own would take;
and a slope, the same at all budgets, so that its peak may be elsewhere than those of others, of
which fresh seeds show nothing. These parts are normal (a mixed model; Laird and Ware 1982). Their
deviations are known no better than the trainings tell: they are averaged over, each weighted with
its restricted likelihood (Patterson and Thompson 1971). That of slopes is never 0, which a few
shapes cannot show, and as much larger as the curve bends, which is uncertain too: where a curve
looks straight, and leads to an end, shapes may still bend before it. No curve bends upward: what a
network reaches rises with a learning rate and then falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
from scipy import special

from archdsl.verdict.results import Floats

Integers = npt.NDArray[np.int64]
DRAWS = 400
SHIFTS = (0.15, 0.3, 0.45)  # deviations of a shape's peak, in halves of what was explored
LEVELS = (0.5, 2.0, 8.0, 32.0)  # of a shape's level, in deviations of a training
OWN = (0.25, 1.0)  # of what it has more at a budget, in deviations of its level
SEED = 17
EXACT, TINY = 1e-12, 1e-300  # of what there is, and at all: less is rounding
TOLD = 1e-3  # the least that is told of a slope or a bend: its deviation is 30 of a training
LEAST = 1e-4  # the weight below which deviations are left out
FAR = 1e4  # deviations at which a normal distribution is cut at its very end


@dataclass(frozen=True, slots=True)
class WeightedSums:
    """What trainings tell where the levels of shapes are normal with given variances. The
    ``squares`` ``(shapes, columns, columns)`` and ``products`` ``(shapes, columns)`` are those of
    ``TrialSums``, weighted with the inverse of the covariance of the scores, ``total`` is that of
    the scores, and ``size`` the logarithm of the determinant of that covariance, all in units of
    the noise."""

    squares: Floats
    products: Floats
    total: float
    size: float


@dataclass(frozen=True, slots=True)
class TrialSums:
    """Trainings as sums over their columns: the numbers ``knobs``, from -1 to 1, their squares, one
    for each budget, and the score. ``counts`` ``(members,)`` and ``sums`` ``(members, columns)``
    are those of each member, a shape at a budget, which has its ``shape`` and its ``budget`` by
    their places; ``squares`` ``(shapes, columns, columns)`` are those of each shape."""

    knobs: int
    shape: Integers
    budget: Integers
    counts: Floats
    sums: Floats
    squares: Floats

    @property
    def freedom(self) -> int:
        """Trainings beyond the coefficients of the common curve."""
        return round(float(self.counts.sum())) - int(self.sums.shape[1]) + 1

    @property
    def spare(self) -> int:
        """Trainings beyond a level for each shape or each budget, whichever are more, and the
        slopes and bends of the curve."""
        of_shapes = round(float(self.counts.sum())) - len(self.squares) - 2 * self.knobs
        return min(of_shapes, self.freedom)

    def weighted(self, level: float, own: float) -> WeightedSums:
        """Where levels of shapes have the variance ``level``, and ``own`` more at each budget, in
        units of the noise: covariances are inverted by Sherman and Morrison's formula, member by
        member and then shape by shape."""
        squares = self.squares.copy()
        left = 1 + own * self.counts
        rest, counts = np.zeros(squares.shape[:2]), np.zeros(len(squares))
        np.add.at(
            squares, self.shape,
            -(own / left)[:, None, None] * self.sums[:, :, None] * self.sums[:, None, :],
        )  # fmt: skip
        np.add.at(rest, self.shape, self.sums / left[:, None])
        np.add.at(counts, self.shape, self.counts / left)
        more = 1 + level * counts
        squares -= (level / more)[:, None, None] * rest[:, :, None] * rest[:, None, :]
        size = float(np.log(left).sum() + np.log(more).sum())
        total = float(squares[:, -1, -1].sum())
        return WeightedSums(squares[:, :-1, :-1], squares[:, :-1, -1], total, size)

    def levels(self, level: float, own: float, curves: Floats) -> Floats:
        """What members have beyond the ``curves`` ``(shapes, columns - 1)`` of their shapes: the
        best linear prediction of their levels."""
        left = self.sums[:, -1] - np.einsum("mi,mi->m", self.sums[:, :-1], curves[self.shape])
        kept = 1 + own * self.counts
        rest, counts = np.zeros(len(curves)), np.zeros(len(curves))
        np.add.at(rest, self.shape, left / kept)
        np.add.at(counts, self.shape, self.counts / kept)
        of_shape = (level * rest / (1 + level * counts))[self.shape]
        return np.asarray(of_shape + own / kept * (left - self.counts * of_shape))


def sums(
    places: Floats, member: Integers, shape: Integers, budget: Integers, scores: Floats
) -> TrialSums:
    """The sums of trainings at ``places`` ``(trainings, numbers)`` from -1 to 1, each of a
    ``member``, whose ``shape`` and ``budget`` are known."""
    budgets = np.eye(int(budget.max()) + 1)[budget[member]]
    values = np.hstack([places, places**2, budgets, scores[:, None]])
    found = np.zeros((len(shape), values.shape[1]))
    np.add.at(found, member, values)
    counts = np.bincount(member, minlength=len(shape)).astype(np.float64)
    of = shape[member]
    ends = np.searchsorted(np.sort(of), np.arange(int(shape.max()) + 2))
    ordered = values[np.argsort(of, kind="stable")]
    squares = [ordered[a:b].T @ ordered[a:b] for a, b in pairwise(ends)]
    return TrialSums(places.shape[1], shape, budget, counts, found, np.array(squares))


@dataclass(frozen=True, slots=True)
class _Part:
    """The curves for one choice of the deviations, which has a ``weight``: the ``mean`` of the
    common curve with its covariance, and the variances of own slopes, of levels and of a level at a
    budget in units of the ``noise``."""

    weight: float
    told: WeightedSums
    mean: Floats
    cover: Floats
    slopes: Floats
    level: float
    own: float
    noise: float


@dataclass(frozen=True, slots=True)
class Posterior:
    """What trainings say of the curves of their shapes."""

    of: TrialSums
    parts: Sequence[_Part]

    @classmethod
    def known(cls, these: TrialSums) -> Posterior:
        """What trainings say, of which there have to be more than coefficients."""
        knobs, freedom, found = these.knobs, these.freedom, []
        for level, own in product(LEVELS, OWN):
            level, own = level**2, (own * level) ** 2
            told = these.weighted(level, own)
            spread, _ = _inverse(told.squares.sum(axis=0))
            common = spread @ told.products.sum(axis=0)
            left = told.total - float(told.products.sum(axis=0) @ common)
            noise = max(left, EXACT * told.total, TINY) / freedom
            bends = np.sqrt(
                common[knobs : 2 * knobs] ** 2 + noise * np.diag(spread)[knobs : 2 * knobs]
            )
            for shift in SHIFTS:
                of = _fitted(told, knobs, freedom, (2 * shift * bends) ** 2 / noise)
                found.append((told, level, own, of))
        likely = np.array([of[0] for *_, of in found])
        weights = np.exp(likely - likely.max())
        weights /= weights.sum()
        return cls(
            these,
            [
                _Part(float(w), told, mean, noise * cover, kept, level, own, noise)
                for w, (told, level, own, (_, mean, cover, noise, kept)) in zip(
                    weights, found, strict=True
                )
                if w > LEAST
            ],
        )

    @property
    def noise(self) -> float:
        """The deviation of a training from its curve."""
        return float(np.sqrt(sum(part.weight * part.noise for part in self.parts)))

    def means(self) -> tuple[Floats, Floats, Floats]:
        """The slopes ``(shapes, numbers)`` of each shape, the bends ``(numbers,)``, and the levels
        ``(members,)`` at the middle of what was explored."""
        knobs, of = self.of.knobs, self.of
        slopes, bends = np.zeros((len(of.squares), knobs)), np.zeros(knobs)
        levels = np.zeros(len(of.counts))
        for part in self.parts:
            curve = downward(part.mean, part.cover, knobs)
            bends += part.weight * curve[knobs : 2 * knobs]
            rest = part.told.products[:, :knobs] - part.told.squares[:, :knobs] @ curve
            curves = np.tile(curve, (len(slopes), 1))
            curves[:, :knobs] += np.einsum("iab,ib->ia", self._inner(part), rest)
            slopes += part.weight * curves[:, :knobs]
            levels += part.weight * (
                curve[2 * knobs :][of.budget] + of.levels(part.level, part.own, curves)
            )
        return slopes, bends, levels

    def losses(self, wanted: Sequence[int], settings: Floats) -> Floats:
        """What the ``wanted`` shapes lose by their ``settings`` ``(wanted, numbers)``, which are
        from -1 to 1: draws ``(wanted, DRAWS)``, none below 0. A draw is one of all: a shape has the
        same slopes wherever it is wanted."""
        knobs = self.of.knobs
        weights = np.array([part.weight for part in self.parts])
        shares = np.floor(DRAWS * np.cumsum(weights / weights.sum()) + 1e-9).astype(int)
        rng = np.random.default_rng(SEED)
        drawn = []
        for part, count in zip(self.parts, np.diff(shares, prepend=0), strict=True):
            if not count:
                continue
            curves = _downward(rng, part.mean, part.cover, count, knobs)
            inner, slopes_of = self._inner(part), {}
            for i in dict.fromkeys(wanted):
                rest = part.told.products[i, :knobs] - curves @ part.told.squares[i, :knobs].T
                own = rng.multivariate_normal(
                    np.zeros(knobs), part.noise * inner[i], count, method="svd"
                )
                slopes_of[i] = curves[:, :knobs] + rest @ inner[i] + own
            bent = curves[:, knobs : 2 * knobs]
            drawn.append(
                np.array(
                    [_lost(slopes_of[i], bent, s) for i, s in zip(wanted, settings, strict=True)]
                )
            )
        return np.concatenate(drawn, axis=1)

    def _inner(self, part: _Part) -> Floats:
        """The covariances ``(shapes, numbers, numbers)`` of the shapes' own slopes where the curve
        of all is known, in units of the noise."""
        knobs = self.of.knobs
        own = part.told.squares[:, :knobs, :knobs]
        return np.asarray(np.linalg.inv(np.diag(1 / part.slopes) + own), dtype=np.float64)


def downward(mean: Floats, cover: Floats, knobs: int) -> Floats:
    """What slopes and bends ``(2 numbers,)`` are on average if no bend is upward: the mean of the
    normal distribution, cut at 0 in one bend after the other. A few trainings that seem to bend
    upward so make a curve with its peak in the middle, or one that hardly bends, and not one that
    is highest at both ends. It is exact for one bend, and for several as good as their order lets
    it be."""
    mean, cover = mean.copy(), cover.copy()
    for i in range(knobs, 2 * knobs):
        variance = cover[i, i]
        if variance <= TINY:
            continue
        z = mean[i] / np.sqrt(variance)
        tail = np.exp(-(z**2) / 2 - special.log_ndtr(-z)) / np.sqrt(2 * np.pi) if z < FAR else z
        along = cover[:, i] / variance
        mean -= along * np.sqrt(variance) * tail
        cover -= np.outer(along, along) * variance * tail * (tail - z)
    return mean


def _downward(rng: np.random.Generator, mean: Floats, cover: Floats, of: int, knobs: int) -> Floats:
    """Draws ``(of, 2 numbers)`` of normal slopes and bends, where each bend is cut at 0, one after
    the other: no curve bends upward."""
    curves = rng.multivariate_normal(mean, cover, of, method="svd")
    means, cover = np.tile(mean, (of, 1)), cover.copy()
    for i in range(knobs, 2 * knobs):
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
    told: WeightedSums, knobs: int, freedom: int, kept: Floats
) -> tuple[float, Floats, Floats, float, Floats]:
    """With slopes of a shape's own that have the variances ``kept``, in units of the noise: the
    logarithm of the restricted likelihood, the common curve with its covariance in units of the
    noise, and the noise."""
    squares, products = told.squares, told.products
    whole, right, rest = squares.sum(axis=0), products.sum(axis=0), told.total
    kept = np.maximum(kept, 1e-12)
    own = squares[:, :knobs, :knobs]
    inner = np.linalg.inv(np.diag(1 / kept) + own)
    with_own = squares[:, :knobs, :]
    whole = whole - np.einsum("ika,ikl,ilb->ab", with_own, inner, with_own)
    right = right - np.einsum("ika,ikl,il->a", with_own, inner, products[:, :knobs])
    rest -= float(np.einsum("ik,ikl,il->", products[:, :knobs], inner, products[:, :knobs]))
    logs = told.size + float(np.linalg.slogdet(np.eye(knobs) + kept[:, None] * own)[1].sum())
    cover, size = _inverse(whole)
    mean = cover @ right
    variance = max(rest - float(right @ mean), EXACT * told.total, TINY) / freedom
    logs += size + freedom * float(np.log(variance))
    return -logs / 2, mean, cover, variance, kept


def _lost(slopes: Floats, bends: Floats, setting: Floats) -> Floats:
    """How far quadratics (rows of slopes and bends) are below their highest point within -1 .. 1 at
    a setting."""
    inside = (bends < 0) & (np.abs(slopes) < -2 * bends)
    peak = np.where(inside, -slopes / np.where(inside, 2 * bends, 1.0), np.sign(slopes))
    high = slopes * peak + bends * peak**2
    return np.asarray((high - slopes * setting - bends * setting**2).sum(axis=1))
