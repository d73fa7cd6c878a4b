"""Trains the tables in which each network has several learning rates, and reads them.

python benchmarks/rates.py [digits|fashion] [--minutes N]

Both have whole trainings of ten epochs, and shorter ones with a schedule of their own. Digits:
table/rates.csv has the networks of table/rates.search at rates of 0.1 and 0.4 and, for five epochs,
at 0.2 too; those of ten epochs at 0.2 are in table/tuned.csv. Fashion-MNIST: table/fashion.csv has
those of table/fashion.search at 0.1, 0.25 and 0.6, for ten epochs and for four, judged on 1,000
validation images and the first 2,000 test images. What is missing is trained, the first seeds
first, until the time is up. One thread.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from time import monotonic

import numpy as np

from archdsl.training.examples import loss_of, packed, right_of
from archdsl.verdict.results import Floats

HERE = Path(__file__).parent / "table"
COLUMNS = (
    "shape", "budget", "setting", "epochs", "seed", "accuracy", "loss", "test", "seconds", "curve",
    "examples", "test_examples",
)  # fmt: skip
LONG = 10  # epochs of a whole training

Cell = tuple[int, int, float, int]  # budget, depth, rate, epochs


@dataclass(frozen=True)
class Table:
    """What is trained. ``seeds`` are those of whole trainings at each rate, ``tests`` the images of
    the test set that are judged, if not all; ``more`` is a file with trainings at a rate of 0.2."""

    search: str
    budgets: tuple[str, ...]
    depths: tuple[int, ...]
    short: int
    seeds: Mapping[float, int]
    short_seeds: int
    tests: int | None = None
    more: str | None = None

    @property
    def rates(self) -> tuple[float, ...]:
        return tuple(self.seeds)


TABLES = {
    "digits": Table(
        "rates", ("70K macs", "140K macs", "280K macs"), (1, 2, 3, 5), 5,
        {0.1: 12, 0.2: 0, 0.4: 12}, 2, None, "tuned",
    ),
    "fashion": Table(
        "fashion", ("100K macs", "200K macs", "400K macs"), (1, 2, 3, 5, 8), 4,
        {0.1: 12, 0.25: 24, 0.6: 12}, 4, 2000,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Training:
    """The accuracy on validation data; of a whole training, what it said of each example."""

    accuracy: float
    curve: tuple[float, ...]
    right: Floats = field(default_factory=lambda: np.zeros(0))
    losses: Floats = field(default_factory=lambda: np.zeros(0))
    test: Floats = field(default_factory=lambda: np.zeros(0))
    test_losses: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def merit(self) -> float:
        """The accuracy on all held-out examples."""
        return float(np.concatenate([self.right, self.test]).mean())


def read(table: Table) -> dict[Cell, list[Training]]:
    found: defaultdict[Cell, list[Training]] = defaultdict(list)
    for name in (table.more, table.search):
        if name is None:
            continue
        path = HERE / f"{name}.csv"
        if not path.exists():
            raise SystemExit(f"{path} is not there: train it with benchmarks/rates.py")
        with path.open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                rate = float(row.get("setting", "lr = 0.2").split("= ")[1])
                place = table.budgets.index(row["budget"]), int(row["shape"].split("= ")[1])
                each: list[Floats] = []
                for part in ("examples", "test_examples"):
                    if row[part]:
                        codes = packed(row[part])
                        each += [right_of(codes), loss_of(codes)]
                curve = tuple(map(float, row["curve"].split()))
                trained = Training(float(row["accuracy"]), curve, *each)
                found[*place, rate, int(row.get("epochs", LONG))].append(trained)
    return found


def train(table: Table, minutes: float) -> None:
    """Trains what a table lacks, until the time is up."""
    import torch

    from archdsl.files import SEARCH, read_source
    from archdsl.search.reach import survey
    from archdsl.search.reading import read_search
    from archdsl.search.space import space_of
    from archdsl.search.tuned import shortened, tuned
    from archdsl.training.data import load
    from archdsl.training.data.splits import Images
    from archdsl.training.evaluate import examine
    from archdsl.training.loop import train_candidate

    torch.set_num_threads(1)
    source, folder = read_source(str(HERE / f"{table.search}.search"), SEARCH)
    assert folder is not None
    search = read_search(source, folder)
    splits, reaches = load(search.data, folder), survey(space_of(search, folder))
    tests = Images(splits.test.images[: table.tests], splits.test.labels[: table.tests])
    path = HERE / f"{table.search}.csv"
    known: set[tuple[str, ...]] = set()
    if path.exists():
        with path.open(newline="", encoding="utf-8") as stream:
            known = {tuple(row[c] for c in COLUMNS[:5]) for row in csv.DictReader(stream)}
    end = monotonic() + 60 * minutes
    with path.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if not known:
            writer.writeheader()
        most = max(*table.seeds.values(), table.short_seeds)
        for seed, epochs, rate in product(range(1, most + 1), (LONG, table.short), table.rates):
            if seed > (table.seeds[rate] if epochs == LONG else table.short_seeds):
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
                    test = examine(module, tests, splits, torch.device("cpu"), recipe)
                    row |= {"test": f"{test.means[0]:.9g}", "examples": found.examples}
                    row["test_examples"] = test.written()
                writer.writerow(row)
                stream.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", nargs="?", default="fashion", choices=tuple(TABLES))
    parser.add_argument("--minutes", type=float, default=60.0, help="after which training ends")
    options = parser.parse_args()
    train(TABLES[options.table], options.minutes)


if __name__ == "__main__":
    main()
