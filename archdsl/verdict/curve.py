"""Where between wide and deep the score is highest, and how that moves with the budget.

Both are read off exploration: a quadratic of the score in the logarithm of the aspect, depth
over width. They are estimates with intervals and not part of the verdict's test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp

import numpy as np
import numpy.typing as npt

from archdsl.verdict.contrast import Interval
from archdsl.verdict.model import Growth, Optimum, Slope
from archdsl.verdict.settled import Explored

Floats = npt.NDArray[np.float64]
SHAPES = 4  # of different aspect, that a curve of three coefficients needs
SLICES = 3  # that a line of two coefficients needs
EDGE = 1e-9  # of a logarithm: rounding
BEYOND = {
    (False, False): None,
    (True, False): "the peak could lie beyond the widest explored shape",
    (False, True): "the peak could lie beyond the deepest explored shape",
    (True, True): "the peak could lie anywhere between the explored shapes, or beyond",
}


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak on the logarithms of aspect, depth and width: the estimate, then resamples."""

    aspect: Floats
    depth: Floats
    width: Floats


@dataclass(frozen=True, slots=True)
class Fit:
    """The quadratic through the scores of a slice, better ones higher, over the logarithm of
    the aspect. ``low`` and ``high`` are the logarithms of the widest and the deepest explored
    aspect; coefficients are of places between them, from -1 to 1."""

    low: float
    high: float
    curve: Floats
    curves: Floats  # of the resamples, a row each

    @property
    def scaling(self) -> tuple[float, float]:
        """The middle of the explored range, and half its length."""
        return (self.low + self.high) / 2, (self.high - self.low) / 2

    def at(self, places: Floats) -> Floats:
        """The scores at logarithms of the aspect."""
        return np.asarray(self.design(places) @ self.curve)

    def band(self, places: Floats, level: float) -> tuple[Floats, Floats]:
        """Where the curve runs in the resamples, place by place."""
        share = [(1 - level) / 2, (1 + level) / 2]
        low, high = np.quantile(self.curves @ self.design(places).T, share, axis=0)
        return low, high

    def design(self, places: Floats) -> Floats:
        centre, scale = self.scaling
        return np.vander((places - centre) / scale, 3)


def fit(shapes: Sequence[Explored], resamples: int, seed: int) -> Fit | None:
    """The curve through shapes; none where they are of fewer than four aspects.

    Its resamples are of a wild bootstrap: residuals, scaled up as in HC3, times random normal
    numbers, so that the spread may change with depth and one seed per shape is enough.
    """
    aspects = sorted({e.aspect for e in shapes})
    if len(aspects) < SHAPES:
        return None
    x = np.log([e.aspect for e in shapes for _ in e.scores])
    y = np.array([s for e in shapes for s in e.scores])
    empty = np.empty(0)
    found = Fit(float(np.log(aspects[0])), float(np.log(aspects[-1])), empty, empty)
    design = found.design(x)
    solve = np.linalg.pinv(design)
    curve = solve @ y
    residuals = (y - design @ curve) / np.maximum(1 - np.sum(design.T * solve, axis=0), 1e-9)
    noise = np.random.default_rng(seed).standard_normal((resamples, len(y)))
    return replace(found, curve=curve, curves=curve + (noise * residuals) @ solve.T)


def optimum(
    shapes: Sequence[Explored], level: float, resamples: int, seed: int
) -> tuple[Optimum, Peak | None]:
    """The peak of the score over the explored shapes of a slice, the best first; as a ``Peak``
    where it is located: where its interval excludes both ends of what was explored.

    The interval is from the resamples of ``fit``. One whose curve has no peak in the explored
    range counts at its better end.
    """
    found = fit(shapes, resamples, seed)
    if found is None:
        count = len({e.aspect for e in shapes})
        return Optimum(why=f"{count} of the {SHAPES} shapes that a curve needs"), None
    bend, slope = float(found.curve[0]), float(found.curve[1])
    most = max(abs(s) for e in shapes for s in e.scores)
    if bend >= -1e-12 * max(1.0, most):
        return Optimum(why="the scores have no peak between the explored shapes"), None
    if abs(slope) >= -2 * bend:
        end = "deepest" if slope > 0 else "widest"
        return Optimum(why=f"the scores still rise at the {end} explored shape"), None
    centre, scale = found.scaling
    places = centre + scale * np.concatenate([[-slope / bend / 2], tops(found.curves)])
    peak = Peak(places, *(along(shapes, places, kind) for kind in ("depth", "width")))
    reach = between(peak.aspect, level)
    ends = [reach[0] < found.low + EDGE, reach[1] > found.high - EDGE]
    best = Optimum(
        *figures(peak.aspect, level), *figures(peak.depth, level), *figures(peak.width, level),
        BEYOND[ends[0], ends[1]],
    )  # fmt: skip
    return best, None if any(ends) else peak


def figures(logarithms: Floats, level: float) -> tuple[float, Interval]:
    """An estimate and its interval, of their logarithms."""
    low, high = between(logarithms, level)
    return exp(logarithms[0]), (exp(low), exp(high))


def tops(curves: Floats) -> Floats:
    """Where quadratics (rows of coefficients) are highest within -1 .. 1."""
    bend, slope = curves[:, 0], curves[:, 1]
    inside = (bend < 0) & (np.abs(slope) < -2 * bend)
    vertex = -slope / np.where(inside, 2 * bend, 1)
    return np.where(inside, vertex, np.where(slope >= 0, 1.0, -1.0))


def along(shapes: Sequence[Explored], places: Floats, kind: str) -> Floats:
    """The logarithm of the depth or width of shapes at a budget, at logarithms of the aspect."""
    known: dict[float, list[float]] = {}
    for e in shapes:
        known.setdefault(e.aspect, []).append(float(np.log(getattr(e, kind))))
    aspects = sorted(known)
    values = [float(np.mean(known[a])) for a in aspects]
    return np.asarray(np.interp(places, np.log(aspects), values))


def between(values: Floats, level: float) -> Interval:
    """The percentile interval of the resamples behind an estimate."""
    low, high = np.quantile(values[1:], [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def growth(peaks: Sequence[tuple[float, Peak]], budgets: int, level: float) -> Growth:
    """The exponents with which the best depth and width follow the budget, in a study of so many
    budgets.

    Lines through the logarithms of the slices' peaks; the intervals carry the noise within the
    slices. Slices without a located peak are not used.
    """
    known = [(budget, peak) for budget, peak in peaks if budget > 0]
    if len({budget for budget, _ in known}) < SLICES:
        if budgets < SLICES:
            return Growth(why=f"{SLICES} budgets are needed, and there are {budgets}")
        found = f"a peak is located at {len(known)} of {budgets} budgets"
        return Growth(why=f"{found}, and {SLICES} are needed")
    x = np.log([budget for budget, _ in known])
    x -= x.mean()

    def slope(values: Sequence[Floats]) -> Slope:
        exponents = np.asarray(x @ np.array(values) / (x @ x))
        return Slope(float(exponents[0]), between(exponents, level))

    depth, width = slope([p.depth for _, p in known]), slope([p.width for _, p in known])
    return Growth(depth, width, len(known))
