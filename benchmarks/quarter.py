"""What an answer costs where the learning rate is tuned too: whole studies at an equal error.

python benchmarks/quarter.py [--table digits|fashion] [--studies N] [--seed N]

Studies draw from the trainings of a table (see rates.py) with replacement, so that the table is the
truth, and what a rate makes of a network is part of it. Between two rates of the table, seeds have
either.

The first row is what search/wide_or_deep.search did in the beginning: four whole trainings of every
network at rates that are drawn, the best single one of each, two shapes at every budget on ten
fresh seeds of validation accuracy. The second is the same at the level that keeps its false claims
at 5 %. The others take shapes and rates from one curve through all trainings, and are judged on all
held-out data with the log-loss and what the tuning leaves; "short" trainings have half of the
epochs, or less (see rates.py). Where nothing differs, all shapes of a budget are one network.

An answer is found at a budget, or on average over them; it is wrong where it names the shape that
is behind when both are tuned. Beside each share stand the ends of its interval (Wilson, 95 %).
"""

from __future__ import annotations

import argparse
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from rates import LONG, TABLES, Cell, Table, Training, read

from archdsl.search.settling import is_open
from archdsl.verdict import Question, Result, judge, to_settle
from archdsl.verdict.answer import Verdict
from archdsl.verdict.contrast import LEAST
from archdsl.verdict.looks import planned
from archdsl.verdict.model import DEEPER, WIDER, SliceVerdict

ERROR = 0.05
Networks = Mapping[tuple[int, int], int]  # the depth of each network, by budget and place


@dataclass(frozen=True)
class Plan:
    """How a study goes: so many trainings of each network, whole or short; fresh seeds at these
    looks; ``single``: the best single training chooses, and accuracies are judged alone."""

    tries: float
    whole: bool
    looks: tuple[int, ...]
    single: bool = False

    @property
    def name(self) -> str:
        most = f"{self.looks[0]}..{self.looks[-1]}" if len(self.looks) > 1 else f"{self.looks[0]}"
        how = "best single one" if self.single else "one curve"
        return f"{self.tries:.3g} {'whole' if self.whole else 'short'}, {how} | {most}"


PLANS = (
    Plan(4, True, (10,), single=True),
    Plan(4, True, (10,)),
    Plan(4, True, planned(3, 10)),
    Plan(2, False, (10,)),
    Plan(2, False, (5,)),
    Plan(2, False, (4,)),
    Plan(2, False, (3,)),
    Plan(1.5, False, (3,)),
    Plan(4, False, (3,)),
    Plan(4, False, (5,)),
    Plan(8, False, (4,)),
    Plan(8, False, (10,)),
    Plan(2, True, (10,)),
    Plan(2, True, (4,)),
    Plan(1.5, True, (3,)),
    Plan(4 / 3, True, (3,)),
    Plan(4 / 3, True, (2,)),
    Plan(1, True, (3,)),
    Plan(0.8, True, (3,)),
)


@dataclass(frozen=True)
class World:
    """The trainings there are, and what a network reaches at its best rate."""

    table: Table
    cells: Mapping[Cell, Sequence[Training]]
    best: Mapping[tuple[int, int], float]

    def draw(self, rng: np.random.Generator, *cell: int | float) -> Training:
        found = self.cells[cell]  # type: ignore[index]
        return found[rng.integers(len(found))]

    def near(self, rng: np.random.Generator, rate: float) -> float:
        """A rate of the table: between two of them either, the nearer one the more often, so that
        on average a network reaches what lies between."""
        rates = self.table.rates
        above = min(max(bisect_left(rates, rate), 1), len(rates) - 1)
        low, high = rates[above - 1], rates[above]
        share = (log(rate) - log(low)) / (log(high) - log(low))
        return high if rng.random() < share else low


@dataclass(frozen=True)
class Answer:
    said: Verdict
    arms: Mapping[int, Sequence[int]]  # at each budget, by their places
    epochs: int


def result(budget: int, place: int, seed: int, score: float, **more: object) -> Result:
    where = (f"{budget}", 1.0 + budget, f"{place}", float(place + 1), 1.0, seed, score)
    return Result(*where, **more)  # type: ignore[arg-type]


