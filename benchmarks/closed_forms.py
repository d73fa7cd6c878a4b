"""Solving for widths with closed forms of the costs, and without them.

python benchmarks/closed_forms.py [--repeats N]

Each row is a table of depths and budgets of one spec, solved on a fresh spec: CPU milliseconds,
the median of the repeats.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence

import archdsl
from archdsl.analysis.solve import FigureCost, Solver

TABLES: dict[str, tuple[tuple[int, ...], tuple[float, ...]]] = {
    "wide_resnet": (
        (10, 16, 22, 28, 34, 40, 46, 52),
        (50e6, 100e6, 200e6, 400e6, 800e6, 1600e6),
    ),
    "resnet": ((18, 34, 50, 101, 152), (0.5e9, 1e9, 2e9, 4e9, 6e9, 8e9)),
}


def solve(name: str, depths: Sequence[int], budgets: Sequence[float], closed: bool) -> float:
    """CPU seconds for a table."""
    spec = archdsl.read(name)
    spec.families.able = spec.families.able and closed
    solver = Solver(spec, ["width"], FigureCost("macs"))
    start = time.process_time()
    for depth in depths:
        for budget in budgets:
            solver.solve({"depth": depth}, budget, 0.05)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    print(f"{'table':24}{'closed forms':>14}{'elaborated':>14}")
    for name, (depths, budgets) in TABLES.items():
        for few, tried in (("", budgets), (", one budget", budgets[2:3])):
            shown = depths if not few else depths[:1]
            found = [
                statistics.median(solve(name, shown, tried, closed) for _ in range(repeats))
                for closed in (True, False)
            ]
            print(f"{name + few:24}" + "".join(f"{1000 * s:>11.0f} ms" for s in found))


if __name__ == "__main__":
    main()
