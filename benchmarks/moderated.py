"""What is claimed falsely where arms share what they tell of the spread of seeds: left out.

python benchmarks/moderated.py [--studies N] [--seed N]

Two or three seeds know their own spread badly. Were all arms of a study to have one spread, it
could be pooled; a moderated variance draws each arm's own towards the mean of all by as much as
arms differ (Smyth 2004), which is estimated from the moments of their logarithms, as limma does it,
or averaged over a few values, each with its likelihood. Here nothing differs but the spreads, at
three budgets: those of normal numbers, or of the trainings of table/small.csv, each less the mean
of its network. Beside them stands what the verdict does, Welch's test.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import optimize, special, stats

from archdsl.verdict.contrast import tested
from archdsl.verdict.correction import corrected
from archdsl.verdict.results import Floats

BUDGETS = 3
LEVEL = 0.05
UNLIKE = (0.25, 0.7, 2.0)  # variances of an arm's variance, in squares of its mean
Draw = Callable[[np.random.Generator, int, int], Floats]  # of an arm by its place, so many seeds


def moderated(variances: Floats, own: int, weights: Floats, unlike: float) -> tuple[float, float]:
    """A sum of the arms' variances with these weights, and its degrees of freedom, where each is
    known from ``own`` and drawn to the mean of all (the best linear prediction)."""
    keep = unlike / (unlike + 2 / own)
    mean = float(variances.mean())
    drawn = mean + keep * (variances - mean)
    uses = keep * weights + (1 - keep) * weights.sum() / len(variances)
    error = float((uses**2 * 2 * drawn**2 / own).sum()) + unlike * mean**2 * float(
        ((uses - weights) ** 2).sum()
    )
    total = float(weights @ drawn)
    return total, 2 * total**2 / error


def by_moments(variances: Floats, own: int) -> float:
    """How unlike variances are, by the spread of their logarithms (Smyth 2004)."""
    spread = float(np.log(variances).var(ddof=1) - special.polygamma(1, own / 2))
    if spread <= float(special.polygamma(1, 1e6)):
        return 1e-6
    return 1 / float(optimize.brentq(lambda d: special.polygamma(1, d) - spread, 1e-4, 1e6))


def by_likelihood(variances: Floats, own: int) -> float:
    """The mean of a few, each with its likelihood; their scale is integrated over."""
    scales = np.log(variances.mean()) + np.linspace(-6, 4, 41)[:, None]
    known = np.array(
        [
            special.logsumexp(
                (stats.f.logpdf(variances / np.exp(scales), own, 2 / u) - scales).sum(axis=1)
            )
            for u in UNLIKE
        ]
    )
    return float(special.softmax(known) @ np.array(UNLIKE))


def welch(variances: Floats, own: int, weights: Floats) -> tuple[float, float]:
    parts = weights * variances
    return float(parts.sum()), float(parts.sum() ** 2 / (parts**2 / own).sum())


WAYS: dict[str, Callable[[Floats, int, Floats], tuple[float, float]]] = {
    "as it is": welch,
    "one spread": lambda v, own, w: moderated(v, own, w, 1e-9),
    "moderated, by moments": lambda v, own, w: moderated(v, own, w, by_moments(v, own)),
    "by likelihood": lambda v, own, w: moderated(v, own, w, by_likelihood(v, own)),
}


def normal(*deviations: float) -> Draw:
    return lambda rng, arm, seeds: deviations[arm % len(deviations)] * rng.standard_normal(seeds)


def recorded() -> Draw:
    """Even arms are of the three deepest networks of a budget, the others of the two widest."""
    cells: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    path = Path(__file__).parent / "table" / "small.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            depth = int(row["shape"].split("= ")[1])
            cells[row["budget"], depth].append(float(row["accuracy"]))
    budgets = sorted({budget for budget, _ in cells})
    depths = sorted({depth for _, depth in cells})

    def draw(rng: np.random.Generator, arm: int, seeds: int) -> Floats:
        depth = int(rng.choice(depths[:2] if arm % 2 else depths[2:]))
        found = np.array(cells[budgets[arm // 2], depth])
        return np.asarray(rng.choice(found, seeds, replace=False) - found.mean())

    return draw


WORLDS: dict[str, Draw] = {
    "all alike": normal(1),
    "deep ones 2 times as large": normal(2, 1),
    "deep ones 3 times as large": normal(3, 1),
    "one arm 4 times as large": normal(4, 1, 1, 1, 1, 1),
    "those of `small.csv`": recorded(),
}


def claims(arms: Floats, way: Callable[[Floats, int, Floats], tuple[float, float]]) -> bool:
    """Whether a difference is claimed at any budget, or on average; ``arms`` ``(2 budgets,
    seeds)``."""
    seeds = arms.shape[1]
    means, variances = arms.mean(axis=1), arms.var(axis=1, ddof=1)
    values = means[::2] - means[1::2]
    weights = np.repeat(np.eye(BUDGETS), 2, axis=1) / seeds
    weights = np.vstack([weights, weights.sum(axis=0) / BUDGETS**2])
    ps = []
    for value, weight in zip([*values, values.mean()], weights, strict=True):
        variance, freedom = way(np.maximum(variances, 1e-12), seeds - 1, weight)
        ps.append(tested(float(value), variance**0.5, freedom).p)
    return min(corrected(ps)) < LEVEL


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="of each row (default: 2000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| spreads | seeds |", " | ".join(WAYS), "|")
    print(f"| {'--- | ' * (len(WAYS) + 2)}")
    for name, draw in WORLDS.items():
        for seeds in (2, 3, 10):
            rng = np.random.default_rng(options.seed)
            said = dict.fromkeys(WAYS, 0)
            for _ in range(options.studies):
                arms = np.array([draw(rng, arm, seeds) for arm in range(2 * BUDGETS)])
                for way, of in WAYS.items():
                    said[way] += claims(arms, of)
            told = (f"{count / options.studies:.1%}" for count in said.values())
            print(f"| {name} | {seeds} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    main()
