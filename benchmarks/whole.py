"""What a whole study costs and finds, exploration included: replayed on recorded trainings.

python benchmarks/whole.py [--table small|tuned] [--studies N] [--seed N] [--only N ...]

A study varies three or more of the depths of a table at its three budgets, explores each
with so many of its trainings, settles the best wide and the best deep shape of every budget on
others, and is judged as any study is. All plans see the same studies. What a plan costs is a share
of the trainings of the first one, which is what search/wide_or_deep.search does: four trainings of
every network, ten fresh seeds of two shapes at each of three budgets, judged by accuracy alone.

An answer is found where a budget, or their average, has one; it is wrong where it names an arm that
is behind over all trainings of the table. Where nothing differs, the two arms of a budget are
halves of the trainings of one network, and any answer is a false one.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from archdsl.search.recorded import grouped
from archdsl.search.settling import is_open
from archdsl.training.examples import loss_of, packed, right_of
from archdsl.verdict import Question, Result, judge
from archdsl.verdict.answer import Verdict
from archdsl.verdict.looks import planned
from archdsl.verdict.model import DEEPER, WIDER
from archdsl.verdict.results import Floats
from archdsl.verdict.settled import choose_arms
from archdsl.verdict.table_files import rows_of_file

TABLES = Path(__file__).parent / "table"
BUDGETS = 3
EXPLORED = 4  # trainings that no plan settles on


@dataclass(frozen=True)
class Training:
    """What is known of a training: accuracy, log-loss, and both of examples and of test data."""

    accuracy: float
    loss: float
    right: Floats
    losses: Floats
    test: Floats
    test_losses: Floats


Place = tuple[int, int]  # the place of the budget, and the depth
Table = dict[Place, list[Training]]


@dataclass(frozen=True)
class Plan:
    """How a study goes. ``explore`` trainings of each network, fresh seeds at these ``looks``;
    ``by`` is what is judged."""

    explore: int
    looks: tuple[int, ...]
    by: str

    @property
    def name(self) -> str:
        seeds = f"{self.looks[0]}..{self.looks[-1]}" if len(self.looks) > 1 else f"{self.looks[0]}"
        return f"{self.explore} | {seeds} | {self.by}"


SEEDS, VALIDATION = "accuracy, of seeds alone", "accuracy and log-loss, validation"
ALL, LOSS = "accuracy and log-loss, all held out", "log-loss, all held out"
PLANS = (
    Plan(4, (10,), SEEDS),
    Plan(4, (10,), VALIDATION),
    Plan(4, (10,), ALL),
    Plan(2, (10,), ALL),
    Plan(2, (8,), ALL),
    Plan(1, (8,), ALL),
    Plan(1, (7,), ALL),
    Plan(2, (5,), ALL),
    Plan(2, planned(3, 10), ALL),
    Plan(1, planned(3, 10), ALL),
    Plan(1, planned(3, 8), ALL),
    Plan(1, planned(3, 5), ALL),
    Plan(1, (3,), ALL),
    Plan(4, (10,), LOSS),
    Plan(1, (8,), LOSS),
    Plan(1, planned(3, 8), LOSS),
    Plan(1, planned(3, 5), LOSS),
    Plan(1, (3,), LOSS),
    Plan(1, (2,), LOSS),
)


def table(name: str) -> Table:
    found: Table = {}
    rows = grouped(rows_of_file(TABLES / f"{name}.csv"))
    budgets = sorted({place[1] for place in rows})
    for (shape, budget, _), trained in rows.items():
        place = budgets.index(budget), int(shape.split("=")[1])
        found[place] = [
            Training(
                r.scores["accuracy"],
                r.scores["loss"],
                right_of(packed(r.examples)),
                loss_of(packed(r.examples)),
                right_of(packed(r.test_examples)),
                loss_of(packed(r.test_examples)),
            )
            for r in trained
        ]
    return found


def result(budget: int, depth: int, seed: int, t: Training, settled: bool, by: str) -> Result:
    place = (f"{budget}", 1.0 + budget, f"{depth}", float(depth + 1), 1.0, seed)
    if not settled:
        return Result(*place, t.loss if by == LOSS else t.accuracy)
    if by == SEEDS:
        return Result(*place, t.accuracy, settled=True, test=float(t.test.mean()))
    right, losses = t.right, t.losses
    if by != VALIDATION:
        right, losses = np.concatenate([right, t.test]), np.concatenate([losses, t.test_losses])
    lost, lost_on_test = float(losses.mean()), float(t.test_losses.mean())
    if by == LOSS:
        return Result(*place, lost, settled=True, test=lost_on_test, examples=losses)
    found = Result(*place, float(right.mean()), settled=True, test=float(t.test.mean()))
    return replace(found, examples=right, loss=lost, losses=losses, test_loss=lost_on_test)


def question_of(plan: Plan) -> Question:
    looks = plan.looks if len(plan.looks) > 1 else ()
    if plan.by == LOSS:
        return Question(False, "loss", target=0.05, looks=looks)
    return Question(looks=looks)


def study(
    dealt: Table, plan: Plan, arms: dict[int, tuple[int, int]] | None = None
) -> tuple[Verdict, dict[int, tuple[int, int]], int]:
    """The verdict on trainings in this order, the arms of each budget, and the trainings that it
    took. Arms that are given are settled without exploration, on all trainings."""
    question, skip = question_of(plan), EXPLORED if arms is None else 0
    known = [
        result(*place, k, t, False, plan.by)
        for place, trained in dealt.items()
        for k, t in enumerate(trained[: plan.explore])
    ]
    if arms is None:
        chosen = choose_arms(known, question)
        arms = {int(name): (int(a.shape), int(b.shape)) for name, (a, b) in chosen.items()}
    counts, taken = dict.fromkeys(arms, 0), 0
    for look in plan.looks:
        for budget, count in counts.items():
            if count < 0:
                continue
            for depth in arms[budget]:
                fresh = dealt[budget, depth][skip + count : skip + look]
                taken += len(fresh)
                known += [
                    result(budget, depth, 100 + skip + count + k, t, True, plan.by)
                    for k, t in enumerate(fresh)
                ]
            counts[budget] = look
        said = judge(known, question, resamples=0)
        for part in said.slices:
            if not is_open(part):
                counts[int(part.slice)] = -1
        if all(count < 0 for count in counts.values()):
            break
    return said, arms, taken + plan.explore * len(dealt)


def halved(full: Table, rng: np.random.Generator) -> tuple[Table, dict[int, tuple[int, int]]]:
    """Two arms of each budget that are one network."""
    found: Table = {}
    for budget in range(BUDGETS):
        depths = [depth for place, depth in full if place == budget]
        trained = full[budget, int(rng.choice(depths))]
        order = rng.permutation(len(trained))
        for half in range(2):
            found[budget, half] = [trained[i] for i in order[half::2]]
    return found, dict.fromkeys(range(BUDGETS), (0, 1))


def words(said: Verdict) -> list[str]:
    return [part.word for part in said.slices] + ([said.average.word] if said.average else [])


def claimed(word: str) -> bool:
    return word in (DEEPER, WIDER)


def merit(trained: Sequence[Training], by: str) -> float:
    return float(np.mean([-t.loss if by == LOSS else t.accuracy for t in trained]))


def best_of(full: Table, budget: int, depths: Iterable[int], by: str) -> int:
    return max(depths, key=lambda depth: merit(full[budget, depth], by))


def truth(full: Table, arms: Mapping[int, tuple[int, int]], by: str) -> list[float]:
    """What the deep arm of each budget has more than the wide one, and on average."""
    gaps = []
    for budget, pair in sorted(arms.items()):
        wide, deep = sorted(pair)
        gaps.append(merit(full[budget, deep], by) - merit(full[budget, wide], by))
    return [*gaps, float(np.mean(gaps))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", choices=("small", "tuned"), default="tuned")
    parser.add_argument("--studies", type=int, default=400, help="of each row (default: 400)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", type=int, help="plans by their places")
    options = parser.parse_args()
    full, rng = table(options.table), np.random.default_rng(options.seed)
    depths = sorted({depth for _, depth in full})
    subsets = [s for n in range(3, len(depths) + 1) for s in combinations(depths, n)]
    worlds = []
    for _ in range(options.studies):
        subset: Sequence[int] = subsets[rng.integers(len(subsets))]
        dealt = {
            (budget, depth): [
                full[budget, depth][i] for i in rng.permutation(len(full[budget, depth]))
            ]
            for budget in range(BUDGETS)
            for depth in subset
        }
        worlds.append((dealt, *halved(full, rng)))
    titles = (
        "explored",
        "seeds",
        "judged by",
        "best settles",
        "at a budget",
        "wrong",
        "on average",
        "wrong",
        "nothing differs",
    )
    print("|", " | ".join((*titles, "trainings")), "|")
    print(f"| --- |{' --- |' * len(titles)}")
    base = 0.0
    for place, plan in enumerate(PLANS):
        if options.only and place not in options.only:
            continue
        found, wrong, false, cost, best = [], [], [], [], []
        for dealt, null, same in worlds:
            said, arms, taken = study(dealt, plan)
            told, gaps = words(said), truth(full, arms, plan.by)
            found.append([claimed(w) for w in told])
            wrong.append(
                [claimed(w) and (w == DEEPER) != (g > 0) for w, g in zip(told, gaps, strict=True)]
            )
            cost.append(taken)
            best += [best_of(full, b, {d for _, d in dealt}, plan.by) in a for b, a in arms.items()]
            false.append(any(map(claimed, words(study(null, plan, same)[0]))))
        base = base or float(np.mean(cost))
        right, bad = np.mean(found, axis=0), np.mean(wrong, axis=0)
        cells = [np.mean(best), right[:-1].mean(), bad[:-1].mean(), right[-1], bad[-1]]
        shown = [f"{cell:.1%}" for cell in [*cells, np.mean(false)]]
        print(f"| {plan.name} | {' | '.join(shown)} | {np.mean(cost) / base:.0%} |", flush=True)


if __name__ == "__main__":
    main()
