"""The setting at which a shape is settled: from one curve through all that a slice explored.

The best of a few single trainings is mostly the luckiest: a shape that had the better draw of a
learning rate looks better on any number of fresh seeds. A quadratic in each number that was tuned,
with a level for every shape, uses all trainings for the setting of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from archdsl.verdict.posterior import Integers, losses
from archdsl.verdict.results import Floats, Result

LEAST = 3  # different values of a number that a quadratic takes
SPARE = 2  # trainings beyond the coefficients
LEVEL = 0.01  # of the test whether shapes have peaks of their own
EXACT = 1e-18  # squares of scores that are rounding
MANY = 1000  # trainings, beyond which their designs are reduced first
OUTLIER = 5.0  # deviations below the median beyond which a training only counts as bad


@dataclass(frozen=True, slots=True)
class Tuned:
    """For each shape, the setting at which its curve is highest, and how high it is there;
    ``own`` where the shapes' curves are highest at different settings."""

    settings: Mapping[str, tuple[float, ...]]
    values: Mapping[str, float]
    own: bool


@dataclass(frozen=True, slots=True)
class Given:
    """The trainings of a slice that a curve goes through. ``member`` is the shape of each, by its
    place among ``shapes``; ``places`` ``(trainings, numbers)`` are from -1, the ``low`` end of
    what was explored, to 1."""

    shapes: Sequence[str]
    member: Integers
    places: Floats
    scores: Floats
    low: Floats
    high: Floats

    @property
    def freedom(self) -> int:
        """Trainings beyond the coefficients of the common curve."""
        return len(self.scores) - len(self.shapes) - 2 * int(self.places.shape[1])


@dataclass(frozen=True, slots=True)
class Lost:
    """What the arms of a slice may lose by their settings: draws ``(arms, draws)``, with the
    degrees of freedom of their spread."""

    draws: Floats
    freedom: int

    def variance(self, one: int, other: int) -> float:
        """That of the difference of two arms."""
        return float(np.mean((self.draws[one] - self.draws[other]) ** 2))


def lost(
    results: Sequence[Result], sign: int, shapes: Sequence[str], settings: Sequence[Sequence[float]]
) -> Lost | None:
    """What shapes of a slice may lose by the settings at which they are settled: by the curve
    through ``results``; nothing where there is none. Without settings they are those of the
    curve."""
    data = given(results, sign)
    if data is None or not set(shapes) <= set(data.shapes):
        return None
    if not all(settings):
        curve = pooled(results, sign)
        assert curve is not None
        settings = [curve.settings[shape] for shape in shapes]
    places = 2 * (np.array(settings) - data.low) / (data.high - data.low) - 1
    wanted = [data.shapes.index(shape) for shape in shapes]
    draws = losses(data.places, data.member, data.scores, wanted, np.clip(places, -1, 1))
    return Lost(draws, data.freedom)


def given(results: Sequence[Result], sign: int) -> Given | None:
    """What a curve goes through; none where numbers are not known of all results, or are too
    few."""
    shapes = sorted({r.shape for r in results if r.score is not None})
    wanted = frozenset(shapes)
    used = [r for r in results if r.shape in wanted]
    counts = {len(r.tuned) for r in used}
    if len(counts) != 1 or 0 in counts:
        return None
    tuned = np.array([r.tuned for r in used])
    if min(len(set(column)) for column in tuned.T) < LEAST:
        return None
    low, high = tuned.min(axis=0), tuned.max(axis=0)
    rank = {shape: place for place, shape in enumerate(shapes)}
    scores = bounded([None if r.score is None else sign * r.score for r in used])
    member = np.array([rank[r.shape] for r in used])
    found = Given(shapes, member, 2 * (tuned - low) / (high - low) - 1, scores, low, high)
    return None if found.freedom < SPARE else found


def pooled(results: Sequence[Result], sign: int) -> Tuned | None:
    """The settings of the shapes of a slice; none where numbers are not known of all results, or
    are too few for a curve.

    A shape has a place of its own for the peak only where an F-test at 1 % finds one. Where a
    curve has no peak between what was explored, its better end is taken. A training that failed,
    or fell far behind, counts as a bad one: a curve through its score would say nothing of the
    others.
    """
    data = given(results, sign)
    if data is None:
        return None
    shapes, places, scores = data.shapes, data.places, data.scores
    low, high, knobs = data.low, data.high, places.shape[1]
    member = np.eye(len(shapes))[data.member]
    common = np.hstack([member, places, places**2])
    # Slopes that differ from shape to shape move its peak; the first shape has the common one.
    shifts = (member[:, 1:, None] * places[:, None, :]).reshape(len(scores), -1)
    shifted = np.hstack([common, shifts])
    count = len(scores)
    if count > MANY:  # the same least squares in as many rows as there are columns
        upper = np.asarray(np.linalg.qr(np.column_stack([shifted, scores]), mode="r"))
        common, shifted, scores = upper[:, : common.shape[1]], upper[:, :-1], upper[:, -1]
    curve = np.linalg.lstsq(common, scores, rcond=None)[0]
    own = is_better(shifted, common, scores, count)
    if own:
        curve = np.linalg.lstsq(shifted, scores, rcond=None)[0]
    levels, slopes, bends = np.split(curve[: common.shape[1]], [len(shapes), len(shapes) + knobs])
    settings, values = {}, {}
    for i, shape in enumerate(shapes):
        slope = slopes.copy()
        if own and i:
            start = common.shape[1] + (i - 1) * knobs
            slope += curve[start : start + knobs]
        peak = np.array([top(b, c) for b, c in zip(slope, bends, strict=True)])
        settings[shape] = tuple(float(x) for x in low + (peak + 1) / 2 * (high - low))
        values[shape] = float(levels[i] + slope @ peak + bends @ peak**2)
    return Tuned(settings, values, own)


def bounded(scores: Sequence[float | None]) -> Floats:
    """The scores, the worst of them no further from the median than what is no outlier."""
    known = np.array([s for s in scores if s is not None])
    middle = np.median(known)
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    least = middle - OUTLIER * spread if spread > 0 else known.min()
    least = max(least, known.min())
    return np.array([least if s is None else max(s, least) for s in scores])


def is_better(larger: Floats, smaller: Floats, scores: Floats, count: int) -> bool:
    """Whether the F-test of two designs, one within the other, finds the larger one needed, of so
    many trainings."""
    spare, more = count - larger.shape[1], larger.shape[1] - smaller.shape[1]
    if spare < SPARE or not more:
        return False
    left = [
        float(((scores - d @ np.linalg.lstsq(d, scores, rcond=None)[0]) ** 2).sum())
        for d in (larger, smaller)
    ]
    if left[0] <= EXACT * max(left[1], EXACT):
        return left[1] > EXACT
    ratio = (left[1] - left[0]) / more / (left[0] / spare)
    return bool(special.fdtrc(more, spare, max(ratio, 0.0)) < LEVEL)


def top(slope: float, bend: float) -> float:
    """Where a quadratic is highest within -1 .. 1."""
    if bend < 0:
        return float(np.clip(-slope / (2 * bend), -1, 1))
    return 1.0 if slope > 0 else -1.0
