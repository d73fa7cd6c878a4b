"""How good the best network is that a sampler has found after so many trials.

python benchmarks/samplers.py [--seeds N] [--space NAME] [--only NAME ...] [--trials N ...]

Two spaces. That of benchmarks/table/small.csv has 15 networks (five depths, three budgets) with 24
trainings each. The other is simulated: 3^8 = 6,561 networks, eight layers of three operations,
made like NAS-Bench-Macro (arXiv:2103.11922). An operation has an effect of its own, those of
neighbouring layers one together, and a training has the luck of its seed. Every seed has a space
of its own, and all samplers see the same ones.

A sampler hands over the network with the best mean score of its trials. Its regret is what that
network lacks to the best one, over all trainings or without luck, in points of accuracy. Beside
the samplers of a search, as a search makes them, stand two that it does not have: regularised
evolution (arXiv:1802.01548) and local search (arXiv:2005.02960).
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import optuna

from archdsl.search import settings
from archdsl.search.recorded import grouped
from archdsl.search.samplers import SeededSampler
from archdsl.training.settings import Setting
from archdsl.verdict.table_files import rows_of_file

Member = tuple[int, ...]
TABLE = Path(__file__).parent / "table" / "small.csv"
LAYERS, OPERATIONS = 8, 3
SPREAD, LUCK = 1.0, 0.3  # points: standard deviations over networks, and over seeds of one


@dataclass(frozen=True)
class Space:
    """``means`` has a member's true score at its place, in points; ``train`` gives one training."""

    means: npt.NDArray[np.float64]
    train: Callable[[Member], float]

    def regret(self, member: Member) -> float:
        return float(self.means.max() - self.means[member])


def recorded() -> Callable[[int], Space]:
    """Depth and budget of the table; a training is one of the 24 recorded, drawn anew."""
    table = grouped(rows_of_file(TABLE))
    budgets = sorted({place[1] for place in table})
    depths = sorted({place[0] for place in table}, key=lambda s: int(s.split("=")[1]))
    places = [[next(p for p in table if p[:2] == (d, b)) for b in budgets] for d in depths]
    scores = np.array(
        [[[100 * r.scores["accuracy"] for r in table[p]] for p in row] for row in places]
    )

    def of(seed: int) -> Space:
        rng = np.random.default_rng(seed)
        return Space(scores.mean(axis=2), lambda member: float(rng.choice(scores[member])))

    return of


def simulated(seed: int) -> Space:
    """6,561 networks. A later operation tends to be better, as a larger one is."""
    rng = np.random.default_rng(seed)
    members = np.indices((OPERATIONS,) * LAYERS)
    effects = rng.normal(size=(LAYERS, OPERATIONS)) + 0.5 * np.arange(OPERATIONS)
    pairs = 0.7 * rng.normal(size=(LAYERS - 1, OPERATIONS, OPERATIONS))
    means = sum(effects[i][members[i]] for i in range(LAYERS))
    means = means + sum(pairs[i][members[i], members[i + 1]] for i in range(LAYERS - 1))
    means = SPREAD * (means - means.mean()) / means.std()
    return Space(means, lambda member: float(means[member] + LUCK * rng.normal()))


class Sampler(Protocol):
    """Draws members, and is told their scores."""

    def ask(self) -> Member: ...
    def tell(self, score: float) -> None: ...


class Drawn:
    """A sampler of a search. The values of a place are kinds, or ``ordered`` numbers."""

    def __init__(self, setting: Setting, sizes: Sequence[int], seed: int, ordered: bool) -> None:
        storage = optuna.storages.InMemoryStorage()
        sampler = SeededSampler(setting, seed, storage)
        self.study = optuna.create_study(storage=storage, direction="maximize", sampler=sampler)
        self.sizes, self.ordered = sizes, ordered

    def ask(self) -> Member:
        self.trial = self.study.ask()
        if self.ordered:
            return tuple(self.trial.suggest_int(str(i), 0, n - 1) for i, n in enumerate(self.sizes))
        return tuple(
            self.trial.suggest_categorical(str(i), range(n)) for i, n in enumerate(self.sizes)
        )

    def tell(self, score: float) -> None:
        self.study.tell(self.trial, score)


