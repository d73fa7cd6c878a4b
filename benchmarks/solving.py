"""Solving for a budget, against the ways to keep one that Optuna offers.

python benchmarks/solving.py [--repeats N] [--trials N] [--real]

The question is the same for all: the best network of Wide ResNet's (depth, width) space within a
budget of MACs. Solving proposes a depth, of those that can meet the budget, and works out the
width, as a search does. The others propose both, and know the MACs as well (from the same static
analysis, for nothing): Optuna's constraints train what is over the budget and mark it; penalties
train it and take points off; pruning ends the trial before it is trained, and the sampler goes
on. All have TPE, the same seeds and the same number of trained epochs. Without ``--real`` the
accuracy is a formula with noise, and the regret is known exactly; with it, networks are trained
on digits, and the regret is against the best that any of them found, each answer trained anew on
three fresh seeds.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from math import log2
from pathlib import Path

import optuna

import archdsl
from archdsl.diagnostics.source import Source
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.space import Space, space_of
from archdsl.spec import Architecture
from archdsl.training.data import load
from archdsl.training.loop import train_candidate

SEARCH = """
search bench
spec wide_resnet
vary depth in {depths}
hold macs = {budget} within 5% by width
data digits
train epochs = 4, batch = 64, lr = 0.1, schedule = one_cycle
trials 1
"""
NOISE = 0.004  # the standard deviation of a formula's accuracy
OVER = 1.05  # a network may cost so much of the budget
FRESH = (1001, 1002, 1003)


@dataclass(frozen=True)
class Tried:
    """A network that was proposed: whether it is within the budget, and its score if known."""

    arch: Architecture
    within: bool
    score: float | None


@dataclass
class Problem:
    """A space, a budget, and what a network scores."""

    depths: tuple[int, ...]
    widest: float
    budget: float
    space: Space

    def score(self, arch: Architecture, seed: int) -> float:
        raise NotImplementedError

    def truth(self, arch: Architecture) -> float:
        raise NotImplementedError

    @cached_property
    def solved(self) -> dict[int, Architecture]:
        """The network of each depth that can meet the budget, as a search surveys them."""
        (reach,) = survey(self.space)
        return {c.shape.knobs["depth"]: c.arch for c in reach.candidates or ()}

    def within(self, arch: Architecture) -> bool:
        return arch.macs <= OVER * self.budget

    def at(self, depth: int, width: float) -> Architecture:
        return self.space.search.spec.candidate(
            {**self.space.fixed, "depth": depth, "width": width}, self.space.input
        )


class Formula(Problem):
    """More MACs help, less and less; at each budget there is a best depth."""

    def truth(self, arch: Architecture) -> float:
        more = 0.08 * (arch.macs / self.budget) ** -0.4
        return 0.98 - more - 0.01 * log2(arch.depth / 20) ** 2

    def score(self, arch: Architecture, seed: int) -> float:
        return self.truth(arch) + random.Random(f"{arch.hash} {seed}").gauss(0, NOISE)

    @cached_property
    def best(self) -> float:
        """Of all networks within the budget."""
        steps = int(self.widest * 64)
        all_of_them = (self.at(d, w / 64) for d in self.depths for w in range(16, steps + 1))
        return max(self.truth(a) for a in all_of_them if self.within(a))


@dataclass
class Trained(Problem):
    """Accuracy on digits, after a few epochs."""

    known: dict[tuple[str, int], float] = field(default_factory=dict)

    def score(self, arch: Architecture, seed: int) -> float:
        key = arch.hash, seed
        if key not in self.known:
            recipe, splits = self.space.search.recipe, load(self.space.search.data, Path())
            self.known[key] = train_candidate(arch, splits, recipe, seed)[1].accuracy
        return self.known[key]

    def truth(self, arch: Architecture) -> float:
        return statistics.mean(self.score(arch, seed) for seed in FRESH)


def problem(real: bool) -> Problem:
    depths, budget, widest = ((10, 16, 22, 28), 600_000, 2.0) if real else (
        tuple(range(10, 53, 6)), 1_250_000, 2.0)  # fmt: skip
    listed = "{" + ", ".join(map(str, depths)) + "}"
    text = SEARCH.format(depths=listed, budget=budget)
    space = space_of(read_search(Source("bench.search", text), Path()), Path())
    return (Trained if real else Formula)(depths, widest, budget, space)


# --------------------------------------------------------------------------- the ways

Way = Callable[[Problem, optuna.Trial, int], tuple[Tried, float]]


def solving(problem: Problem, trial: optuna.Trial, seed: int) -> tuple[Tried, float]:
    arch = problem.solved[trial.suggest_categorical("depth", list(problem.solved))]
    score = problem.score(arch, seed)
    return Tried(arch, problem.within(arch), score), score


def proposed(problem: Problem, trial: optuna.Trial) -> Architecture:
    depth = trial.suggest_categorical("depth", problem.depths)
    return problem.at(depth, trial.suggest_float("width", 0.25, problem.widest, step=1 / 64))


def constraints(problem: Problem, trial: optuna.Trial, seed: int) -> tuple[Tried, float]:
    arch = proposed(problem, trial)
    trial.set_constraint("macs", arch.macs / problem.budget - OVER)
    score = problem.score(arch, seed)
    return Tried(arch, problem.within(arch), score), score


def penalties(problem: Problem, trial: optuna.Trial, seed: int) -> tuple[Tried, float]:
    arch = proposed(problem, trial)
    score = problem.score(arch, seed)
    over = max(0.0, arch.macs / problem.budget - OVER)
    return Tried(arch, problem.within(arch), score), score - over


def pruning(problem: Problem, trial: optuna.Trial, seed: int) -> tuple[Tried, float]:
    arch = proposed(problem, trial)
    if not problem.within(arch):
        trial.set_user_attr("tried", Tried(arch, False, None))
        raise optuna.TrialPruned
    score = problem.score(arch, seed)
    return Tried(arch, True, score), score


WAYS: dict[str, Way] = {
    "solving": solving,
    "constraints": constraints,
    "penalties": penalties,
    "pruning": pruning,
}


def search(problem: Problem, way: Way, trials: int, seed: int) -> list[Tried]:
    """All that was proposed until so many networks had been trained."""
    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=8)
    )
    found: list[Tried] = []

    def objective(trial: optuna.Trial) -> float:
        tried, value = way(problem, trial, seed)
        found.append(tried)
        return value

    for _ in range(20 * trials):
        if sum(t.score is not None for t in found) == trials:
            break
        trial = study.ask()
        try:
            value = objective(trial)
        except optuna.TrialPruned:
            found.append(trial.user_attrs["tried"])
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, value)
    return found


def answers(found: list[Tried]) -> Iterator[Architecture]:
    """The network that a search would hand over, if any."""
    within = [(t.score, t.arch) for t in found if t.within and t.score is not None]
    if within:
        yield max(within, key=lambda pair: pair[0])[1]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=16)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--real", action="store_true")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    asked = problem(given.real)
    truths: dict[str, list[float]] = {}
    infeasible: dict[str, list[float]] = {}
    for name, way in WAYS.items():
        for seed in range(given.repeats):
            found = search(asked, way, given.trials, seed)
            share = sum(not t.within for t in found) / len(found)
            infeasible.setdefault(name, []).append(share)
            truths.setdefault(name, []).extend(asked.truth(a) for a in answers(found))
        print(f"  {name} done", flush=True)
    everything = [t for many in truths.values() for t in many]
    best = asked.best if isinstance(asked, Formula) else max(everything)
    kind = "trained on digits" if given.real else "a formula with noise"
    print(
        f"archdsl {archdsl.__version__}: {kind}, {given.repeats} searches of {given.trials} trials"
    )
    for name in WAYS:
        regrets = [best - t for t in truths[name]]
        print(
            f"{name:12} infeasible {statistics.mean(infeasible[name]):6.1%}"
            f"   regret {statistics.mean(regrets):.4f} (most {max(regrets):.4f})"
        )


if __name__ == "__main__":
    main()
