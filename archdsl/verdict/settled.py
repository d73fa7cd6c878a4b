"""Which arms of each slice are settled, two or more: chosen from exploration alone.

A choice needs no correction of its own: the verdict uses only the fresh results of what was
chosen, so that the luck that made an arm win here does not count there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from archdsl.verdict.contrast import variance
from archdsl.verdict.results import Arm, BudgetResults, Question, Result, slices_of
from archdsl.verdict.tuning import TuningEstimate, pooled

Floats = npt.NDArray[np.float64]
SWEEPS = 100  # that find what aspects have in common
ROUNDED = 9  # digits of a logarithm after the point: shapes of equal aspect stay together


@dataclass(frozen=True, slots=True)
class Explored:
    """An arm in exploration. ``scores`` are signed so that more is better; a training that
    failed has the worst score of its slice."""

    arm: Arm
    depth: float | None
    width: float | None
    scores: tuple[float, ...]
    shrunk: float
    tuned: tuple[float, ...] = ()  # where it is settled, if not at the setting of the arm
    is_deep: bool = False  # of the deep half of the shapes

    @property
    def mean(self) -> float:
        return sum(self.scores) / len(self.scores)

    @property
    def aspect(self) -> float:
        """Depth over width: what orders shapes from wide to deep."""
        assert self.depth is not None and self.width is not None
        return self.depth / self.width


def choose_arms(results: Iterable[Result], question: Question) -> dict[str, tuple[Arm, ...]]:
    """The arms to settle in each slice, the best first.

    Ordered questions take the best shape and the best of the other half (see ``halves``), then
    the best of the rest, others the best shapes. A slice has one arm where only one shape could be
    explored, and is missing where none could.
    """
    chosen = to_settle(results, question)
    return {name: tuple(e.arm for e in shapes) for name, shapes in chosen.items()}


def to_settle(results: Iterable[Result], question: Question) -> dict[str, tuple[Explored, ...]]:
    """The shapes to settle in each slice, the best first; each with its ``tuned`` setting."""
    chosen = {}
    for part, shapes in explored(results, question):
        if shapes:
            chosen[part.name] = tuple(contenders(shapes, question))
    return chosen


def explored(
    results: Iterable[Result], question: Question
) -> list[tuple[BudgetResults, list[Explored]]]:
    """Each slice with its shapes (see ``explored_shapes``), by one curve through all of them where
    numbers were tuned."""
    parts = slices_of(results)
    curve = pooled([r for part in parts for r in part.explored], question.sign)
    found = [(part, explored_shapes(part, question, curve)) for part in parts]
    return parted(found) if question.ordered else found


def parted(
    found: Sequence[tuple[BudgetResults, list[Explored]]],
) -> list[tuple[BudgetResults, list[Explored]]]:
    """The same, with each shape in the wide or the deep half: up to the median of the distinct
    aspects, and beyond. The middle one of an odd number is wide; shapes of equal aspect stay
    together. Where each shape was tried at two budgets or more, it is in one half at all of them,
    whichever a budget lacks; else the halves are those of each budget."""
    deep: dict[str, set[str]] = {}
    for kind in {part.kind for part, _ in found}:
        of_kind = {part.name: shapes for part, shapes in found if part.kind == kind and shapes}
        together = deep_half(common_aspects(of_kind.values()))
        for name, shapes in of_kind.items():
            own = {e.arm.shape for e in shapes}
            one_sided = not together & own or own <= together
            deep[name] = (
                deep_half({e.arm.shape: e.aspect for e in shapes}) if one_sided else together
            )
    return [
        (part, [replace(e, is_deep=e.arm.shape in deep[part.name]) for e in shapes])
        for part, shapes in found
    ]


def common_aspects(parts: Collection[Sequence[Explored]]) -> dict[str, float]:
    """The aspect of each shape less that of its budget, by their logarithms, in least squares;
    nothing where a shape was tried at one budget alone."""
    budget = np.array([at for at, shapes in enumerate(parts) for _ in shapes])
    names = [e.arm.shape for shapes in parts for e in shapes]
    places = {name: at for at, name in enumerate(dict.fromkeys(names))}
    shape = np.array([places[name] for name in names], dtype=np.int64)
    counts = np.bincount(shape)
    if min(counts, default=0) < 2:
        return {}
    aspects = np.log([e.aspect for shapes in parts for e in shapes])
    of_budget, of_shape = np.zeros(len(parts)), np.zeros(len(places))
    for _ in range(SWEEPS):
        of_budget = np.bincount(budget, aspects - of_shape[shape]) / np.bincount(budget)
        of_shape = np.bincount(shape, aspects - of_budget[budget]) / counts
    return dict(zip(places, of_shape.round(ROUNDED).tolist(), strict=True))


def deep_half(aspects: Mapping[str, float]) -> set[str]:
    """The shapes beyond the median of the distinct aspects."""
    known = sorted(set(aspects.values()))
    return {s for s, aspect in aspects.items() if aspect > known[(len(known) - 1) // 2]}


def contenders(shapes: Sequence[Explored], question: Question) -> Sequence[Explored]:
    """The best of the shapes, the one that it is compared with, and further ones where more than
    two are settled. Without another half there is one alone."""
    best = shapes[0]
    if not question.ordered:
        return shapes[: question.arms]
    wide, deep = halves(shapes)
    other = (deep if best in wide else wide)[:1]
    rest = [e for e in shapes[1:] if e not in other] if other else []
    return [best, *other, *rest[: question.arms - 2]]


def halves(shapes: Sequence[Explored]) -> tuple[list[Explored], list[Explored]]:
    """The wide and the deep half of shapes (see ``parted``)."""
    return [e for e in shapes if not e.is_deep], [e for e in shapes if e.is_deep]


def explored_shapes(
    part: BudgetResults, question: Question, curve: TuningEstimate | None = None
) -> list[Explored]:
    """The shapes of a slice with the best setting of each, the best first.

    Where numbers were tuned, the best shape is the one whose ``curve`` over them is highest (see
    ``archdsl.verdict.tuning``); else the one with the highest mean over seeds after shrinkage.
    The mean itself, then the text, decide between equals. A shape whose every training failed is
    left out.
    """
    arms: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in part.explored:
        arms[result.shape, result.setting].append(result)
    for arm in [a for a, rs in arms.items() if all(r.score is None for r in rs)]:
        del arms[arm]
    if not arms:
        return []
    if question.ordered and any(not has_aspect(rs[0]) for rs in arms.values()):
        raise ValueError(
            "an ordered question needs the depth and the width of every result, both above 0"
        )
    sign = question.sign
    worst = min(sign * r.score for rs in arms.values() for r in rs if r.score is not None)
    groups = [[worst if r.score is None else sign * r.score for r in rs] for rs in arms.values()]
    # Arms are many where numbers are tuned, and shapes few: only the best arm of each is kept.
    best: dict[str, tuple[float, float, tuple[str, str], int]] = {}
    for place, (arm, shrunk) in enumerate(zip(arms, shrink(groups).tolist(), strict=True)):
        shape, group = arm[0], groups[place]
        value = shrunk if curve is None else curve.values[part.name, shape]
        rank = (-value, -sum(group) / len(group), arm, place)
        if shape not in best or rank < best[shape]:
            best[shape] = rank
    found = []
    for value, _, arm, place in sorted(best.values()):
        first, tuned = arms[arm][0], () if curve is None else curve.settings[part.name, arm[0]]
        scores = tuple(groups[place])
        found.append(Explored(Arm(*arm), first.depth, first.width, scores, -value, tuned))
    return found


def has_aspect(result: Result) -> bool:
    """Whether depth over width is known of a result: both have to be above 0."""
    return (result.depth or 0) > 0 and (result.width or 0) > 0


def are_ordered(results: Iterable[Result]) -> bool:
    """Whether depth over width is known of all results, and shapes of a slice differ both in their
    depth and in that: then one is wide and one deep."""
    slices: dict[str, list[Result]] = {}
    for result in results:
        if not has_aspect(result):
            return False
        slices.setdefault(result.slice, []).append(result)
    sizes = [
        {(r.depth, r.depth / r.width) for r in s if r.depth and r.width} for s in slices.values()
    ]
    return any(len({depth for depth, _ in s}) > 1 < len({aspect for _, aspect in s}) for s in sizes)


def shrink(groups: Sequence[Sequence[float]]) -> Floats:
    """The mean of each group, drawn to the mean of all by as much as chance explains of it.

    The James-Stein estimate of a one-way layout: a group of ``n`` keeps the share
    ``t / (t + s / n)`` of its distance, with the variances ``t`` between and ``s`` within groups.
    Nothing is drawn where no group has two members.
    """
    means = np.array([sum(g) / len(g) for g in groups])
    sizes = np.array([len(g) for g in groups])
    freedom = int(sizes.sum()) - len(groups)
    if len(groups) < 2 or freedom == 0:
        return means
    within = sum(variance(g) * (len(g) - 1) for g in groups if len(g) > 1) / freedom
    if within == 0:
        return means
    between = variance(means.tolist()) - within * float((1 / sizes).mean())
    between = max(between, 1e-6 * within)  # never 0: more seeds count for more to the end
    kept = between / (between + within / sizes)
    centre = means.mean()
    return np.asarray(centre + kept * (means - centre))
