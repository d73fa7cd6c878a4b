"""A slice before it is judged: its arms, their fresh results, and the differences of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import sqrt

import numpy as np

from archdsl.verdict.collapses import pooled, seen
from archdsl.verdict.contrast import Difference, mean, variance
from archdsl.verdict.crossed import Sample, compared, paired
from archdsl.verdict.results import Arm, BudgetResults, Floats, Question, Result
from archdsl.verdict.settled import Explored, contenders, parted
from archdsl.verdict.tuning import Lost, lost

SEEDS = 2  # that an arm needs for a comparison
Two = tuple[int, int]  # arms of a slice, by their places
FIRST: Two = (0, 1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A slice before correction: the arms with their fresh results, and the difference of each two
    that have enough of them. Of the first two the deep one, or the best, is first. ``least`` and
    ``least_loss`` are what the variances of an arm's scores and log-losses are at least."""

    slice: BudgetResults
    shapes: Sequence[Explored]
    arms: Sequence[Explored]
    fresh: Sequence[Sequence[Result]]
    differences: Mapping[Two, Difference] = field(default_factory=dict)
    loss: Difference | None = None  # of the first two, by the log-loss
    lost: Lost | None = None  # what the arms may lose by their settings, where numbers were tuned
    least: float = 0.0
    least_loss: float = 0.0

    @property
    def difference(self) -> Difference | None:
        return self.differences.get(FIRST)

    @property
    def explored(self) -> list[list[Result]]:
        """The trainings that explored each shape at its best setting."""
        found: dict[Arm, list[Result]] = {e.arm: [] for e in self.shapes}
        for result in self.slice.explored:
            if result.arm in found and not result.again:
                found[result.arm].append(result)
        return [*found.values()]

    @property
    def tunes(self) -> bool:
        """Whether settings differ among what was explored."""
        return len({result.setting for result in self.slice.explored}) > 1

    @property
    def repeats(self) -> bool:
        """Whether a shape was explored with one setting on several seeds."""
        return any(len(results) > 1 for results in self.explored)

    def sample(self, arm: int) -> Sample:
        found = [r for r in self.fresh[arm] if r.score is not None]
        scores = [r.score for r in found if r.score is not None]
        folds = [r.fold for r in found]
        if all(folds):
            return Sample(scores, folds=folds)
        return Sample(scores, stacked([r.examples for r in found]), least=self.least)

    def losses(self, arm: int) -> Sample | None:
        """The log-losses of an arm; none unless they are known of each example of all results."""
        found = [r for r in self.fresh[arm] if r.score is not None]
        means = [r.loss for r in found if r.loss is not None and r.losses is not None]
        if len(means) < max(len(found), SEEDS):
            return None
        folds = [r.fold for r in found]
        if all(folds):
            return Sample(means, folds=folds)
        losses = stacked([r.losses for r in found])
        return None if losses is None else Sample(means, losses, least=self.least_loss)

    @property
    def test_loss(self) -> float | None:
        """The difference of the log-losses of the first two on test data."""
        first, second = (
            [r.test_loss for r in self.fresh[arm] if r.test_loss is not None] for arm in FIRST
        )
        return mean(first) - mean(second) if first and second else None

    def tuning(self, two: Two) -> float:
        """The variance of the difference of two arms that their tuning leaves."""
        return 0.0 if self.lost is None else self.lost.variance(*two)

    def widened(self, found: Difference, two: Two, ratio: float = 1.0) -> Difference:
        """A difference of two arms with what their tuning leaves, which is ``ratio`` times as much
        of what is measured there as of the score."""
        if self.lost is None:
            return found
        return found.widened(ratio**2 * self.tuning(two), self.lost.freedom)

    def scores(self, arm: int) -> list[float]:
        return [r.score for r in self.fresh[arm] if r.score is not None]

    def seeds(self, two: Two) -> int:
        """The fresh results that each of two arms has at least."""
        return min(len(self.scores(i)) for i in two)

    def test(self, two: Two) -> float | None:
        """The difference on test data."""
        first, second = (self.tested(arm) for arm in two)
        return None if first is None or second is None else first - second

    def tested(self, arm: int) -> float | None:
        tests = [r.test for r in self.fresh[arm] if r.test is not None]
        return mean(tests) if tests else None


def settled_as(arm: Arm, settled: Sequence[Result]) -> list[Result]:
    """The fresh results of a shape: those of the setting that most were trained with, which is
    one between those that were explored where a curve through all gave it."""
    groups: dict[str, list[Result]] = {}
    for result in settled:
        if result.shape == arm.shape:
            groups.setdefault(result.setting, []).append(result)
    return max(groups.values(), key=lambda g: (len(g), g[0].setting == arm.setting), default=[])


def stacked(known: Sequence[Floats | None]) -> Floats | None:
    """What is known of examples ``(seeds, N)``; none unless all results have as many of them."""
    found = [e for e in known if e is not None]
    if not found or len(found) < len(known) or len({len(e) for e in found}) > 1:
        return None
    return np.stack(found)


