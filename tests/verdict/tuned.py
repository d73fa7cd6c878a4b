"""Studies whose shapes want a learning rate: explored at random ones, settled at that of the curve.

A score, in points, is lower by 0.4 times the square of the distance from the best rate, in
logarithms, and has a deviation of 0.4 from seed to seed: about what was measured with small
networks on scikit-learn's digits. Rates are from 0.02 to 0.3, and 0.15 is the best on average.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from archdsl.verdict import Question, Result, to_settle
from archdsl.verdict.arms import explored
from archdsl.verdict.comparison import compare
from archdsl.verdict.examples import compared

LOW, HIGH, BEST = np.log([0.02, 0.3, 0.15])
BEND, SD = 0.4, 0.4
DEPTHS = (10, 16, 22, 28)


@dataclass(frozen=True)
class Tuning:
    """``drift`` is the deviation of a shape's best rate from that of all, in logarithms; ``better``
    is what deep shapes have more where all are tuned, in points."""

    trials: int = 12
    seeds: int = 10
    drift: float = 0.0
    better: float = 0.0

    def study(self, rng: np.random.Generator) -> list[Result]:
        best = BEST + self.drift * rng.standard_normal(len(DEPTHS))

        def trained(shape: int, rate: float) -> float:
            lost = BEND * (
                (rate - best[shape]) ** 2 - (np.clip(best[shape], LOW, HIGH) - best[shape]) ** 2
            )
            more = self.better * (shape >= len(DEPTHS) / 2)
            return float(0.95 + (more - lost + SD * rng.standard_normal()) / 100)

        found = []
        for place, depth in enumerate(DEPTHS):
            like = Result("1M", 1e6, f"depth = {depth}", depth, 40 / depth, 0, None)
            for rate in rng.uniform(LOW, HIGH, self.trials // len(DEPTHS)):
                setting = f"lr = {np.exp(rate):.4g}"
                score = trained(place, rate)
                found.append(replace(like, score=score, setting=setting, tuned=(float(rate),)))
        for e in to_settle(found, Question())["1M"]:
            place = DEPTHS.index(int(e.depth or 0))
            like = Result("1M", 1e6, e.arm.shape, e.depth, e.width, 0, None, settled=True)
            found += [
                replace(like, seed=k, score=trained(place, e.tuned[0]), setting="lr = curve")
                for k in range(1, self.seeds + 1)
            ]
        return found


def claimed(world: Tuning, count: int, seed: int = 0) -> tuple[float, float]:
    """The shares of studies that claim a difference, and that would if the settings that the curve
    gave were the best ones."""
    rng = np.random.default_rng(seed)
    said = blind = 0
    for _ in range(count):
        [found] = compare(explored(world.study(rng), Question()), Question())
        assert found.difference is not None
        said += found.difference.p < 0.05
        blind += compared(found.sample(0), found.sample(1)).p < 0.05
    return said / count, blind / count


TUNINGS = [
    Tuning(trials, seeds, drift, better)
    for drift in (0.0, 0.3)
    for trials in (12, 24)
    for seeds, better in ((5, 0.0), (20, 0.0), (10, 0.5))
]
