"""The verdict of a study: each slice, their average, and the growth with the budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import sqrt

import numpy as np

from archdsl.units import SHARES
from archdsl.verdict.arms import Explored, contenders, explored_shapes, halves
from archdsl.verdict.contrast import (
    Difference,
    Interval,
    bootstrap,
    mean,
    mean_interval,
    variance,
)
from archdsl.verdict.correction import corrected_pairs
from archdsl.verdict.curve import Peak, growth, optimum
from archdsl.verdict.examples import (
    Sample,
    averaged,
    compared,
    examples_needed,
    honest,
    of_folds,
    paired,
    seeds_needed,
    share_interval,
    sources,
)
from archdsl.verdict.looks import level_at, repeated
from archdsl.verdict.model import (
    DEEPER,
    EQUIVALENT,
    NO_EVIDENCE,
    NOT_SETTLED,
    WIDER,
    Average,
    Contrast,
    Optimum,
    Pair,
    Settled,
    SliceVerdict,
    Verdict,
)
from archdsl.verdict.results import Arm, Floats, Question, Result, Slice, slices_of

SEEDS = 2  # that an arm needs for a comparison
RESAMPLES = 9999
Two = tuple[int, int]  # arms of a slice, by their places
FIRST: Two = (0, 1)


def judge(
    results: Iterable[Result],
    question: Question,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Verdict:
    """The verdict on the results of a study.

    ``level`` is that of every interval, and 1 - ``level`` bounds the share of studies with a
    verdict where there is no true difference. ``resamples`` and ``seed`` are the bootstrap's;
    without resamples, what is made of them is left out.
    """
    trials = [_compare(part, question) for part in slices_of(results)]
    settled = [t for t in trials if t.difference is not None]
    several = question.ordered and len(settled) > 1
    whole = averaged([(t.sample(0), t.sample(1)) for t in settled]) if several else None
    looks, least = question.looks, min((t.seeds(FIRST) for t in settled), default=0)
    known = [
        [repeated(d.p, looks, t.seeds(two)) for two, d in t.differences.items()] for t in trials
    ]
    groups = corrected_pairs([*known, *([[repeated(whole.p, looks, least)]] if whole else [])])
    values = iter([p for group in groups for p in group])
    judged = _Judge(question, level, resamples, seed, sum(map(len, known)))
    slices, peaks = [], []
    for trial in trials:
        best, peak = judged.optimum(trial)
        contrasts = {two: judged.contrast(trial, two, next(values)) for two in trial.differences}
        slices.append(judged.slice(trial, contrasts, best))
        if peak is not None:
            peaks.append((trial.slice.budget, peak))
    grows = question.ordered and len(slices) > 1 and not any(part.kind for part in slices)
    return Verdict(
        question,
        level,
        tuple(slices),
        judged.average(settled, whole, next(values)) if whole else None,
        growth(peaks, len(slices), level) if grows and resamples else None,
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A slice before correction: the arms with their fresh results, and the difference of each two
    that have enough of them. Of the first two the deep one, or the best, is first."""

    slice: Slice
    shapes: Sequence[Explored]
    arms: Sequence[Explored]
    fresh: Sequence[Sequence[Result]]
    differences: Mapping[Two, Difference] = field(default_factory=dict)

    @property
    def difference(self) -> Difference | None:
        return self.differences.get(FIRST)

    def sample(self, arm: int) -> Sample:
        found = [r for r in self.fresh[arm] if r.score is not None]
        scores = [r.score for r in found if r.score is not None]
        folds = [r.fold for r in found]
        if all(folds):
            return Sample(scores, folds=folds)
        return Sample(scores, stacked(found))

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


def stacked(found: Sequence[Result]) -> Floats | None:
    """The examples of results ``(seeds, N)``; none unless all have as many of them."""
    known = [r.examples for r in found if r.examples is not None]
    if not known or len(known) < len(found) or len({len(e) for e in known}) > 1:
        return None
    return np.stack(known)


