"""The setting at which a shape is settled: from one curve through all that a study explored.

The best of a few single trainings is mostly the luckiest: a shape that had the better draw of a
learning rate looks better on any number of fresh seeds. A quadratic in each number that was tuned,
with levels of shapes and budgets, uses all trainings for the setting of each. What a
network reaches rises with a learning rate and then falls: where a few trainings seem to say the
contrary, the curve is one that they allow and that bends downward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from archdsl.verdict.posterior import Posterior, TrialSums, sums
from archdsl.verdict.results import Floats, Result

Member = tuple[str, str]  # slice, shape
LEAST = 3  # different values of a number that a quadratic takes
SPARE = 2  # trainings beyond the coefficients and a level for each shape
OUTLIER = 5.0  # deviations below the median beyond which a training only counts as bad


@dataclass(frozen=True, slots=True)
class TuningEstimate:
    """For each shape of each slice, the setting at which its curve is highest, and how high it is
    there."""

    settings: Mapping[Member, tuple[float, ...]]
    values: Mapping[Member, float]


@dataclass(frozen=True, slots=True)
class TuningRuns:
    """The trainings that a curve goes through, as ``sums`` of ``members``. Numbers are from -1, the
    ``low`` end of what was explored, to 1, and scores less the ``means`` of their budgets."""

    members: Sequence[Member]
    shapes: Sequence[str]
    sums: TrialSums
    low: Floats
    high: Floats
    means: Floats


@dataclass(frozen=True, slots=True)
class Lost:
    """What arms may lose by their settings: draws ``(arms, draws)``, with the degrees of freedom of
    their spread: it is known from as many shapes. ``noise`` is the deviation of a training from its
    curve."""

    draws: Floats
    freedom: int
    noise: float

    def variance(self, one: int, other: int) -> float:
        """That of the difference of two arms."""
        return float(np.mean((self.draws[one] - self.draws[other]) ** 2))


def lost(
    results: Sequence[Result],
    sign: int,
    members: Sequence[Member],
    settings: Sequence[Sequence[float]],
) -> Lost | None:
    """What shapes may lose by the settings at which they are settled: by the curve through
    ``results``; nothing where there is none, or no shape. Without settings they are those of the
    curve."""
    data = given(results, sign)
    if data is None or not members or not set(members) <= set(data.members):
        return None
    if not all(settings):
        curve = pooled(results, sign)
        assert curve is not None
        settings = [curve.settings[member] for member in members]
    places = 2 * (np.array(settings) - data.low) / (data.high - data.low) - 1
    wanted = [data.shapes.index(shape) for _, shape in members]
    known = Posterior.known(data.sums)
    freedom = min(data.sums.spare, max(len(data.shapes) - 1, 1))
    return Lost(known.losses(wanted, np.clip(places, -1, 1)), freedom, known.noise)


def given(results: Sequence[Result], sign: int) -> TuningRuns | None:
    """What a curve goes through; none where numbers are not known of all results, or are too
    few."""
    members = sorted({(r.slice, r.shape) for r in results if r.score is not None})
    rank = {member: place for place, member in enumerate(members)}
    used = sorted((r for r in results if (r.slice, r.shape) in rank), key=lambda r: r.slice)
    counts = {len(r.tuned) for r in used}
    if len(counts) != 1 or 0 in counts:
        return None
    tuned = np.array([r.tuned for r in used])
    if min(len(set(column)) for column in tuned.T) < LEAST:
        return None
    low, high = tuned.min(axis=0), tuned.max(axis=0)
    scores = [
        bounded([None if r.score is None else sign * r.score for r in of_slice])
        for _, of_slice in groupby(used, key=lambda r: r.slice)
    ]
    member = np.array([rank[r.slice, r.shape] for r in used])
    shapes = sorted({shape for _, shape in members})
    shape = np.array([shapes.index(s) for _, s in members])
    slices = list(dict.fromkeys(slice for slice, _ in members))
    budget = np.array([slices.index(slice) for slice, _ in members])
    places = 2 * (tuned - low) / (high - low) - 1
    means = np.array([of_slice.mean() for of_slice in scores])
    left = np.concatenate([of_slice - of_slice.mean() for of_slice in scores])
    found = sums(places, member, shape, budget, left)
    return None if found.spare < SPARE else TuningRuns(members, shapes, found, low, high, means)


def pooled(results: Sequence[Result], sign: int) -> TuningEstimate | None:
    """The settings of the shapes of all slices; none where numbers are not known of all results, or
    are too few for a curve.

    A shape has a slope of its own as far as its trainings tell (see ``Posterior``). Where the peak
    is beyond what was explored, the end next to it is taken. A training that failed, or fell far
    behind, counts as a bad one: a curve through its score would say nothing of the others.
    """
    data = given(results, sign)
    if data is None:
        return None
    slopes, bends, levels = Posterior.known(data.sums).means()
    settings, values = {}, {}
    for i, member in enumerate(data.members):
        slope = slopes[data.shapes.index(member[1])]
        peak = np.array([top(b, c) for b, c in zip(slope, bends, strict=True)])
        place = data.low + (peak + 1) / 2 * (data.high - data.low)
        settings[member] = tuple(float(x) for x in place)
        values[member] = float(
            data.means[data.sums.budget[i]] + levels[i] + peak @ slope + peak**2 @ bends
        )
    return TuningEstimate(settings, values)


def bounded(scores: Sequence[float | None]) -> Floats:
    """The scores, the worst of them no further from the median than what is no outlier."""
    known = np.array([s for s in scores if s is not None])
    middle = np.median(known)
    spread = 1.4826 * float(np.median(np.abs(known - middle)))
    least = middle - OUTLIER * spread if spread > 0 else known.min()
    least = max(least, known.min())
    return np.array([least if s is None else max(s, least) for s in scores])


def top(slope: float, bend: float) -> float:
    """Where a quadratic is highest within -1 .. 1."""
    if bend < 0:
        return float(np.clip(-slope / (2 * bend), -1, 1))
    return 1.0 if slope > 0 else -1.0
