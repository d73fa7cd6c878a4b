"""How often the verdict claims a difference that is not there, and finds one that is.

python benchmarks/calibration.py [--studies N] [--seed N] [--only TABLE ...]

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


def differences(count: int, seed: int) -> None:
    for title, worlds in (("no true difference", FALSE), ("a true difference", POWER)):
        table(title, "examples", "seeds", "budgets", "failing", "verdict", "seeds alone")
        for name, world in worlds:
            found = shares(world, count if world.examples < 5000 else count // 2, seed)
            failing = f"{world.failing:.0%}"
            told = (f"{share:.1%}" for share in found)
            row(name, f"{world.examples:,}", world.seeds, world.budgets, failing, *told)


def several(count: int, seed: int) -> None:
    table("no true difference", "settled", "examples", "seeds", "budgets", "claimed")
    for name, world in SEVERAL:
        claimed = shares(world, count, seed)[0]
        of = (world.arms, f"{world.examples:,}", world.seeds, world.budgets)
        row(name, *of, f"{claimed:.1%}")


def kinds(count: int, seed: int) -> None:
    titles = ("kinds", "examples", "budgets", "true difference", "claimed", "seeds alone, of one")
    table("arms", *titles)
    for name, world in WITHIN:
        told = (f"{share:.1%}" for share in shares(world, count, seed))
        of = (world.kinds, f"{world.examples:,}", world.budgets)
        row(name, *of, f"{100 * world.difference():.1f} points", *told)


def losses(count: int, seed: int) -> None:
    titles = ("seeds", "budgets", "deep arm", "effect", "accuracy", "with the loss")
    table("arms", "examples", *titles)
    for name, world in LOSSES:
        found = beside(world, count, seed)
        deep = f"{100 * world.difference():.1f} points better" if world.better else "alike"
        of = (f"{world.examples:,}", world.seeds, world.budgets)
        effect = f"{found.accuracy:.1f}, {-found.loss:.1f}"
        both = f"{found.both:.1%} ({found.by_loss:.1%})"
        row(name, *of, "too sure" if world.sure > 1 else deep, effect, f"{found.alone:.1%}", both)


def folds(count: int, seed: int) -> None:
    table("arms", "own sets", "true difference", "folds", "seeds", "claimed")
    for name, world in FOLDED:
        own = "0.4 points" if world.split else "none"
        claimed = shares(world, count, seed)[0]
        of = (f"{100 * world.difference():.1f} points", world.folds or "one split", world.seeds)
        row(name, own, *of, f"{claimed:.1%}")


def tuning(count: int, seed: int) -> None:
    titles = ("budgets", "trials", "seeds", "claimed", "tuning left out")
    table("best rates", "true difference", *titles)
    for tuned in TUNINGS:
        name = f"spread by {tuned.drift:g}" if tuned.drift else "the same for all shapes"
        told = (f"{share:.1%}" for share in claimed_of(tuned, count, seed))
        of = (tuned.budgets, tuned.trials, tuned.seeds)
        row(name, f"{tuned.better:.1f} points", *of, *told)


def looks(count: int, seed: int) -> None:
    print(f"\nLooks at {', '.join(map(str, LOOKS))} seeds:")
    table("arms", "examples", "true difference", "claimed", "within 0.5 points", "seeds")
    for name, world in LOOKED:
        found = in_looks(world, LOOKS, count, seed)
        of = (f"{world.examples:,}", f"{100 * world.difference():.2f} points")
        row(name, *of, f"{found.claimed:.1%}", f"{found.equivalent:.1%}", f"{found.seeds:.1f}")


def table(*titles: str) -> None:
    print("\n|", " | ".join(titles), "|")
    print(f"|{' --- |' * len(titles)}")


def row(*cells: object) -> None:
    print("|", " | ".join(map(str, cells)), "|", flush=True)


PARTS = {
    part.__name__: part for part in (differences, several, kinds, losses, folds, tuning, looks)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2000, help="at each row (default: 2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), help="default: all tables")
    options = parser.parse_args()
    for part in options.only or PARTS:
        PARTS[part](options.studies, options.seed)


if __name__ == "__main__":
    main()
