"""Whole studies, simulated: explored, chosen from, settled on fresh seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from archdsl.verdict import Question, Result, choose_arms

DEPTHS = (10, 14, 20, 28, 40)
BUDGETS = (2.5e6, 5e6, 10e6)
MEAN, SD = 0.9, 0.008

Generator = np.random.Generator
Effect = Callable[[int, int], float]  # of slice and depth, by their places, in SDs
Noise = Callable[[Generator, int, int], np.ndarray]  # of a depth, so many, in SDs


def normal(rng: Generator, depth: int, count: int) -> np.ndarray:
    return rng.standard_normal(count)


def wilder_when_deep(rng: Generator, depth: int, count: int) -> np.ndarray:
    """Twice the spread in the deep half."""
    return rng.standard_normal(count) * (2 if depth >= 3 else 1)


def rounded(rng: Generator, depth: int, count: int) -> np.ndarray:
    """As measured on 360 images: a third of a standard deviation."""
    step = 1 / 360 / SD
    return np.round(rng.standard_normal(count) / step) * step


def failing(rng: Generator, depth: int, count: int, share: float = 0.1) -> np.ndarray:
    """One training in ten loses five standard deviations; the mean is 0."""
    return rng.standard_normal(count) - 5 * ((rng.random(count) < share) - share)


def failing_when_deep(rng: Generator, depth: int, count: int) -> np.ndarray:
    """The same in the deep half only: different in all but the mean."""
    return failing(rng, depth, count) if depth >= 3 else rng.standard_normal(count)


def nothing(part: int, depth: int) -> float:
    return 0.0


def in_slices(*sizes: float) -> Effect:
    """The deep half is better by so many standard deviations, slice by slice. Within a half
    one shape stands out, so that it is chosen nearly always."""
    others = {1: 0.0, 3: 0.0}
    return lambda part, depth: others.get(depth, -4.0) + (sizes[part] if depth == 3 else 0.0)


def study(
    rng: Generator,
    effect: Effect = nothing,
    noise: Noise = normal,
    *,
    slices: int = 3,
    settings: int = 2,
    explore: int = 2,
    fresh: int | tuple[int, int] = 10,
    question: Question = Question(),  # noqa: B008
) -> list[Result]:
    """The results of one study. ``fresh`` seeds settle the arms that exploration chose."""

    def scores(part: int, place: int, count: int) -> list[float]:
        standard = effect(part, place) + noise(rng, place, count)
        return (MEAN + SD * standard).tolist()

    cells = {
        (f"{budget / 1e6:g}M macs", f"depth = {depth}"): (part, place)
        for part, budget in enumerate(BUDGETS[:slices])
        for place, depth in enumerate(DEPTHS)
    }
    found: list[Result] = []
    for (name, shape), (part, place) in cells.items():
        budget, depth = BUDGETS[part], DEPTHS[place]
        like = Result(name, budget, shape, depth, (budget / depth) ** 0.5 / 40, 0, None)
        found += [
            replace(like, seed=n % explore, score=score, setting=f"lr = 0.{n // explore + 1}")
            for n, score in enumerate(scores(part, place, settings * explore))
        ]
    for name, arms in choose_arms(found, question).items():
        counts = [fresh] * len(arms) if isinstance(fresh, int) else fresh
        for arm, count in zip(arms, counts, strict=False):
            like = next(r for r in found if r.slice == name and r.arm == arm)
            found += [
                replace(like, seed=100 + n, score=score, settled=True, test=score - 0.01)
                for n, score in enumerate(scores(*cells[name, arm.shape], count))
            ]
    return found
