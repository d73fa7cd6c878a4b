"""What a verdict costs with fixed seeds, and with looks: replayed on recorded trainings.

python benchmarks/replay.py [--studies N] [--seed N]

The trainings are those of benchmarks/table/small.csv: five depths at three budgets, 24 seeds each.
A study compares two depths at one budget on fresh seeds: 10 or 20 of each, or 3 to 20 with looks.
Where nothing differs, both arms are halves of the trainings of one network: 10 of each, or 3 to 12.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from archdsl.search.recorded import Recorded, grouped
from archdsl.training.examples import packed, right_of
from archdsl.verdict import Question, Result, judge
from archdsl.verdict.files import rows_of_file
from archdsl.verdict.looks import planned
from archdsl.verdict.model import EQUIVALENT, NO_EVIDENCE

TABLE = Path(__file__).parent / "table" / "small.csv"
EPOCHS = 6  # of a training
FIXED, MORE = (10,), (20,)


@dataclass(frozen=True)
class Told:
    """One study: its word, and the fresh seeds that each arm took."""

    word: str
    seeds: int


def study(arms: list[list[Recorded]], looks: tuple[int, ...]) -> Told:
    """The answer on two arms, whose trainings come in this order."""
    results = []
    for depth, found in zip((1, 2), arms, strict=True):
        shape = ("", 0.0, f"depth = {depth}", depth, 1.0)
        results.append(Result(*shape, seed=0, score=0.5))
        results += [
            Result(*shape, seed=k, score=r.scores["accuracy"], settled=True,
                   examples=right_of(packed(r.examples)))
            for k, r in enumerate(found, 1)
        ]  # fmt: skip
    question = Question(looks=looks if len(looks) > 1 else ())
    for look in looks:
        said = judge([r for r in results if r.seed <= look], question, resamples=0)
        word = said.slices[0].word
        if word != NO_EVIDENCE:
            break
    return Told(word, look)


def row(name: str, told: list[Told]) -> str:
    claimed = np.mean([t.word not in (NO_EVIDENCE, EQUIVALENT) for t in told])
    equal = np.mean([t.word == EQUIVALENT for t in told])
    epochs = np.mean([2 * EPOCHS * t.seeds for t in told])
    return f"| {name} | {claimed:.1%} | {equal:.1%} | {epochs:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=600, help="of each row (default: 600)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    table = grouped(rows_of_file(TABLE))
    places = list(table)
    pairs = [(a, b) for a, b in combinations(places, 2) if a[1] == b[1]]

    def dealt(place: tuple[str, float, str]) -> list[Recorded]:
        return [table[place][i] for i in rng.permutation(len(table[place]))]

    gaps = {
        pair: abs(np.diff([np.mean([r.scores["accuracy"] for r in table[p]]) for p in pair])[0])
        for pair in pairs
    }
    print("| two arms | claimed | within 0.5 points | epochs |\n| --- | --- | --- | --- |")
    same = [dealt(places[i]) for i in rng.integers(len(places), size=options.studies)]
    for name, looks in (("10 seeds", FIXED), ("3..12, with looks", planned(3, 12))):
        told = [study([found[:12], found[12:]], looks) for found in same]
        print(row(f"of one network, {name}", told), flush=True)
    for low, high in ((0.0, 0.01), (0.01, 0.03), (0.03, 1.0)):
        some = [pair for pair, gap in gaps.items() if low <= gap < high]
        if not some:
            continue
        picks = [some[i] for i in rng.integers(len(some), size=options.studies)]
        found = [[dealt(p)[:20] for p in pair] for pair in picks]
        ways = (("10 seeds", FIXED), ("20 seeds", MORE), ("3..20, with looks", planned(3, 20)))
        for name, looks in ways:
            told = [study(arms, looks) for arms in found]
            span = f"{100 * low:g} to {100 * high:g}" if high < 1 else f"more than {100 * low:g}"
            print(row(f"{span} points apart ({len(some)} pairs), {name}", told), flush=True)


if __name__ == "__main__":
    main()
