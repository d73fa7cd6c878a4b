"""The verdict of a study: each slice, their average, and the growth with the budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from archdsl.units import ERRORS, SHARES
from archdsl.verdict.answer import TEN, Verdict
from archdsl.verdict.comparison import FIRST, SEEDS, Comparison, Two, compare, over_all
from archdsl.verdict.contrast import (
    Difference,
    Interval,
    bootstrap,
    mean,
    mean_interval,
    variance,
)
from archdsl.verdict.correction import corrected_pairs
from archdsl.verdict.crossed import (
    Sample,
    averaged,
    examples_needed,
    honest,
    of_folds,
    paired,
    seeds_needed,
    share_interval,
    sources,
)
from archdsl.verdict.curve import Peak, growth, optimum
from archdsl.verdict.looks import level_at, repeated
from archdsl.verdict.model import (
    DEEPER,
    DEPENDS,
    EQUIVALENT,
    LOSS,
    NO_EVIDENCE,
    NOT_SETTLED,
    WIDER,
    ArmPair,
    AverageDifference,
    ByLoss,
    Contrast,
    Optimum,
    Settled,
    SliceVerdict,
)
from archdsl.verdict.results import BudgetResults, Question, Result, slices_of
from archdsl.verdict.settled import Explored, explored, halves

SCORE, OTHER = 0.8, 0.2  # shares of the error of the score, and of the log-loss beside it
AVERAGE = 0.5  # that of the average over slices, where there is one
RESAMPLES = 9999


def judge(
    results: Iterable[Result],
    question: Question,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    parts: Sequence[tuple[BudgetResults, Sequence[Explored]]] | None = None,
    short: Iterable[Result] = (),
) -> Verdict:
    """The verdict on the results of a study; ``parts`` are what ``explored`` makes of them, where
    that is at hand. ``short`` are the results of the trainings that tuned, where these were
    shorter than the fresh ones.

    ``level`` is that of every interval, and 1 - ``level`` bounds the share of studies with a
    verdict where there is no true difference. ``resamples`` and ``seed`` are the bootstrap's;
    without resamples, what is made of them is left out.
    """
    parts = explored(results, question) if parts is None else parts
    tried = [r for part in slices_of(short) for r in part.explored]
    trials = compare(parts, question, tried)
    settled = [t for t in trials if t.difference is not None]
    several = question.ordered and len(settled) > 1
    whole = None
    if several:
        whole = over_all(averaged([(t.sample(0), t.sample(1)) for t in settled]), settled)
    looks, least = question.looks, min((t.seeds(FIRST) for t in settled), default=0)
    both = [(t.losses(0), t.losses(1)) for t in settled]
    losses = [(a, b) for a, b in both if a is not None and b is not None]
    whole_loss = None
    if several and len(losses) == len(settled):
        whole_loss = over_all(averaged(losses), settled, loss=True)
    known = [
        [repeated(d.p, looks, t.seeds(two)) for two, d in t.differences.items()] for t in trials
    ]
    of_losses = [
        [] if t.loss is None else [repeated(t.loss.p, looks, t.seeds(FIRST))] for t in trials
    ]
    groups = [
        *known,
        *([[repeated(whole.p, looks, least)]] if whole else []),
        *of_losses,
        *([[repeated(whole_loss.p, looks, least)]] if whole_loss else []),
    ]
    scores = len(known) + bool(whole)
    shares = [SCORE * of for of in shares_of(known, whole is not None)]
    shares += [OTHER * of for of in shares_of(of_losses, whole_loss is not None)]
    found = corrected_pairs(groups, shares)
    values = iter([p for group in found[:scores] for p in group])
    of_loss = iter([p for group in found[scores:] for p in group])
    judged = _Judge(question, level, resamples, seed, sum(map(len, known)))
    slices, peaks = [], []
    for trial in trials:
        best, peak = judged.optimum(trial)
        contrasts = {two: judged.contrast(trial, two, next(values)) for two in trial.differences}
        if trial.loss is not None:
            first, tests = contrasts[FIRST], (trial.test_loss, trial.seeds(FIRST))
            loss = judged.by_loss(trial.loss, next(of_loss), first, *tests)
            contrasts[FIRST] = replace(first, loss=loss)
        slices.append(judged.slice(trial, contrasts, best))
        if peak is not None:
            peaks.append((trial.slice.budget, peak))
    grows = question.ordered and len(slices) > 1 and not any(part.kind for part in slices)
    return Verdict(
        question,
        level,
        tuple(slices),
        judged.average(settled, slices, whole, next(values), whole_loss, next(of_loss, 1.0))
        if whole
        else None,
        growth(peaks, len(slices), level) if grows and resamples else None,
        collapsed=any(t.least > 0 for t in settled),
        blind=not question.folds and 0 < least < TEN and not any(t.repeats for t in trials),
        tuned=any(t.tunes for t in settled),
        unpooled=any(t.tunes and t.lost is None for t in settled),
    )


def shares_of(groups: Sequence[Sequence[float]], with_average: bool) -> list[float]:
    """The shares of the error of slices, which are equal, and of their average after them."""
    rest = 1 - AVERAGE if with_average else 1.0
    each = rest / max(sum(map(bool, groups)), 1)
    return [each] * len(groups) + [AVERAGE] * with_average


@dataclass(frozen=True, slots=True)
class _Judge:
    """What all comparisons of a study share."""

    question: Question
    level: float
    resamples: int
    seed: int
    comparisons: int

    def optimum(self, trial: Comparison) -> tuple[Optimum | None, Peak | None]:
        if not self.question.ordered or not trial.shapes or not self.resamples:
            return None, None
        return optimum(trial.shapes, self.level, self.resamples, self.seed)

    def slice(
        self, trial: Comparison, contrasts: Mapping[Two, Contrast], best: Optimum | None
    ) -> SliceVerdict:
        contrast = contrasts.get(FIRST)
        arms = tuple(self.settled(trial, i) for i in range(len(trial.arms)))
        means = [(self.question.sign * a.mean, a.shape) for a in arms if a.mean is not None]
        wide, deep = halves(trial.shapes) if self.question.ordered and trial.shapes else ([], [])
        if contrast is None:
            word, by = NOT_SETTLED, None
        else:
            shapes = [] if self.question.ordered else [a.shape for a in arms]
            word, by = self.word(contrast, shapes)
        return SliceVerdict(
            trial.slice.name,
            trial.slice.budget,
            word,
            _missing(arms[:2], len(trial.shapes), self.question) if contrast is None else None,
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
            by,
        )

    def pair(self, first: str, second: str, contrast: Contrast) -> ArmPair:
        return ArmPair(first, second, self.word(contrast, [first, second])[0], contrast)

    def settled(self, trial: Comparison, arm: int) -> Settled:
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
        found = mean_interval(scores, level, sample.least)
        if found is None or self.question.measure not in ERRORS or min(scores) < 0:
            return found
        return max(found[0], 0.0), found[1]

    def contrast(self, trial: Comparison, two: Two, corrected: float) -> Contrast:
        found = trial.differences[two]
        first, second = trial.sample(two[0]), trial.sample(two[1])
        of = sources(first, second)
        of = replace(of, first=max(of.first, first.least), second=max(of.second, second.least))
        if trial.lost is not None:
            of = replace(of, tuning=trial.tuning(two), tuning_freedom=trial.lost.freedom)
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
            tuning=None if trial.lost is None else sqrt(of.tuning),
        )

    def by_loss(
        self,
        found: Difference,
        corrected: float,
        beside: Contrast | AverageDifference,
        test: float | None,
        seeds: int,
    ) -> ByLoss:
        """The comparison by the log-loss, beside that of the score; ``test`` is the difference of
        the log-loss on test data."""
        better = found.value < 0  # the first arm, by its loss
        scores = [self.question.sign * d for d in (beside.difference, beside.test) if d is not None]
        agrees = all(d > 0 if better else d < 0 for d in scores)
        agrees &= test is None or test * found.value > 0
        return ByLoss(
            found.value,
            self.interval(found, corrected, seeds),
            found.p,
            corrected,
            self.claim(found, corrected, None)[0],
            test,
            agrees,
            agrees and corrected < 1 - self.level,
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
        self,
        trials: Sequence[Comparison],
        slices: Sequence[SliceVerdict],
        found: Difference,
        corrected: float,
        loss: Difference | None,
        corrected_loss: float,
    ) -> AverageDifference:
        seeds = min(t.seeds(FIRST) for t in trials)
        tests = [test for t in trials if (test := t.test(FIRST)) is not None]
        test = mean(tests) if len(tests) == len(trials) else None
        result = AverageDifference(
            NO_EVIDENCE,
            found.value,
            self.interval(found, corrected, seeds),
            found.p,
            corrected,
            len(trials),
            *self.claim(found, corrected, test),
        )
        if loss is not None:
            losses = [test for t in trials if (test := t.test_loss) is not None]
            test = mean(losses) if len(losses) == len(trials) else None
            result = replace(result, loss=self.by_loss(loss, corrected_loss, result, test, seeds))
        word, by = (DEPENDS, None) if kinds_differ(slices) else self.word(result, [])
        return replace(result, word=word, by=by)

    def interval(self, found: Difference, corrected: float, seeds: int) -> Interval | None:
        """The interval at the level that the correction leaves for this comparison: it
        excludes 0 exactly where the corrected p-value is significant (Serlin 1993). Where
        results are looked at several times, that of the look at the most."""
        alpha = 1 - self.level
        left = min(alpha * found.p / corrected, level_at(alpha, self.question.looks, seeds))
        return found.interval(1 - left)

    def word(
        self, found: Contrast | AverageDifference, shapes: Sequence[str]
    ) -> tuple[str, str | None]:
        """What is said of a comparison, and by what: the score, or the log-loss where that leaves
        it open; without ``shapes`` the first side is the deeper one."""
        by: str | None = self.question.measure
        if found.withdrawn:
            return NO_EVIDENCE, None
        if found.corrected >= 1 - self.level:
            if self.is_small(found):
                return EQUIVALENT, by
            if found.loss is None or not found.loss.claims:
                return NO_EVIDENCE, None
            by = LOSS
        first = self.question.sign * found.difference > 0
        if not shapes:
            return DEEPER if first else WIDER, by
        return shapes[0 if first else 1], by

    def is_small(self, found: Contrast | AverageDifference) -> bool:
        """Whether the difference is smaller than the one of interest, in all slices together."""
        limit = self.question.target
        ranges = [found.interval]
        if isinstance(found, Contrast):
            ranges.append(found.simultaneous)
        return all(r is not None and -limit < r[0] and r[1] < limit for r in ranges)


def kinds_differ(slices: Sequence[SliceVerdict]) -> bool:
    """Whether the deeper shape is better in one kind of network, and the wider in another."""
    deep, wide = ({p.kind for p in slices if p.word == w} for w in (DEEPER, WIDER))
    return bool(deep and wide) and len(deep | wide) > 1


def _missing(arms: Sequence[Settled], shapes: int, question: Question) -> str:
    """Why there is no comparison of two arms, of so many shapes."""
    if not arms:
        return "no explored training run succeeded"
    if len(arms) == 1 and shapes > 1:
        return "all shapes have the same depth over width, so that none is the wide or the deep one"
    if len(arms) == 1:
        return "only one shape has a training run that succeeded"
    if not question.settles:
        return "the search ends with exploring; `seeds 1 then 4` would compare the best shapes"
    if all(a.seeds >= SEEDS for a in arms):
        return f"a comparison needs {SEEDS} folds in which both shapes have a result"
    few = [f"{a.seeds} of {a.shape}" for a in arms if a.seeds < SEEDS]
    return f"a comparison needs {SEEDS} fresh results of each shape; there are {', '.join(few)}"
