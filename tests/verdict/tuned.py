"""Studies whose shapes want a learning rate: explored at random ones, settled at that of the curve.

A score, in points, is lower by 0.4 times the square of the distance from the best rate, in
logarithms, and has a deviation of 0.4 from seed to seed: about what was measured with small
networks on scikit-learn's digits. Rates are from 0.02 to 0.3, and 0.15 is the best on average.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from archdsl.verdict import Question, Result, Verdict, judge, to_settle
from archdsl.verdict.model import DEEPER, WIDER
from archdsl.verdict.results import Floats
from archdsl.verdict.settled import explored

LOW, HIGH, BEST = np.log([0.02, 0.3, 0.15])
BEND, SD = 0.4, 0.4
DEPTHS = (10, 16, 22, 28)


@dataclass(frozen=True)
class Tuning:
    """``trials`` and ``seeds`` are those of each budget. ``drift`` is the deviation of a shape's
    best rate from that of all, in logarithms, the same at all budgets; ``better`` is what deep
    shapes have more where all are tuned, in points. ``listed``: only these rates are allowed, as
    where a list is tuned; the best of them for a shape is then its best rate."""

    trials: int = 12
    seeds: int = 10
    drift: float = 0.0
    better: float = 0.0
    budgets: int = 1
    listed: tuple[float, ...] = ()

    def study(self, rng: np.random.Generator) -> list[Result]:
        best = BEST + self.drift * rng.standard_normal(len(DEPTHS))

        known = np.log(self.listed)

        def allowed(rate: float) -> float:
            if not self.listed:
                return float(np.clip(rate, LOW, HIGH))
            return float(known[np.argmin(np.abs(known - rate))])

        def trained(shape: int, rate: float) -> float:
            peak = allowed(best[shape])
            lost = BEND * ((rate - best[shape]) ** 2 - (peak - best[shape]) ** 2)
            more = self.better * (shape >= len(DEPTHS) / 2)
            return float(0.95 + (more - lost + SD * rng.standard_normal()) / 100)

        def tried(count: int) -> Floats:
            if not self.listed:
                return rng.uniform(LOW, HIGH, count)
            return rng.choice(known, count, replace=count > len(known))

        found = []
        for budget in range(1, self.budgets + 1):
            for place, depth in enumerate(DEPTHS):
                like = self.like(budget, f"depth = {depth}")
                for k, rate in enumerate(tried(self.trials // len(DEPTHS)).tolist()):
                    setting = f"lr = {np.exp(rate):.4g}"
                    score, seed = trained(place, rate), k if self.listed else 0
                    found.append(
                        replace(like, score=score, setting=setting, tuned=(rate,), seed=seed)
                    )
        for slice, shapes in to_settle(found, Question()).items():
            for e in shapes:
                place = DEPTHS.index(int(e.depth or 0))
                rate = allowed(e.tuned[0]) if self.listed else e.tuned[0]
                named = {"setting": "lr = curve", "tuned": (rate,)}
                like = replace(self.like(int(slice[:-1]), e.arm.shape), settled=True, **named)
                found += [
                    replace(like, seed=1000 + k, score=trained(place, rate))
                    for k in range(1, self.seeds + 1)
                ]
        return found

    @staticmethod
    def like(budget: int, shape: str) -> Result:
        depth = int(shape.split()[-1])
        return Result(f"{budget}M", budget * 1e6, shape, depth, 40 / depth, 0, None)


def claimed(world: Tuning, count: int, seed: int = 0) -> tuple[float, float]:
    """The shares of studies that claim a difference, at a budget or on average, and that would if
    the settings that the curve gave were the best ones."""
    rng = np.random.default_rng(seed)
    said = blind = 0
    for _ in range(count):
        found = world.study(rng)
        parts = explored(found, Question())
        said += claims(judge(found, Question(), resamples=0, parts=parts))
        bare = [replace(r, tuned=()) for r in found if not r.settled]
        blind += claims(judge(found, Question(), resamples=0, parts=parts, short=bare))
    return said / count, blind / count


def claims(said: Verdict) -> bool:
    words = [part.word for part in said.slices] + ([said.average.word] if said.average else [])
    return DEEPER in words or WIDER in words


TUNINGS = [
    Tuning(trials, seeds, drift, better)
    for drift in (0.0, 0.3)
    for trials in (12, 24)
    for seeds, better in ((5, 0.0), (20, 0.0), (10, 0.5))
]
TUNINGS += [
    Tuning(trials, seeds, drift, better, budgets=3)
    for drift in (0.0, 0.3)
    for trials in (8, 16)
    for seeds, better in ((3, 0.0), (10, 0.0), (10, 0.5))
]