def _compare(part: Slice, question: Question) -> _Comparison:
    shapes = explored_shapes(part, question)
    arms = list(contenders(shapes, question)) if shapes else []
    if question.ordered:
        arms[:2] = sorted(arms[:2], key=lambda e: -e.aspect)
    fresh = [settled_as(e.arm, part.settled) for e in arms]
    found = _Comparison(part, shapes, arms, fresh)
    differences = {}
    for two in combinations(range(len(arms)), 2):
        if found.seeds(two) < SEEDS:
            continue
        pair = found.sample(two[0]), found.sample(two[1])
        if not question.folds or paired([pair]) is not None:
            differences[two] = compared(*pair)
    return replace(found, differences=differences)


@dataclass(frozen=True, slots=True)
class _Judge:
    """What all comparisons of a study share."""

    question: Question
    level: float
    resamples: int
    seed: int
    comparisons: int

    def optimum(self, trial: _Comparison) -> tuple[Optimum | None, Peak | None]:
        if not self.question.ordered or not trial.shapes or not self.resamples:
            return None, None
        return optimum(trial.shapes, self.level, self.resamples, self.seed)

    def slice(
        self, trial: _Comparison, contrasts: Mapping[Two, Contrast], best: Optimum | None
    ) -> SliceVerdict:
        contrast = contrasts.get(FIRST)
        arms = tuple(self.settled(trial, i) for i in range(len(trial.arms)))
        means = [(self.question.sign * a.mean, a.shape) for a in arms if a.mean is not None]
        wide, deep = halves(trial.shapes) if self.question.ordered and trial.shapes else ([], [])
        if contrast is None:
            word = NOT_SETTLED
        else:
            word = self.word(contrast, [] if self.question.ordered else [a.shape for a in arms])
        return SliceVerdict(
            trial.slice.name,
            trial.slice.budget,
            word,
            _missing(arms[:2]) if contrast is None else None,
            max(means)[1] if means else None,
            arms,
            contrast,
            tuple(e.arm.shape for e in sorted(wide, key=lambda e: e.aspect)),
            tuple(e.arm.shape for e in sorted(deep, key=lambda e: e.aspect)),
            best,
            trial.slice.kind,
            tuple(
                self.pair(arms[one].shape, arms[other].shape, found)
                for (one, other), found in contrasts.items()
                if (one, other) != FIRST
            ),
        )

    def pair(self, first: str, second: str, contrast: Contrast) -> Pair:
        return Pair(first, second, self.word(contrast, [first, second]), contrast)

    def settled(self, trial: _Comparison, arm: int) -> Settled:
        explored, fresh, scores = trial.arms[arm], trial.fresh[arm], trial.scores(arm)
        both = 1 - (1 - self.level) / len(trial.arms)  # Bonferroni: for the best
        return Settled(
            explored.arm.shape,
            fresh[0].setting if fresh else explored.arm.setting,
            explored.depth,
            explored.width,
            len(scores),
            len(fresh) - len(scores),
            mean(scores) if scores else None,
            sqrt(variance(scores)) if len(scores) > 1 else None,
            self.mean_interval(trial.sample(arm), both) if scores else None,
            trial.tested(arm),
        )

    def mean_interval(self, sample: Sample, level: float) -> Interval | None:
        if self.question.measure in SHARES:
            return share_interval(sample, level)
        scores = list(of_folds(sample).values()) if sample.folds else sample.scores
        return mean_interval(scores, level)

    def contrast(self, trial: _Comparison, two: Two, corrected: float) -> Contrast:
        found = trial.differences[two]
        first, second = trial.sample(two[0]), trial.sample(two[1])
        of = sources(first, second)
        alpha = (1 - self.level) / self.comparisons
        seeds = trial.seeds(two)
        return Contrast(
            found.value,
            self.interval(found, corrected, seeds),
            found.interval(1 - level_at(alpha, self.question.looks, seeds)),
            self.bootstrap(first, second),
            found.p,
            corrected,
            seeds_needed(found.value, of, alpha),
            seeds_needed(self.question.target, of, alpha),
            of.examples,
            examples_needed(self.question.target, of, seeds, alpha),
            *self.claim(found, corrected, trial.test(two)),
            *self.over_folds(first, second, self.interval(found, corrected, seeds)),
        )

    def bootstrap(self, first: Sample, second: Sample) -> Interval | None:
        differences = paired([(first, second)])
        samples = (first.scores, second.scores) if differences is None else (differences,)
        return bootstrap(samples, self.level, self.resamples, self.seed)

    def over_folds(
        self, first: Sample, second: Sample, interval: Interval | None
    ) -> tuple[int | None, Interval | None]:
        """The folds of a comparison, and its interval for another data set."""
        differences = paired([(first, second)])
        if differences is None:
            return None, None
        count = len(differences)
        if interval is None:
            return count, None
        middle, reach = (interval[0] + interval[1]) / 2, (interval[1] - interval[0]) / 2
        reach *= sqrt(1 + count / (max(self.question.folds, count) - 1))
        return count, (middle - reach, middle + reach)

    def claim(
        self, found: Difference, corrected: float, test: float | None
    ) -> tuple[float | None, float | None, bool]:
        """The honest size of what is claimed, the difference on test data, and whether that
        withdraws the claim."""
        if corrected >= 1 - self.level:
            return None, test, False
        size = honest(found.value, found.p, (1 - self.level) * found.p / corrected)
        return size, test, test is not None and found.value * test < 0

    def average(
        self, trials: Sequence[_Comparison], found: Difference, corrected: float
    ) -> Average:
        tests = [test for t in trials if (test := t.test(FIRST)) is not None]
        test = mean(tests) if len(tests) == len(trials) else None
        result = Average(
            NO_EVIDENCE,
            found.value,
            self.interval(found, corrected, min(t.seeds(FIRST) for t in trials)),
            found.p,
            corrected,
            len(trials),
            *self.claim(found, corrected, test),
        )
        return replace(result, word=self.word(result, []))

    def interval(self, found: Difference, corrected: float, seeds: int) -> Interval | None:
        """The interval at the level that the correction leaves for this comparison: it
        excludes 0 exactly where the corrected p-value is significant (Serlin 1993). Where
        results are looked at several times, that of the look at the most."""
        alpha = 1 - self.level
        left = min(alpha * found.p / corrected, level_at(alpha, self.question.looks, seeds))
        return found.interval(1 - left)

    def word(self, found: Contrast | Average, shapes: Sequence[str]) -> str:
        """What is said of a comparison; without ``shapes`` the first side is the deeper one."""
        if found.withdrawn:
            return NO_EVIDENCE
        if found.corrected >= 1 - self.level:
            return EQUIVALENT if self.is_small(found) else NO_EVIDENCE
        first = self.question.sign * found.difference > 0
        if not shapes:
            return DEEPER if first else WIDER
        return shapes[0 if first else 1]

    def is_small(self, found: Contrast | Average) -> bool:
        """Whether the difference is smaller than the one of interest, in all slices together."""
        limit = self.question.target
        ranges = [found.interval]
        if isinstance(found, Contrast):
            ranges.append(found.simultaneous)
        return all(r is not None and -limit < r[0] and r[1] < limit for r in ranges)


def _missing(arms: Sequence[Settled]) -> str:
    """Why there is no comparison."""
    if not arms:
        return "no explored training ended well"
    if len(arms) == 1:
        return "only one shape was explored"
    if all(a.seeds >= SEEDS for a in arms):
        return f"a comparison needs {SEEDS} folds in which both shapes have a result"
    few = [f"{a.seeds} of {a.shape}" for a in arms if a.seeds < SEEDS]
    return f"a comparison needs {SEEDS} fresh results of each shape; there are {', '.join(few)}"
