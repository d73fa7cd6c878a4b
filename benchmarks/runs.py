"""Trains what the tables hold: every network of small.search, or of tuned.search, on many seeds.

python benchmarks/runs.py [small|tuned] [--seeds N] [--minutes N]

A row is a training: shape, budget, seed, the accuracy after each epoch, the scores on validation
and on test data, and what was said of each example (see archdsl.training.examples). Rows that are
there stay, so that it may be cut short and go on. One thread: a training takes about a second.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from time import monotonic

import torch

from archdsl.files import SEARCH, read_source
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.space import space_of
from archdsl.training.data import load
from archdsl.training.evaluate import examine
from archdsl.training.loop import train_candidate

HERE = Path(__file__).parent / "table"
COLUMNS = (
    "shape", "budget", "seed", "accuracy", "loss", "test", "seconds", "curve", "examples",
    "test_examples",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("search", nargs="?", default="small", choices=("small", "tuned"))
    parser.add_argument("--seeds", type=int, default=24, help="of each network (default: 24)")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which it ends")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = HERE / f"{options.search}.csv"
    source, folder = read_source(str(HERE / f"{options.search}.search"), SEARCH)
    assert folder is not None
    search = read_search(source, folder)
    space, splits = space_of(search, folder), load(search.data, folder)
    reaches = survey(space)
    known = set()
    if table.exists():
        with table.open(newline="", encoding="utf-8") as stream:
            known = {(r["shape"], r["budget"], r["seed"]) for r in csv.DictReader(stream)}
    end = monotonic() + 60 * options.minutes
    with table.open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if not known:
            writer.writeheader()
        for seed in range(1, options.seeds + 1):
            for reach in reaches:
                for candidate in reach.candidates or ():
                    place = (candidate.shape.text, reach.slice.name, str(seed))
                    if place in known or monotonic() > end:
                        continue
                    module, found = train_candidate(candidate.arch, splits, search.recipe, seed)
                    test = examine(module, splits.test, splits, torch.device("cpu"), search.recipe)
                    row = dict(zip(COLUMNS, place, strict=False))
                    row |= {
                        "accuracy": f"{found.accuracy:.9g}",
                        "loss": f"{found.loss:.6g}",
                        "test": f"{test.means[0]:.9g}",
                        "seconds": f"{found.seconds:.3f}",
                        "curve": " ".join(f"{epoch.accuracy:.4f}" for epoch in found.epochs),
                        "examples": found.examples,
                        "test_examples": test.written(),
                    }
                    writer.writerow(row)
                    stream.flush()


if __name__ == "__main__":
    main()