def turns(rng: np.random.Generator, names: Sequence[tuple[int, int]], count: int) -> list[int]:
    """The networks that are explored, by their places. Where they are more than the trainings, each
    budget begins with another shape, so that all of them have as many (see
    archdsl/search/plan.py)."""
    if count >= len(names):
        return [i for _ in range(count) for i in rng.permutation(len(names))][:count]
    budgets = sorted({budget for budget, _ in names})
    shapes = rng.permutation(len(names) // len(budgets)).tolist()
    share, rest = divmod(count, len(budgets))
    found = []
    for at, budget in enumerate(budgets):
        first = at * len(shapes) // len(budgets)
        mine = [*shapes[first:], *shapes[:first]][: share + (at < rest)]
        found += [names.index((budget, place)) for place in mine]
    return found


def explored(
    world: World, rng: np.random.Generator, networks: Networks, plan: Plan
) -> tuple[list[Result], dict[tuple[int, str, str], float]]:
    """The results of exploration, and the rate of each setting."""
    names, rates = list(networks), world.table.rates
    count = round(plan.tries * len(names))
    order = turns(rng, names, count)
    drawn = rng.choice(rates, count) if plan.single else rng.permutation(np.resize(rates, count))
    known, settings = [], {}
    for k, (at, rate) in enumerate(zip(order, drawn.tolist(), strict=True)):
        budget, place = names[at]
        setting = f"lr = {rate} ({k})"  # drawn rates are never twice the same
        settings[budget, f"{place}", setting] = rate
        epochs = LONG if plan.whole else world.table.short
        trained = world.draw(rng, budget, networks[budget, place], rate, epochs)
        tuned = () if plan.single else (log(rate),)
        known.append(result(budget, place, k, trained.accuracy, setting=setting, tuned=tuned))
    return known, settings


def fresh(budget: int, place: int, seed: int, setting: str, t: Training, single: bool) -> Result:
    more: dict[str, object] = {"settled": True, "setting": setting}
    if single:
        return result(budget, place, seed, t.accuracy, **more)
    right, losses = np.concatenate([t.right, t.test]), np.concatenate([t.losses, t.test_losses])
    more |= {"examples": right, "losses": losses, "loss": float(losses.mean())}
    more |= {"test": float(t.test.mean()), "test_loss": float(t.test_losses.mean())}
    return result(budget, place, seed, float(right.mean()), **more)


def study(world: World, rng: np.random.Generator, networks: Networks, plan: Plan) -> Answer:
    looks = plan.looks if len(plan.looks) > 1 else ()
    question = Question(looks=looks) if plan.single else Question(both=True, looks=looks)
    known, settings = explored(world, rng, networks, plan)
    epochs = len(known) * (LONG if plan.whole else world.table.short)
    short = () if plan.whole else tuple(known)
    arms: dict[int, list[int]] = {}
    rates: dict[tuple[int, int], tuple[str, float]] = {}
    for name, chosen in to_settle(known, question).items():
        budget = int(name)
        arms[budget] = [int(e.arm.shape) for e in chosen]
        for e, place in zip(chosen, arms[budget], strict=True):
            rate = exp(e.tuned[0]) if e.tuned else settings[budget, e.arm.shape, e.arm.setting]
            setting = f"lr = {exp(e.tuned[0]):.4g}" if e.tuned else e.arm.setting
            rates[budget, place] = setting, rate
    counts = dict.fromkeys(arms, 0)
    for look in plan.looks:
        for (budget, place), (setting, rate) in rates.items():
            for k in range(max(counts[budget], 0), look if counts[budget] >= 0 else 0):
                near = world.near(rng, rate)
                t = world.draw(rng, budget, networks[budget, place], near, LONG)
                known.append(fresh(budget, place, 1000 + k, setting, t, plan.single))
                epochs += LONG
        said = judge(known, question, resamples=0, short=short)
        still = {int(part.slice) for part in said.slices if is_open(part)}
        counts = {b: look if n >= 0 and b in still else -1 for b, n in counts.items()}
    return Answer(said, arms, epochs)


def claims(said: Verdict, by_level: bool) -> list[float]:
    """The p-values of each budget and of the average, below 0 where the wide shape is ahead; where
    the words decide, the least one for what is claimed, and 1 for the rest."""
    found: list[float] = []
    for part in (*said.slices, said.average):
        known = part.contrast if isinstance(part, SliceVerdict) else part
        if part is None or known is None:
            found.append(1.0)
        elif by_level:
            found.append(float(np.copysign(known.corrected, known.difference)))
        else:
            found.append({DEEPER: LEAST, WIDER: -LEAST}.get(part.word, 1.0))
    return found


def truth(world: World, arms: Mapping[int, Sequence[int]], networks: Networks) -> list[float]:
    """What the deep shapes have more at every budget, each at its best rate, and on average over
    those where two settled; elsewhere it is 0."""
    best = {(b, place): world.best[b, depth] for (b, place), depth in networks.items()}
    pairs = {budget: sorted(pair) for budget, pair in arms.items() if len(pair) > 1}
    gaps = {b: best[b, deep] - best[b, wide] for b, (wide, deep) in pairs.items()}
    each = [gaps.get(b, 0.0) for b in range(len(world.table.budgets))]
    return [*each, float(np.mean(list(gaps.values()))) if gaps else 0.0]


def share(hits: Sequence[bool] | np.ndarray, count: int) -> str:
    """A share with its interval; ``count`` are the studies, of which each is one draw."""
    p, z = float(np.mean(hits)), 1.96
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    reach = z / (1 + z * z / count) * sqrt(p * (1 - p) / count + z * z / (4 * count * count))
    return f"{p:.1%} ({100 * (middle - reach):.1f} to {100 * (middle + reach):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", choices=tuple(TABLES), default="digits")
    parser.add_argument("--studies", type=int, default=1000, help="of each row (default: 1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", type=int, help="plans by their places")
    options = parser.parse_args()
    table = TABLES[options.table]
    cells = read(table)
    means: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for (budget, depth, _, epochs), trained in cells.items():
        if epochs == LONG:
            means[budget, depth].append(float(np.mean([t.merit for t in trained])))
    world = World(table, cells, {place: max(found) for place, found in means.items()})
    budgets = range(len(table.budgets))
    real = {(b, place): d for b in budgets for place, d in enumerate(table.depths)}
    titles = ("explored, of each network", "seeds", "level", "at a budget", "on average", "wrong")
    print("|", " | ".join((*titles, "nothing differs", "epochs")), "|")
    print(f"| {'--- | ' * (len(titles) + 2)}")
    cost = 4 * len(real) + 2 * 10 * len(budgets)  # whole trainings
    for number, plan in enumerate(PLANS):
        if options.only and number not in options.only:
            continue
        rng = np.random.default_rng([options.seed, number])
        found, same = [], []
        for _ in range(options.studies):
            depth = int(rng.choice(table.depths))
            same.append(
                claims(study(world, rng, dict.fromkeys(real, depth), plan).said, plan.single)
            )
            answer = study(world, rng, real, plan)
            gaps = truth(world, answer.arms, real)
            found.append((claims(answer.said, plan.single), gaps, answer.epochs))
        taken = float(np.mean([epochs for *_, epochs in found])) / (cost * LONG)
        levels = [ERROR]
        if plan.single:  # the level at which the false claims of all are 5 %
            levels.append(float(np.quantile([min(abs(p) for p in ps) for ps in same], ERROR)))
        for level in levels:
            told = np.array([[abs(p) < level for p in ps] for ps, *_ in found])
            wrong = [
                any(abs(p) < level and (p > 0) != (gap > 0) for p, gap in zip(*each, strict=True))
                for *each, _ in found
            ]
            false = [any(abs(p) < level for p in ps) for ps in same]
            shares = (told[:, :-1].mean(axis=1), told[:, -1], wrong, false)
            row = [f"{level:.2g}", *(share(s, options.studies) for s in shares)]
            print(f"| {plan.name} | {' | '.join(row)} | {taken:.1%} |", flush=True)


if __name__ == "__main__":
    main()
