"""A study of 100,000 trials: what it takes to read it, and what a look at it costs.

python benchmarks/large.py [--trials N]

The study is written straight into its tables: nothing is trained, and scores are a formula with
noise. `verdict` and `report` are whole commands; looks are those of a leader and of a worker.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from archdsl.diagnostics.source import Source
from archdsl.registry import REGISTRY
from archdsl.search.rows import EXPLORE

SEARCH = """
search large
spec wide_resnet
vary depth in {10, 16, 22, 28, 40}
hold macs = {1M, 2M, 4M} within 5% by width
data digits
train epochs = 10, batch = 64
tune lr in 0.01..1 log
seeds 2 then 4
trials 100000
"""
WAITING = 1000  # trials at the end that are still in the queue
START = "2026-01-01 00:00:00.000000"


def write(folder: Path, count: int) -> None:
    """Makes a study whose exploration is nearly over."""
    from optuna.distributions import distribution_to_json

    from archdsl.analysis.distributions import distribution
    from archdsl.search.plan import decided, facts
    from archdsl.search.reach import survey
    from archdsl.search.reading import read_search
    from archdsl.search.start import begin

    search = read_search(Source("large.search", SEARCH), folder)
    study = begin(search, folder / "large.study", folder, 0, None, (), "archdsl search", REGISTRY)
    reaches, domains = survey(study.space), {v.path: v.domain for v in search.vary}
    draw = random.Random(0)
    trials, attributes, values, params = [], [], [], []
    for number in range(count):
        reach = reaches[number % len(reaches)]
        listed = reach.candidates or ()
        candidate = listed[number // len(reaches) % len(listed)]
        lr, id = 10 ** draw.uniform(-2, 0), number + 1
        part = study.part_id(EXPLORE, reach.slice.name)
        place = number // len(reaches)
        ended = number < count - WAITING
        trials.append((id, place, part, "COMPLETE" if ended else "WAITING", START, START))
        known = {"turn": place, "stage": EXPLORE, "slice": reach.slice.name, "seed": place % 2 + 1}
        if ended:
            score = 0.9 - 0.05 * (draw.random() + abs(lr - 0.1)) + draw.gauss(0, 0.004)
            curve = [[e, score * e / 10, 1 - score, 0.5, lr] for e in range(1, 11)]
            known |= facts(candidate, search.noted) | {
                "setting": f"lr = {lr:.4g}", "accuracy": score, "loss": 1 - score, "curve": curve,
                "seconds": 12.3, "images_per_second": 4321.0, "worker": "machine:1",
            }  # fmt: skip
            values.append((id, 0, score, "FINITE"))
            for name, value in (decided(study, candidate)[0] | {"lr": lr}).items():
                kind = distribution((search.tune | domains)[name])
                internal = kind.to_internal_repr(value)
                params.append((id, name, internal, distribution_to_json(kind)))
        attributes += [(id, name, json.dumps(value)) for name, value in known.items()]
    study.storage.close()
    with closing(sqlite3.connect(study.folder / "trials.db")) as database, database:
        for table, columns, rows in (
            ("trials", "trial_id, number, study_id, state, datetime_start, datetime_complete",
             trials),
            ("trial_user_attributes", "trial_id, key, value_json", attributes),
            ("trial_values", "trial_id, objective, value, value_type", values),
            ("trial_params", "trial_id, param_name, param_value, distribution_json", params),
        ):  # fmt: skip
            marks = ", ".join("?" * (columns.count(",") + 1))
            database.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


def command(folder: Path, *words: str) -> None:
    """Runs a command and prints its time and the most memory that it took."""
    began = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "archdsl", *words], cwd=folder, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    seconds, own = perf_counter() - began, used.ru_utime + used.ru_stime
    print(
        f"{words[0]:8} {seconds:5.1f} s ({own:.1f} s of a core), {used.ru_maxrss / 1024:.0f} MB,"
        f" exit code {os.waitstatus_to_exitcode(status)}",
        flush=True,
    )


def looks(name: str, look: Callable[[], object], pause: float, times: int = 20) -> None:
    began = process_time()
    for _ in range(times):
        look()
    each = (process_time() - began) / times
    print(f"{name}: {1000 * each:.2f} ms, {100 * each / (each + pause):.2f} % of a core")


def untrained(*_: Any, **__: Any) -> tuple[Any, Any]:
    """What a training gives, in no time."""
    import torch

    from archdsl.training.outcome import Outcome

    return torch.nn.Identity(), Outcome(0.4, 2.0, (), 1.0, 100.0, None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with ProcessPoolExecutor(1, get_context("spawn")) as other:  # what it takes is not ours:
            other.submit(write, folder, given.trials).result()  # a child's peak begins with it
        size = (folder / "large.study" / "trials.db").stat().st_size
        print(f"{given.trials:,} trials, {size / 1e6:.0f} MB of database", flush=True)
        command(folder, "verdict", "large")
        command(folder, "best", "large", "-o", "best.arch")
        command(folder, "report", "large", "-o", "report.html")
        print(f"the page has {(folder / 'report.html').stat().st_size / 1e6:.1f} MB", flush=True)

        import torch

        from archdsl.search.changes import Changes
        from archdsl.search.leader import LOOK
        from archdsl.search.opened import find_study
        from archdsl.search.worker import PAUSE, Worker

        study = find_study(str(folder / "large"), None, REGISTRY)
        changes = Changes(study)
        began = process_time()
        changes.look()
        print(f"the leader's first look: {process_time() - began:.1f} s")
        looks("a look of the leader", changes.look, LOOK)
        worker = Worker(study, torch.device("cpu"), trainer=untrained)
        looks("a look of a worker for its next trial", worker.next_part, PAUSE)
        slices = len(study.space.slices)
        for name in ("a worker's first trial of a slice", "a further one"):
            began = process_time()
            for _ in range(slices):
                part = worker.next_part()
                assert part is not None
                worker.work(part)
            print(f"{name}, without its training: {(process_time() - began) / slices:.2f} s")
        study.stage = "done"
        looks("a look of an idle worker", lambda: (worker.next_part(), study.stage), PAUSE)
        study.storage.close()


if __name__ == "__main__":
    main()
