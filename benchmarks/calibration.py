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

from crossed import (
    FALSE,
    FOLDED,
    LOOKED,
    LOOKS,
    LOSSES,
    POWER,
    SEVERAL,
    WITHIN,
    beside,
    in_looks,
    shares,
)
from tuned import TUNINGS
from tuned import claimed as claimed_of


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
    print(
        "\n| arms | kinds | examples | budgets | true difference | claimed | seeds alone, of one |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, world in WITHIN:
        ours, welch = shares(world, options.studies, options.seed)
        row = [name, world.kinds, f"{world.examples:,}", world.budgets]
        row += [f"{100 * world.difference():.1f} points", f"{ours:.1%}", f"{welch:.1%}"]
        print("|", " | ".join(map(str, row)), "|", flush=True)
    print("\n| arms | examples | seeds | budgets | deep arm | effect | accuracy | with the loss |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, world in LOSSES:
        found = beside(world, options.studies, options.seed)
        deep = f"{100 * world.difference():.1f} points better" if world.better else "alike"
        row = [name, f"{world.examples:,}", world.seeds, world.budgets]
        row += ["too sure" if world.sure > 1 else deep, f"{found.accuracy:.1f}, {-found.loss:.1f}"]
        row += [f"{found.alone:.1%}", f"{found.both:.1%} ({found.by_loss:.1%})"]
        print("|", " | ".join(map(str, row)), "|", flush=True)
    print("\n| arms | own sets | true difference | folds | seeds | claimed |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, world in FOLDED:
        row = [name, "0.4 points" if world.split else "none"]
        row += [f"{100 * world.difference():.1f} points", world.folds or "one split", world.seeds]
        claimed = shares(world, options.studies, options.seed)[0]
        print("|", " | ".join(map(str, [*row, f"{claimed:.1%}"])), "|", flush=True)
    print("\n| best rates | true difference | trials | seeds | claimed | tuning left out |")
    print("| --- | --- | --- | --- | --- | --- |")
    for tuned in TUNINGS:
        row = [f"spread by {tuned.drift:g}" if tuned.drift else "the same for all shapes"]
        row += [f"{tuned.better:.1f} points", tuned.trials, tuned.seeds]
        ours, blind = claimed_of(tuned, options.studies, options.seed)
        print("|", " | ".join(map(str, [*row, f"{ours:.1%}", f"{blind:.1%}"])), "|", flush=True)
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
