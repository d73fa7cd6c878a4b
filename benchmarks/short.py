"""Whether short trainings, and the beginnings of whole ones, rank rates and depths as those do.

python benchmarks/short.py [--minutes N]

table/short.csv has what it trained: five depths at the middle budget of table/small.search, five
learning rates, each for six, three and two epochs: whole schedules, annealed to their end. A run
trains what is missing of the first seeds, and prints how short trainings rank: those, and the whole
ones where a pruner would look at them. What is ranked is rates within a depth, and depths at the
rate that is best for each; "lacks" is what the leading rate, or depth, ends below the best one.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from itertools import product
from pathlib import Path
from time import monotonic

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from archdsl.files import SEARCH, read_source
from archdsl.search.reading import read_search
from archdsl.search.space import space_of
from archdsl.search.tuned import shortened, tuned

HERE = Path(__file__).parent / "table"
TABLE = HERE / "short.csv"
COLUMNS = ("shape", "budget", "lr", "epochs", "seed", "accuracy", "loss", "curve")
BUDGET = 1  # of the three budgets, the middle one
RATES = (0.02, 0.05, 0.1, 0.2, 0.4)
EPOCHS = (6, 3, 2)
Floats = npt.NDArray[np.float64]


def rows() -> list[dict[str, str]]:
    if not TABLE.exists():
        return []
    with TABLE.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def train(seeds: int, minutes: float) -> None:
    """Trains what the table lacks of so many seeds, until the time is up. One thread."""
    import torch

    from archdsl.search.reach import survey
    from archdsl.training.data import load
    from archdsl.training.loop import train_candidate

    torch.set_num_threads(1)
    source, folder = read_source(str(HERE / "small.search"), SEARCH)
    assert folder is not None
    search = read_search(source, folder)
    reach = survey(space_of(search, folder))[BUDGET]
    splits = load(search.data, folder)
    known = {(r["shape"], r["lr"], r["epochs"], r["seed"]) for r in rows()}
    end = monotonic() + 60 * minutes
    with TABLE.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if not known:
            writer.writeheader()
        for seed, rate, epochs in product(range(1, seeds + 1), RATES, EPOCHS):
            recipe = shortened(tuned(search.recipe, {"lr": rate}), epochs)
            for candidate in reach.candidates or ():
                place = (candidate.shape.text, str(rate), str(epochs), str(seed))
                if place in known or monotonic() > end:
                    continue
                _, found = train_candidate(candidate.arch, splits, recipe, seed)
                shape, *others = place
                row = dict(zip(COLUMNS, (shape, reach.slice.name, *others), strict=False))
                row["accuracy"], row["loss"] = f"{found.accuracy:.6g}", f"{found.loss:.6g}"
                row["curve"] = " ".join(f"{epoch.accuracy:.4f}" for epoch in found.epochs)
                writer.writerow(row)
                stream.flush()


def ranks(found: Floats, whole: Floats) -> tuple[float, float]:
    """The mean rank correlation of rows ``(rows, members)`` with those of whole trainings, and what
    the leading member of a row ends below the best, in points."""
    pairs = list(zip(found, whole, strict=True))
    lacks = [max(w) - w[int(np.argmax(f))] for f, w in pairs]
    known = [spearmanr(f, w)[0] for f, w in pairs if np.ptp(f) > 0]
    return float(np.mean(known)), 100 * float(np.mean(lacks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="of each (default: 1)")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which training ends")
    options = parser.parse_args()
    train(options.seeds, options.minutes)
    trained = [r for r in rows() if int(r["seed"]) <= options.seeds]
    shapes = sorted({r["shape"] for r in trained}, key=lambda shape: int(shape.split("=")[1]))

    def scores(epochs: int, at: int) -> Floats:
        """Mean accuracies ``(shapes, rates)`` after so many epochs of trainings of ``epochs``."""
        curves: defaultdict[tuple[str, float], list[float]] = defaultdict(list)
        for r in trained:
            if int(r["epochs"]) == epochs:
                curves[r["shape"], float(r["lr"])].append(float(r["curve"].split()[at - 1]))
        return np.array([[np.mean(curves[s, rate]) for rate in RATES] for s in shapes])

    whole = scores(EPOCHS[0], EPOCHS[0])
    best = whole.argmax(axis=1)
    print("| ranked by | rates: correlation | lacks | depths: correlation | lacks |")
    print("| --- | --- | --- | --- | --- |")
    named = [(f"whole trainings of {n} epochs", scores(n, n)) for n in EPOCHS[1:]]
    named += [(f"epoch {n} of {EPOCHS[0]}", scores(EPOCHS[0], n)) for n in range(1, EPOCHS[0])]
    for name, found in named:
        of_rates = ranks(found, whole)
        places = np.arange(len(shapes)), best
        of_depths = ranks(found[places][None], whole[places][None])
        cells = [f"{of_rates[0]:.2f}", f"{of_rates[1]:.1f}", f"{of_depths[0]:.2f}"]
        print(f"| {name} | {' | '.join(cells)} | {of_depths[1]:.1f} |")


if __name__ == "__main__":
    main()
