"""The verdict of a study: each slice, their average, and the growth with the budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from archdsl.verdict.arms import Explored, contenders, explored_shapes, halves
from archdsl.verdict.contrast import (
    Difference,
    Interval,
    average,
    bootstrap,
    mean,
    mean_interval,
    seeds_needed,
    variance,
    welch,
)
from archdsl.verdict.correction import corrected
from archdsl.verdict.curve import Peak, growth, optimum
from archdsl.verdict.model import (
    DEEPER,
    NO_EVIDENCE,
    NOT_SETTLED,
    WIDER,
    Average,
    Contrast,
    Optimum,
    Settled,
    SliceVerdict,
    Verdict,
)
from archdsl.verdict.results import Question, Result, Slice, slices_of

SEEDS = 2  # that an arm needs for a comparison
RESAMPLES = 9999


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
    known = [t.difference for t in trials if t.difference is not None]
    whole = average(known) if question.ordered and len(known) > 1 else None
    values = iter(corrected([d.p for d in (*known, *([whole] if whole else []))]))
    judged = _Judge(question, level, resamples, seed, len(known))
    slices, peaks = [], []
    for trial in trials:
        best, peak = judged.optimum(trial)
        contrast = judged.contrast(trial, next(values)) if trial.difference else None
        slices.append(judged.slice(trial, contrast, best))
        if peak is not None:
            peaks.append((trial.slice.budget, peak))
    return Verdict(
        question,
        level,
        tuple(slices),
        judged.average(whole, next(values)) if whole else None,
        growth(peaks, level) if question.ordered and len(slices) > 1 and resamples else None,
    )


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A slice before correction. The arms, deep or best first, with their fresh results."""

    slice: Slice
    shapes: Sequence[Explored]
    arms: Sequence[Explored]
    fresh: Sequence[Sequence[Result]]
    difference: Difference | None

    def scores(self, arm: int) -> list[float]:
        return [r.score for r in self.fresh[arm] if r.score is not None]


def _compare(part: Slice, question: Question) -> _Comparison:
    shapes = explored_shapes(part, question)
    arms = list(contenders(shapes, question)) if shapes else []
    if question.ordered:
        arms.sort(key=lambda e: -e.aspect)
    fresh = [[r for r in part.settled if r.arm == e.arm] for e in arms]
    found = _Comparison(part, shapes, arms, fresh, None)
    scores = [found.scores(i) for i in range(len(arms))]
    if len(arms) < 2 or min(map(len, scores)) < SEEDS:
        return found
    return _Comparison(part, shapes, arms, fresh, welch(*scores))


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
        self, trial: _Comparison, contrast: Contrast | None, best: Optimum | None
    ) -> SliceVerdict:
        arms = tuple(self.settled(trial, i) for i in range(len(trial.arms)))
        means = [(self.question.sign * a.mean, a.shape) for a in arms if a.mean is not None]
        wide, deep = halves(trial.shapes) if self.question.ordered and trial.shapes else ([], [])
        if contrast is None:
            word = NOT_SETTLED
        else:
            word = self.word(contrast.difference, contrast.corrected, [a.shape for a in arms])
        return SliceVerdict(
            trial.slice.name,
            trial.slice.budget,
            word,
            _missing(arms) if contrast is None else None,
            max(means)[1] if means else None,
            arms,
            contrast,
            tuple(e.arm.shape for e in sorted(wide, key=lambda e: e.aspect)),
            tuple(e.arm.shape for e in sorted(deep, key=lambda e: e.aspect)),
            best,
        )

    def settled(self, trial: _Comparison, arm: int) -> Settled:
        explored, fresh, scores = trial.arms[arm], trial.fresh[arm], trial.scores(arm)
        tests = [r.test for r in fresh if r.test is not None]
        both = 1 - (1 - self.level) / len(trial.arms)  # Bonferroni: for the better of two
        return Settled(
            explored.arm.shape,
            explored.arm.setting,
            explored.depth,
            explored.width,
            len(scores),
            len(fresh) - len(scores),
            mean(scores) if scores else None,
            sqrt(variance(scores)) if len(scores) > 1 else None,
            mean_interval(scores, both),
            mean(tests) if tests else None,
        )

    def contrast(self, trial: _Comparison, corrected: float) -> Contrast:
        found = trial.difference
        assert found is not None
        first, second = trial.scores(0), trial.scores(1)
        alpha = (1 - self.level) / self.comparisons
        return Contrast(
            found.value,
            self.interval(found, corrected),
            found.interval(1 - alpha),
            bootstrap(first, second, self.level, self.resamples, self.seed),
            found.p,
            corrected,
            seeds_needed(found.value, first, second, alpha),
            seeds_needed(self.question.target, first, second, alpha),
        )

    def average(self, found: Difference, corrected: float) -> Average:
        return Average(
            self.word(found.value, corrected, []),
            found.value,
            self.interval(found, corrected),
            found.p,
            corrected,
            self.comparisons,
        )

    def interval(self, found: Difference, corrected: float) -> Interval | None:
        """The interval at the level that the correction leaves for this comparison: it
        excludes 0 exactly where the corrected p-value is significant (Serlin 1993)."""
        return found.interval(1 - (1 - self.level) * found.p / corrected)

    def word(self, difference: float, corrected: float, shapes: Sequence[str]) -> str:
        if corrected >= 1 - self.level:
            return NO_EVIDENCE
        first = self.question.sign * difference > 0
        if self.question.ordered:
            return DEEPER if first else WIDER
        return shapes[0 if first else 1]


def _missing(arms: Sequence[Settled]) -> str:
    """Why there is no comparison."""
    if not arms:
        return "no explored training ended well"
    if len(arms) == 1:
        return "only one shape was explored"
    few = [f"{a.seeds} of {a.shape}" for a in arms if a.seeds < SEEDS]
    return f"a comparison needs {SEEDS} fresh results of each shape; there are {', '.join(few)}"
