"""Whether successive halving across shapes chooses those that settle as well as whole trainings do.

python benchmarks/halving.py [--studies N] [--seed N]

Replayed on the recorded curves of two tables: table/small.csv (six epochs of digits at a rate that
is too low) and table/tuned.csv (ten epochs of digits). A study trains every depth at one budget
with so many of its seeds. Where it halves, it looks after so many epochs at the mean accuracies,
keeps the better half of the depths, at least one of the wide and one of the deep, and trains those
on, until two are left: these settle. "Best" is the depth with the highest mean at the end of all
its trainings; "lacks" is what the better of the two that settle has less than it, in points;
"epochs" are those of exploration, and 100 % is one whole training of each depth.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from dataclasses import dataclass
from math import ceil

import numpy as np
from rates import HERE

from archdsl.verdict.results import Floats

Curves = list[Floats]  # of each budget: (depths, seeds, epochs)


@dataclass(frozen=True)
class Plan:
    """So many seeds of each depth, and looks after these shares of all epochs."""

    seeds: int
    looks: tuple[float, ...] = (1.0,)

    @property
    def name(self) -> str:
        if self.looks == (1.0,):
            return f"{self.seeds} | at the end"
        return f"{self.seeds} | {', '.join(f'{look:.0%}' for look in self.looks)}"


THIRDS, LATE, FIRST = (1 / 3, 2 / 3, 1.0), (0.8, 1.0), (1 / 3, 1.0)
PLANS = (
    Plan(1), Plan(2), Plan(4), Plan(1, THIRDS), Plan(2, THIRDS), Plan(4, THIRDS), Plan(3, FIRST),
    Plan(1, LATE), Plan(2, LATE),
)  # fmt: skip


def recorded(name: str) -> Curves:
    """The curves of a table, as many seeds of each depth."""
    found: defaultdict[tuple[str, int], list[list[float]]] = defaultdict(list)
    with (HERE / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            place = row["budget"], int(row["shape"].split("= ")[1])
            found[place].append([float(x) for x in row["curve"].split()])
    return stacked(found)


def stacked(found: dict[tuple[str, int], list[list[float]]]) -> Curves:
    least = min(map(len, found.values()))
    budgets = sorted({budget for budget, _ in found})
    return [
        np.array([found[place][:least] for place in sorted(found) if place[0] == budget])
        for budget in budgets
    ]


def contenders(scores: Floats, alive: list[int], deep: int, count: int) -> list[int]:
    """The best of those that are alive, the best of the other half, and the best of the rest;
    depths from ``deep`` on are the deep ones."""
    order = sorted(alive, key=lambda i: -scores[i])
    other = [i for i in order if (i >= deep) != (order[0] >= deep)][:1]
    rest = [i for i in order[1:] if i not in other]
    return [order[0], *other, *rest][:count]


def study(curves: Floats, plan: Plan, rng: np.random.Generator) -> tuple[list[int], int]:
    """The two depths that settle, and the epochs that it took."""
    depths, seeds, epochs = curves.shape
    drawn = np.array([rng.permutation(seeds)[: plan.seeds] for _ in range(depths)])
    alive, taken, before = list(range(depths)), 0, 0
    for look in plan.looks:
        at = ceil(look * epochs - 1e-9)
        taken += len(alive) * plan.seeds * (at - before)
        before = at
        scores = np.array([curves[i, drawn[i], at - 1].mean() for i in range(depths)])
        count = 2 if at == epochs else max(2, ceil(len(alive) / 2))
        alive = contenders(scores, alive, ceil(depths / 2), count)
        if len(alive) == 2:
            break
    return alive, taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=4000, help="of each row (default: 4000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tables = {name: recorded(name) for name in ("small", "tuned")}
    print(
        "| table | seeds | looks | epochs | the best settles | the best of both halves do | lacks |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, budgets in tables.items():
        for plan in PLANS:
            rng = np.random.default_rng(options.seed)
            found = []
            for place in rng.integers(len(budgets), size=options.studies):
                curves = budgets[place]
                truth, deep = curves[:, :, -1].mean(axis=1), ceil(len(curves) / 2)
                settled, taken = study(curves, plan, rng)
                lack = truth.max() - truth[settled].max()
                halves = truth[:deep].argmax(), deep + truth[deep:].argmax()
                both = all(i in settled for i in halves)
                share = taken / (len(curves) * curves.shape[2])
                found.append((share, lack == 0, both, 100 * lack))
            share, best, both, lack = np.mean(found, axis=0)
            print(f"| {name} | {plan.name} | {share:.0%} | {best:.1%} | {both:.1%} | {lack:.2f} |")


if __name__ == "__main__":
    main()