class Evolution:
    """Regularised evolution: the best of a few of the youngest has a child with one change."""

    def __init__(self, sizes: Sequence[int], seed: int, population: int = 20, few: int = 5) -> None:
        self.sizes, self.rng = sizes, random.Random(seed)
        self.population, self.few = population, few
        self.known: list[tuple[float, Member]] = []

    def ask(self) -> Member:
        if len(self.known) < self.population:
            self.member = tuple(self.rng.randrange(n) for n in self.sizes)
        else:
            young = self.rng.sample(self.known[-self.population :], self.few)
            self.member = self.rng.choice(neighbours(max(young)[1], self.sizes))
        return self.member

    def tell(self, score: float) -> None:
        self.known.append((score, self.member))


class Local:
    """Local search: goes to a neighbour that is better, and begins anew where there is none."""

    def __init__(self, sizes: Sequence[int], seed: int) -> None:
        self.sizes, self.rng = sizes, random.Random(seed)
        self.best = -np.inf
        self.waiting: list[Member] = []

    def ask(self) -> Member:
        if not self.waiting:
            self.best = -np.inf
            self.waiting = [tuple(self.rng.randrange(n) for n in self.sizes)]
        self.member = self.waiting.pop()
        return self.member

    def tell(self, score: float) -> None:
        if score > self.best:
            self.best, self.waiting = score, neighbours(self.member, self.sizes)
            self.rng.shuffle(self.waiting)


def neighbours(member: Member, sizes: Sequence[int]) -> list[Member]:
    """The members that differ in one place."""
    return [
        (*member[:i], value, *member[i + 1 :])
        for i, n in enumerate(sizes)
        for value in range(n)
        if value != member[i]
    ]


Maker = Callable[[Sequence[int], int], Sampler]


def drawn(setting: Setting, ordered: bool = False) -> Maker:
    return lambda sizes, seed: Drawn(setting, sizes, seed, ordered)


MAKERS: dict[str, Maker] = {
    "random": drawn(settings.RandomSampling()),
    "tpe": drawn(settings.Tpe()),
    "gp": drawn(settings.Gp()),
    "nsga2": drawn(settings.Nsga2()),
    "regularised evolution": Evolution,
    "local search": Local,
    "tpe, of numbers": drawn(settings.Tpe(), ordered=True),
    "gp, of numbers": drawn(settings.Gp(), ordered=True),
    "cma_es, of numbers": drawn(settings.CmaEs(), ordered=True),
}


def regrets(space: Space, sampler: Sampler, counts: Sequence[int]) -> list[float]:
    """The regret of what is handed over after each of these numbers of trials."""
    scores: defaultdict[Member, list[float]] = defaultdict(list)
    found = []
    for count in range(1, counts[-1] + 1):
        member = sampler.ask()
        score = space.train(member)
        sampler.tell(score)
        scores[member].append(score)
        if count in counts:
            best = max(scores, key=lambda m: sum(scores[m]) / len(scores[m]))
            found.append(space.regret(best))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50, help="of each row (default: 50)")
    parser.add_argument("--space", choices=("recorded", "simulated"), help="default: both")
    parser.add_argument("--only", nargs="+", default=list(MAKERS), choices=list(MAKERS))
    parser.add_argument("--trials", type=int, nargs="+", help="in place of those of the tables")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for title, spaces, usual in (
        (f"recorded, {TABLE.name}", recorded(), (5, 15, 30)),
        (f"simulated, {OPERATIONS**LAYERS:,} networks", simulated, (20, 50, 100)),
    ):
        if options.space and not title.startswith(options.space):
            continue
        counts = tuple(sorted(options.trials or usual))
        print(f"\n| {title} | {' | '.join(f'{n} trials' for n in counts)} |")
        print(f"| --- |{' --- |' * len(counts)}")
        for name in options.only:
            found = []
            for seed in range(options.seeds):
                space = spaces(seed)
                sampler = MAKERS[name](space.means.shape, seed)
                found.append(regrets(space, sampler, counts))
            means = np.mean(found, axis=0)
            errors = np.std(found, axis=0, ddof=1) / np.sqrt(options.seeds)
            cells = [f"{m:.2f} ± {e:.2f}" for m, e in zip(means, errors, strict=True)]
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
