"""What is claimed falsely, and found, where trainings collapse now and then, and where none does.

python benchmarks/collapses.py [--studies N] [--seed N] [--only WORLD ...] [--seeds N ...]
                               [--explored N ...] [--again N] [--far N]

Whole studies of three budgets, from exploration to the verdict, by scores alone: each network is
explored with one or two seeds, and two shapes settle at each budget. With --again, the network that
ended worst at each budget is explored with so many more seeds. The trainings are those of
table/small.csv, some of which collapse, those of fashion.csv and rates.csv at the best rate of each
network, or normal numbers. The quantiles of a network's trainings make a curve, so that no training
is drawn twice; with "once", those of the table are drawn, each once in a study. "False" is any
claim where all networks are moved to one mean, "at a budget" and "on average" are what is found
where none is moved; before the comma as it would be if no collapse were looked for.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from pathlib import Path

import numpy as np
from rates import LONG, TABLES, read

from archdsl.verdict import Question, Result, judge
from archdsl.verdict import collapses as rule
from archdsl.verdict.model import DEEPER, WIDER
from archdsl.verdict.results import Floats

Draw = Callable[[np.random.Generator, int], Floats]
World = Mapping[tuple[int, int], Draw]  # by budget and depth
MIDDLE = 0.5  # to which means are moved


def quantiles(scores: list[float]) -> Draw:
    """Draws from the curve through the quantiles of these, which ends half a step beyond them."""
    known = np.sort(scores)
    ends = known[0] - (known[1] - known[0]) / 2, known[-1] + (known[-1] - known[-2]) / 2
    values = np.concatenate([[ends[0]], known, [ends[1]]])
    places = np.concatenate([[0], (np.arange(len(known)) + 0.5) / len(known), [1]])
    return lambda rng, count: np.interp(rng.random(count), places, values)


def once(scores: list[float]) -> Draw:
    return lambda rng, count: rng.choice(scores, count, replace=False)


def small(draws: Callable[[list[float]], Draw] = quantiles) -> World:
    found: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    path = Path(__file__).parent / "table" / "small.csv"
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            found[row["budget"], int(row["shape"].split("= ")[1])].append(float(row["accuracy"]))
    budgets = ["70K macs", "140K macs", "280K macs"]
    return {(budgets.index(b), depth): draws(scores) for (b, depth), scores in found.items()}


def tuned(name: str) -> World:
    best: dict[tuple[int, int], list[float]] = {}
    for (budget, depth, _, epochs), trained in read(TABLES[name]).items():
        scores = [t.merit for t in trained] if epochs == LONG else []
        if scores and np.mean(scores) > np.mean(best.get((budget, depth), [-inf])):
            best[budget, depth] = scores
    return {cell: quantiles(scores) for cell, scores in best.items()}


WIDE = 3  # of these five depths, up to the middle one, as the verdict parts them


def normal(spread: Callable[[int, int], float]) -> World:
    """A network of the deep half is better by two points, of which the spread of most is one."""

    def draw(budget: int, depth: int) -> Draw:
        return lambda rng, n: (
            MIDDLE + 0.01 * (2 * (depth > WIDE) + spread(budget, depth) * rng.standard_normal(n))
        )

    return {(b, depth): draw(b, depth) for b in range(3) for depth in (1, 2, 3, 5, 8)}


WORLDS: dict[str, Callable[[], World]] = {
    "`small.csv`": small,
    "`small.csv`, once": lambda: small(once),
    "`fashion.csv`": lambda: tuned("fashion"),
    "`rates.csv`": lambda: tuned("digits"),
    "normal": lambda: normal(lambda b, d: 1),
    "normal, deep ones 3 times as large": lambda: normal(lambda b, d: 3 if d > WIDE else 1),
    "normal, one arm 4 times as large": lambda: normal(lambda b, d: 4 if b < 1 and d > WIDE else 1),
}


def study(
    world: World, rng: np.random.Generator, explored: int, seeds: int, again: int = 0
) -> list[Result]:
    """``again``: seeds with which the worst network of each budget is explored beside the rest."""
    drawn = {cell: draw(rng, explored + seeds + again) for cell, draw in world.items()}
    first = {cell: scores[:explored].mean() for cell, scores in drawn.items()}
    worst = {min((c for c in world if c[0] == b), key=first.__getitem__) for b, _ in world}
    found = []
    for (budget, depth), scores in drawn.items():
        where = (f"{budget}", 1.0 + budget, f"{depth}", float(depth), 1.0)
        last = len(scores) if (budget, depth) in worst else explored + seeds
        for k, score in enumerate(scores[:last].tolist()):
            found.append(Result(*where, k, score, settled=explored <= k < explored + seeds))
    return found


def moved(results: list[Result], means: Mapping[tuple[int, int], float]) -> list[Result]:
    return [
        replace(r, score=(r.score or 0.0) - means[int(r.slice), int(r.shape)] + MIDDLE)
        for r in results
    ]


def said(results: list[Result], far: float) -> tuple[list[bool], bool, bool]:
    """What is claimed at each budget, on average, and whether a collapse was seen."""
    rule.FAR = far
    found = judge(results, Question(), resamples=0)
    assert found.average is not None
    parts = [part.word in (DEEPER, WIDER) for part in found.slices]
    return parts, found.average.word in (DEEPER, WIDER), found.collapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000, help="of each row (default: 1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", type=int, help="worlds by their places")
    parser.add_argument("--seeds", nargs="+", type=int, default=[3, 5, 10])
    parser.add_argument("--explored", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--again", type=int, default=0, help="more seeds of the worst networks")
    parser.add_argument("--far", type=float, default=rule.FAR, help="medians (default: the rule's)")
    options = parser.parse_args()
    far, again = options.far, options.again
    titles = ("trainings", "explored", "seeds", "seen", "false", "at a budget", "on average")
    print("|", " | ".join(titles), "|")
    print(f"|{' --- |' * len(titles)}")
    for number, (name, made) in enumerate(WORLDS.items()):
        if options.only and number not in options.only:
            continue
        world, rng = made(), np.random.default_rng(options.seed)
        many = 24 if "once" in name else 20_000
        means = {cell: float(draw(rng, many).mean()) for cell, draw in world.items()}
        for explored in options.explored:
            for seeds in options.seeds:
                shares = []
                drawn = [study(world, rng, explored, seeds, again) for _ in range(options.studies)]
                for limit in (inf, far):
                    same = [said(moved(results, means), limit) for results in drawn]
                    real = [said(results, limit) for results in drawn]
                    shares.append(
                        [
                            np.mean([whole or any(parts) for parts, whole, _ in same]),
                            np.mean([np.mean(parts) for parts, *_ in real]),
                            np.mean([whole for _, whole, _ in real]),
                        ]
                    )
                seen = float(np.mean([collapsed for *_, collapsed in same]))
                told = [f"{a:.1%}, {b:.1%}" for a, b in zip(*shares, strict=True)]
                times = f"{explored}, the worst {explored + again}" if again else explored
                of = (name, times, seeds, f"{seen:.0%}", *told)
                print("|", " | ".join(map(str, of)), "|", flush=True)


if __name__ == "__main__":
    main()
