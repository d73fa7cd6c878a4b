"""What an answer costs where the learning rate is tuned too: whole studies at an equal error.

python benchmarks/quarter.py [--studies N] [--seed N] [--minutes N]

table/rates.csv has what it trained: the networks of table/rates.search at learning rates of their
own, for ten epochs and, as whole short trainings, for five; those at a rate of 0.2 are in
table/tuned.csv. A run with --minutes trains what is missing. Studies draw from them with
replacement, so that the table is the truth, and what a rate makes of a network is part of it.

The first row is what search/wide_or_deep.search did in the beginning: four whole trainings of every
network at rates that are drawn, the best single one of each, two shapes at every budget on ten
fresh seeds of validation accuracy. The second is the same at the level that keeps its false claims
at 5 %. The others explore by short trainings, take shapes and rates from one curve through all of
them, and are judged on all held-out data with the log-loss and what the tuning leaves. Where
nothing differs, both shapes of a budget are one network, tuned twice.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from math import exp, log
from pathlib import Path
from time import monotonic

import numpy as np

from archdsl.training.examples import loss_of, packed, right_of
from archdsl.verdict import Question, Result, judge, to_settle
from archdsl.verdict.answer import Verdict
from archdsl.verdict.contrast import LEAST
from archdsl.verdict.model import DEEPER, WIDER, SliceVerdict
from archdsl.verdict.results import Floats

HERE = Path(__file__).parent / "table"
COLUMNS = (
    "shape", "budget", "setting", "epochs", "seed", "accuracy", "loss", "test", "seconds", "curve",
    "examples", "test_examples",
)  # fmt: skip
BUDGETS = ("70K macs", "140K macs", "280K macs")
DEPTHS, RATES, LONG, SHORT = (1, 2, 3, 5), (0.1, 0.2, 0.4), 10, 5
SEEDS = {LONG: 12, SHORT: 2}  # that a table has at least, once it is complete

Cell = tuple[int, int, float, int]  # budget, depth, rate, epochs
Networks = Mapping[tuple[int, int], int]  # the depth of each network, by budget and place


@dataclass(frozen=True)
class Training:
    accuracy: float
    right: Floats
    losses: Floats
    test: Floats
    test_losses: Floats


def train(minutes: float) -> None:
    """Trains what the table lacks, until the time is up. One thread."""
    import torch

    from archdsl.files import SEARCH, read_source
    from archdsl.search.reach import survey
    from archdsl.search.reading import read_search
    from archdsl.search.space import space_of
    from archdsl.search.tuned import shortened, tuned
    from archdsl.training.data import load
    from archdsl.training.evaluate import examine
    from archdsl.training.loop import train_candidate

    torch.set_num_threads(1)
    source, folder = read_source(str(HERE / "rates.search"), SEARCH)
    assert folder is not None
    search = read_search(source, folder)
    splits, reaches = load(search.data, folder), survey(space_of(search, folder))
    with (HERE / "rates.csv").open(newline="", encoding="utf-8") as stream:
        known = {tuple(row[c] for c in COLUMNS[:5]) for row in csv.DictReader(stream)}
    end = monotonic() + 60 * minutes
    with (HERE / "rates.csv").open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        for epochs, seed, rate in product(SEEDS, range(1, max(SEEDS.values()) + 1), RATES):
            if seed > SEEDS[epochs] or (epochs == LONG and rate == 0.2):
                continue
            recipe = shortened(tuned(search.recipe, {"lr": rate}), epochs)
            for reach, candidate in ((r, c) for r in reaches for c in r.candidates or ()):
                place = (candidate.shape.text, reach.slice.name, f"lr = {rate}", f"{epochs}")
                if (*place, f"{seed}") in known or monotonic() > end:
                    continue
                module, found = train_candidate(candidate.arch, splits, recipe, seed)
                row = dict(zip(COLUMNS, (*place, f"{seed}"), strict=False))
                row |= {"accuracy": f"{found.accuracy:.9g}", "loss": f"{found.loss:.6g}"}
                row["seconds"] = f"{found.seconds:.3f}"
                row["curve"] = " ".join(f"{epoch.accuracy:.4f}" for epoch in found.epochs)
                if epochs == LONG:
                    device = torch.device("cpu")
                    test = examine(module, splits.test, splits, device, recipe)
                    row |= {"test": f"{test.means[0]:.9g}", "examples": found.examples}
                    row["test_examples"] = test.written()
                writer.writerow(row)
                stream.flush()


def table() -> dict[Cell, list[Training]]:
    found: defaultdict[Cell, list[Training]] = defaultdict(list)
    for name in ("tuned", "rates"):
        with (HERE / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                rate = float(row.get("setting", "lr = 0.2").split("= ")[1])
                place = BUDGETS.index(row["budget"]), int(row["shape"].split("= ")[1])
                cell = (*place, rate, int(row.get("epochs", LONG)))
                each: list[Floats] = [np.zeros(0)] * 4
                if row["examples"]:
                    of, test = packed(row["examples"]), packed(row["test_examples"])
                    each = [right_of(of), loss_of(of), right_of(test), loss_of(test)]
                found[cell].append(Training(float(row["accuracy"]), *each))
    return found


@dataclass(frozen=True)
class World:
    """The trainings there are, and what a network reaches at its best rate."""

    cells: Mapping[Cell, list[Training]]
    best: Mapping[tuple[int, int], float]

    def draw(self, rng: np.random.Generator, *cell: int | float) -> Training:
        found = self.cells[cell]  # type: ignore[index]
        return found[rng.integers(len(found))]


Answer = tuple[Verdict, dict[int, list[int]], float]  # with the arms, and the epochs it took


def result(budget: int, place: int, seed: int, score: float, **more: object) -> Result:
    where = (f"{budget}", 1.0 + budget, f"{place}", float(place + 1), 1.0, seed, score)
    return Result(*where, **more)  # type: ignore[arg-type]


def beginning(world: World, rng: np.random.Generator, networks: Networks) -> Answer:
    """A study as they were: the best single training, and ten seeds of the validation accuracy."""
    known, rates = [], {}
    for (budget, place), depth in networks.items():
        for k, rate in enumerate(rng.choice(RATES, 4)):
            setting = f"lr = {rate} ({k})"  # drawn rates are never twice the same
            rates[budget, place, setting] = float(rate)
            t = world.draw(rng, budget, depth, float(rate), LONG)
            known.append(result(budget, place, k, t.accuracy, setting=setting))
    epochs, arms = len(known) * LONG, {}
    for name, chosen in to_settle(known, Question()).items():
        budget = int(name)
        arms[budget] = [int(e.arm.shape) for e in chosen]
        for e, place in zip(chosen, arms[budget], strict=True):
            rate = rates[budget, place, e.arm.setting]
            for k in range(10):
                t = world.draw(rng, budget, networks[budget, place], rate, LONG)
                more = {"settled": True, "setting": e.arm.setting}
                known.append(result(budget, place, 100 + k, t.accuracy, **more))
                epochs += LONG
    return judge(known, Question(), resamples=0), arms, epochs


def short(tries: float, seeds: int) -> Callable[[World, np.random.Generator, Networks], Answer]:
    """Studies that explore by so many short trainings of each network, on average."""

    def study(world: World, rng: np.random.Generator, networks: Networks) -> Answer:
        names = list(networks)
        count = max(round(tries * len(names)), len(names) + 4)  # as a curve takes
        rates = rng.permutation(np.resize(RATES, count))
        order = [i for _ in range(count) for i in rng.permutation(len(names))][:count]
        known = []
        for k, (at, rate) in enumerate(zip(order, rates.tolist(), strict=True)):
            t = world.draw(rng, *names[at][:1], networks[names[at]], rate, SHORT)
            more = {"setting": f"lr = {rate} ({k})", "tuned": (log(rate),)}
            known.append(result(*names[at], k, t.accuracy, **more))
        epochs, arms, question = count * SHORT, {}, Question(both=True)
        for name, chosen in to_settle(known, question).items():
            budget = int(name)
            arms[budget] = [int(e.arm.shape) for e in chosen]
            for e, place in zip(chosen, arms[budget], strict=True):
                wanted = exp(e.tuned[0])
                rate = min(RATES, key=lambda r, wanted=wanted: abs(log(r / wanted)))
                for k in range(seeds):
                    t = world.draw(rng, budget, networks[budget, place], rate, LONG)
                    right = np.concatenate([t.right, t.test])
                    losses = np.concatenate([t.losses, t.test_losses])
                    more = {"settled": True, "setting": f"lr = {rate}", "examples": right,
                            "test": float(t.test.mean()), "loss": float(losses.mean()),
                            "losses": losses, "test_loss": float(t.test_losses.mean())}  # fmt: skip
                    known.append(result(budget, place, 1000 + k, float(right.mean()), **more))
                    epochs += LONG
        return judge(known, question, resamples=0), arms, epochs

    return study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200, help="of each row (default: 200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=0.0, help="of training first")
    options = parser.parse_args()
    if options.minutes:
        train(options.minutes)
    cells = table()
    means: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for (budget, depth, rate, epochs), trained in cells.items():
        if epochs == LONG and rate in RATES:
            both = [(t.right.mean() + t.test.mean()) / 2 for t in trained]
            means[budget, depth].append(float(np.mean(both)))
    world = World(cells, {place: max(found) for place, found in means.items()})
    titles = ("explored", "seeds", "level", "at a budget", "on average", "wrong")
    print("|", " | ".join((*titles, "nothing differs", "epochs")), "|")
    print(f"| {'--- | ' * (len(titles) + 2)}")
    real = {(b, d): d for b in range(len(BUDGETS)) for d in DEPTHS}
    first, whole = True, 0.0
    for name, study in (
        ("4 whole | 10", beginning),
        ("1.5 short | 3", short(1.5, 3)),
        ("2 short | 3", short(2, 3)),
        ("1.5 short | 4", short(1.5, 4)),
    ):
        rng = np.random.default_rng(options.seed)
        found, same = [], []
        for _ in range(options.studies):
            drawn = enumerate(rng.choice(DEPTHS, len(BUDGETS)).tolist())
            twice = {(b, place): d for b, d in drawn for place in (1, 2)}
            same.append(claims(study(world, rng, twice)[0], first))
            said, arms, epochs = study(world, rng, real)
            found.append((claims(said, first), truth(world, arms), epochs))
        cost = float(np.mean([epochs for *_, epochs in found]))
        whole = whole or cost
        levels = [0.05]
        if first:  # the level at which the false claims of all are as many as that of the others
            levels.append(float(np.quantile([min(abs(p) for p in ps) for ps in same], 0.05)))
        for level in levels:
            told = np.array([[abs(p) < level for p in ps] for ps, *_ in found])
            wrong = [
                any(
                    abs(p) < level and (p > 0) != (gap > 0) for p, gap in zip(ps, gaps, strict=True)
                )
                for ps, gaps, _ in found
            ]
            false = np.mean([any(abs(p) < level for p in ps) for ps in same])
            shares = [told[:, :-1].mean(), told[:, -1].mean(), np.mean(wrong), false]
            cells = [f"{level:.2g}", *(f"{share:.1%}" for share in shares)]
            print(f"| {name} | {' | '.join(cells)} | {cost / whole:.1%} |", flush=True)
        first = False


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
            p = {DEEPER: LEAST, WIDER: -LEAST}.get(part.word, 1.0)
            found.append(p)
    return found


def truth(world: World, arms: Mapping[int, list[int]]) -> list[float]:
    """What the deep shapes have more at every budget, each at its best rate, and on average."""
    pairs = [(budget, *sorted(pair)) for budget, pair in sorted(arms.items())]
    gaps = [world.best[b, deep] - world.best[b, wide] for b, wide, deep in pairs]
    return [*gaps, float(np.mean(gaps))]


if __name__ == "__main__":
    main()
