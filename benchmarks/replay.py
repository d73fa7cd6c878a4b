"""What a verdict costs with fixed seeds, with looks, and by the log-loss beside the accuracy, and
how often the best shapes settle: replayed on recorded trainings.

python benchmarks/replay.py [--studies N] [--seed N] [--table answers|settling]

The trainings are those of benchmarks/table/small.csv: five depths at three budgets, 24 seeds each.
A study compares two depths at one budget on fresh seeds: 10 or 20 of each, or 3 to 20 with looks.
Where nothing differs, both arms are halves of the trainings of one network: 10 of each, or 3 to 12.
An answer is against the table where it names the arm that is behind over all 24 trainings.

What settles is chosen from five depths at one budget, each explored with a few of its trainings;
a half's best shape is the one with the best mean over all 24.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from archdsl.search.recorded import RecordedTraining, grouped
from archdsl.training.examples import loss_of, packed, right_of
from archdsl.verdict import Question, Result, judge
from archdsl.verdict.looks import planned
from archdsl.verdict.model import DEEPER, EQUIVALENT, LOSS, NO_EVIDENCE
from archdsl.verdict.settled import contenders, explored, halves
from archdsl.verdict.table_files import rows_of_file

TABLE = Path(__file__).parent / "table" / "small.csv"
EPOCHS = 6  # of a training
FIXED, MORE = (10,), (20,)


@dataclass(frozen=True)
class Told:
    """One study: its word, and the fresh seeds that each arm took."""

    word: str
    by: str | None
    seeds: int


def study(arms: list[list[RecordedTraining]], looks: tuple[int, ...], losses: bool) -> Told:
    """The answer on two arms, whose trainings come in this order; by the log-loss too, or not."""
    results = []
    for depth, found in zip((1, 2), arms, strict=True):
        shape = ("", 0.0, f"depth = {depth}", depth, 1.0)
        results.append(Result(*shape, seed=0, score=0.5))
        results += [
            Result(*shape, seed=k, score=r.scores["accuracy"], settled=True, test=r.scores["test"],
                   examples=right_of(packed(r.examples)), **(lost(r) if losses else {}))
            for k, r in enumerate(found, 1)
        ]  # fmt: skip
    question = Question(looks=looks if len(looks) > 1 else ())
    for look in looks:
        said = judge([r for r in results if r.seed <= look], question, resamples=0)
        word = said.slices[0].word
        if word != NO_EVIDENCE:
            break
    return Told(word, said.slices[0].by, look)


def lost(found: RecordedTraining) -> dict[str, Any]:
    """What is known of the log-loss."""
    return {
        "loss": found.scores["loss"],
        "losses": loss_of(packed(found.examples)),
        "test_loss": float(loss_of(packed(found.test_examples)).mean()),
    }


def mean_of(found: Sequence[RecordedTraining]) -> float:
    return float(np.mean([r.scores["accuracy"] for r in found]))


def row(name: str, told: list[Told], truth: list[float]) -> str:
    """A line of the table; ``truth`` is what the deep arm has more, over all trainings."""
    claims = [t.word not in (NO_EVIDENCE, EQUIVALENT) for t in told]
    by_loss = np.mean([c and t.by == LOSS for c, t in zip(claims, told, strict=True)])
    against = np.mean(
        [c and gap != 0 and (t.word == DEEPER) != (gap > 0)
         for c, t, gap in zip(claims, told, truth, strict=True)]
    )  # fmt: skip
    epochs = np.mean([2 * EPOCHS * t.seeds for t in told])
    cells = [f"{np.mean(claims):.1%}", f"{by_loss:.1%}", f"{against:.1%}", f"{epochs:.0f}"]
    return f"| {name} | {' | '.join(cells)} |"


def settles(
    arms: list[list[RecordedTraining]], truth: list[float], count: int, shrunk: bool
) -> tuple[bool, bool, float]:
    """Whether the best shape settles, whether the best of both halves do, and what the best of
    those that settle lacks to the best shape. ``truth`` has the mean of each depth in turn."""
    results = [
        Result("", 0.0, f"depth = {place}", place + 1, 1.0, k, r.scores["accuracy"])
        for place, found in enumerate(arms)
        for k, r in enumerate(found)
    ]
    question = Question(arms=count)
    [(_, shapes)] = explored(results, question)
    if not shrunk:
        shapes = sorted((replace(e, shrunk=e.mean) for e in shapes), key=lambda e: -e.mean)

    def true(shape: Any) -> float:
        return truth[int(shape.depth) - 1]

    chosen = contenders(shapes, question)
    both = all(max(half, key=true) in chosen for half in halves(shapes))
    lack = max(truth) - max(map(true, chosen))
    return lack == 0, both, lack


def settling(
    table: dict[Any, list[RecordedTraining]], studies: int, rng: np.random.Generator
) -> None:
    """Prints how often the best shapes are among those that settle."""
    print("| explored | settle | means | the best | the best of both halves | lacks, points |")
    print("| --- | --- | --- | --- | --- | --- |")
    budgets = sorted({place[1] for place in table})
    rows = [[table[p] for p in table if p[1] == budget] for budget in budgets]
    for name, low, high in (
        ("1 seed of each", 1, 1),
        ("2 seeds of each", 2, 2),
        ("4 seeds of each", 4, 4),
        ("1 to 4 seeds of each", 1, 4),
    ):
        studied = []
        for place in rng.integers(len(rows), size=studies):
            row, counts = rows[place], rng.integers(low, high + 1, size=len(rows[place]))
            drawn = [
                [found[i] for i in rng.permutation(len(found))[:n]]
                for found, n in zip(row, counts, strict=True)
            ]
            studied.append((drawn, [mean_of(found) for found in row]))
        for count in (2, 3):
            for shrunk in (True, False):
                found = np.array([settles(*s, count, shrunk) for s in studied], dtype=float)
                best, both, lack = found.mean(axis=0)
                means = "shrunk" if shrunk else "as they are"
                cells = [name, count, means, f"{best:.1%}", f"{both:.1%}", f"{100 * lack:.2f}"]
                print("|", " | ".join(map(str, cells)), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=600, help="of each row (default: 600)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", choices=("answers", "settling"), help="default: both")
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    table = grouped(rows_of_file(TABLE))
    if options.table != "answers":
        settling(table, options.studies, np.random.default_rng(options.seed))
    if options.table == "settling":
        return
    print()
    places = list(table)
    pairs = [(a, b) for a, b in combinations(places, 2) if a[1] == b[1]]

    def dealt(place: tuple[str, float, str]) -> list[RecordedTraining]:
        return [table[place][i] for i in rng.permutation(len(table[place]))]

    gaps = {(a, b): mean_of(table[b]) - mean_of(table[a]) for a, b in pairs}
    print("| two arms | claimed | by the log-loss alone | against the table | epochs |")
    print("| --- | --- | --- | --- | --- |")
    same = [dealt(places[i]) for i in rng.integers(len(places), size=options.studies)]
    for name, looks, losses in (
        ("10 seeds", FIXED, False),
        ("3..12, with looks", planned(3, 12), False),
        ("3..12, with looks and the log-loss", planned(3, 12), True),
    ):
        told = [study([found[:12], found[12:]], looks, losses) for found in same]
        print(row(f"of one network, {name}", told, [0.0] * len(told)), flush=True)
    for low, high in ((0.0, 0.01), (0.01, 0.03), (0.03, 1.0)):
        some = [pair for pair, gap in gaps.items() if low <= abs(gap) < high]
        if not some:
            continue
        picks = [some[i] for i in rng.integers(len(some), size=options.studies)]
        found = [[dealt(p)[:20] for p in pair] for pair in picks]
        for name, looks, losses in (
            ("10 seeds", FIXED, False),
            ("20 seeds", MORE, False),
            ("3..20, with looks", planned(3, 20), False),
            ("3..20, with looks and the log-loss", planned(3, 20), True),
            ("3..12, with looks and the log-loss", planned(3, 12), True),
        ):
            told = [study(arms, looks, losses) for arms in found]
            span = f"{100 * low:g} to {100 * high:g}" if high < 1 else f"more than {100 * low:g}"
            truth = [gaps[pair] for pair in picks]
            print(row(f"{span} points apart ({len(some)} pairs), {name}", told, truth), flush=True)


if __name__ == "__main__":
    main()
