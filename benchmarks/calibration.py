"""How often the verdict claims a difference that is not there, and finds one that is.

python benchmarks/calibration.py [--studies N] [--seed N]

Studies are simulated with networks that err on examples (see tests/verdict/crossed.py), and
judged as any study is. Beside the verdict stands Welch's test of the seeds' scores alone. Prints
the tables of docs/verdict.md.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "verdict"))

from crossed import FALSE, FOLDED, LOOKED, LOOKS, POWER, SEVERAL, in_looks, shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="at each row (default: 2000)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for title, worlds in (("no true difference", FALSE), ("a true difference", POWER)):
        print(f"\n| {title} | examples | seeds | budgets | failing | verdict | seeds alone |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, world in worlds:
            count = options.studies if world.examples < 5000 else options.studies // 2
            ours, welch = shares(world, count, options.seed)
            row = [name, f"{world.examples:,}", world.seeds, world.budgets, f"{world.failing:.0%}"]
            print("|", " | ".join(map(str, [*row, f"{ours:.1%}", f"{welch:.1%}"])), "|", flush=True)
    print("\n| no true difference | settled | examples | seeds | budgets | claimed |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, world in SEVERAL:
        row = [name, world.arms, f"{world.examples:,}", world.seeds, world.budgets]
        claimed = shares(world, options.studies, options.seed)[0]
        print("|", " | ".join(map(str, [*row, f"{claimed:.1%}"])), "|", flush=True)
    print("\n| arms | own training sets | true difference | folds | seeds | claimed |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, world in FOLDED:
        row = [name, "0.4 points" if world.split else "none"]
        row += [f"{100 * world.difference():.1f} points", world.folds or "one split", world.seeds]
        claimed = shares(world, options.studies, options.seed)[0]
        print("|", " | ".join(map(str, [*row, f"{claimed:.1%}"])), "|", flush=True)
    print(f"\nLooks at {', '.join(map(str, LOOKS))} seeds:\n")
    print("| arms | examples | true difference | claimed | within 0.5 points | seeds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, world in LOOKED:
        found = in_looks(world, LOOKS, options.studies, options.seed)
        row = [name, f"{world.examples:,}", f"{100 * world.difference():.2f} points"]
        row += [f"{found.claimed:.1%}", f"{found.equivalent:.1%}", f"{found.seeds:.1f}"]
        print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main()