def settled_first(
    part: BudgetResults, shapes: Sequence[Explored], question: Question
) -> Sequence[Explored]:
    """The shapes of a slice, those that were trained on fresh seeds before the others, so that
    these are compared: exploration that went on may name another contender, of which nothing is
    known. If they are all of one half, the halves are those of the slice by itself."""

    def is_settled(shape: Explored) -> bool:
        return len(settled_as(shape.arm, part.settled)) >= SEEDS

    if question.ordered and len({e.is_deep for e in shapes if is_settled(e)}) == 1:
        [(_, alone)] = parted([(part, list(shapes))])
        if len({e.is_deep for e in alone if is_settled(e)}) == 2:
            shapes = alone
    return sorted(shapes, key=lambda e: not is_settled(e))


def compare(
    parts: Sequence[tuple[BudgetResults, Sequence[Explored]]],
    question: Question,
    short: Sequence[Result] = (),
) -> list[Comparison]:
    """Slices, each with its shapes, before correction. ``short`` are the trainings that tuned,
    where these were shorter than the fresh ones."""
    found = []
    for part, shapes in parts:
        shapes = settled_first(part, shapes, question)
        arms = list(contenders(shapes, question)) if shapes else []
        if question.ordered:
            arms[:2] = sorted(arms[:2], key=lambda e: -e.aspect)
        found.append(
            Comparison(part, shapes, arms, [settled_as(e.arm, part.settled) for e in arms])
        )
    settled = [
        (c.slice.name, e.arm.shape, next((r.tuned for r in fresh if r.tuned), e.tuned))
        for c in found
        if any(c.fresh)
        for e, fresh in zip(c.arms, c.fresh, strict=True)
    ]
    tried = lost(
        short or [r for part, _ in parts for r in part.explored],
        question.sign,
        [(slice, shape) for slice, shape, _ in settled],
        [tuned for *_, tuned in settled],
    )
    if tried is not None:
        rows = iter(tried.draws * (_whole_per_short(found, tried.noise) if short else 1.0))
        found = [
            replace(c, lost=replace(tried, draws=np.array([next(rows) for _ in c.arms])))
            if any(c.fresh)
            else c
            for c in found
        ]
    networks = [] if question.folds else _networks(found)
    if seen([r.score for r in of if r.score is not None] for of in networks):
        scores, losses = (
            pooled(
                [value for r in of if (value := getattr(r, name)) is not None] for of in networks
            )
            for name in ("score", "loss")
        )
        found = [replace(c, least=scores, least_loss=losses) for c in found]
    return [_compared(c, question) for c in found]


def _networks(found: Sequence[Comparison]) -> list[Sequence[Result]]:
    """Trainings that differ in their seeds alone: fresh ones, and of each shape those explored at
    its best setting."""
    return [network for c in found for network in (*c.fresh, *c.explored)]


def _compared(found: Comparison, question: Question) -> Comparison:
    arms = found.arms
    differences = {}
    for two in combinations(range(len(arms)), 2):
        if found.seeds(two) < SEEDS:
            continue
        pair = found.sample(two[0]), found.sample(two[1])
        if not question.folds or paired([pair]) is not None:
            differences[two] = found.widened(compared(*pair), two)
    found = replace(found, differences=differences)
    if found.difference is None:
        return found
    first, second = found.losses(0), found.losses(1)
    if first is None or second is None or (question.folds and paired([(first, second)]) is None):
        return found
    ratio = _loss_per_score(found)
    return replace(found, loss=found.widened(compared(first, second), FIRST, ratio))


def over_all(found: Difference, trials: Sequence[Comparison], loss: bool = False) -> Difference:
    """The average of slices with what their tuning leaves: a draw is one of all slices, as a shape
    that wants another setting than the others wants it at every budget."""
    known = [(t, t.lost) for t in trials if t.lost is not None]
    if not known:
        return found
    drawn = sum(
        (_loss_per_score(t) if loss else 1.0) * (of.draws[0] - of.draws[1]) for t, of in known
    )
    variance = float(np.mean((drawn / len(trials)) ** 2))
    return found.widened(variance, known[0][1].freedom)  # the same in all


def _whole_per_short(found: Sequence[Comparison], noise: float) -> float:
    """How much a whole training moves when a short one does, by the spreads of both: settings make
    less of a difference as networks are trained to an end."""
    scores = [c.scores(arm) for c in found for arm in range(len(c.arms))]
    spreads = [variance(of_arm) for of_arm in scores if len(of_arm) >= SEEDS]
    whole = sqrt(mean(spreads)) if spreads else 0.0
    return min(1.0, whole / noise) if whole and noise else 1.0


def _loss_per_score(found: Comparison) -> float:
    """How much the log-loss moves when the score does: by the spread of fresh seeds."""
    scores, losses = (
        sum(variance(sample.scores) for arm in FIRST if (sample := of(arm)) is not None)
        for of in (found.sample, found.losses)
    )
    return sqrt(losses / scores) if scores else 0.0
