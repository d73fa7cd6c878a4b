"""A search against a hand-written Optuna loop, and two workers against one.

python benchmarks/search.py [--only overhead|workers] [--epochs N] [--seeds N] [--repeats N]

The loop trains the same networks (the compiled sources, imported) on the same images with the
same batches, recipe and number of epochs, each in turn, and keeps its study in memory; the
search has its worker, its database on disk and its plan. Both are whole commands, from start to
end, and take turns. Two workers are compared with one at one thread each, by what a trial costs
once the processes are up.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import archdsl
from archdsl.diagnostics.source import Source
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.space import space_of

SEARCH = """
search timed
spec wide_resnet
vary depth in {{10, 16, 22, 28}}
hold macs = 1M within 5% by width
data digits
train epochs = {epochs}, batch = 64, lr = 0.1, optimizer = sgd(weight_decay = 1e-4), \
schedule = cosine
seeds {seeds}
trials {trials}
"""

LOOP = """
import importlib.util, json, math, sys, time
import numpy, optuna, torch
import torch.nn.functional as F
from sklearn.datasets import load_digits

job = json.loads(open(sys.argv[1]).read())
torch.set_num_threads(job["threads"])
images, labels = load_digits(return_X_y=True)
x = torch.tensor(images, dtype=torch.float32).reshape(-1, 1, 8, 8)
y = torch.tensor(labels)
order = numpy.random.RandomState(0).permutation(len(x))
train, val = order[719:], order[:359]
x = (x - x[train].mean()) / x[train].std()
x = x.to(memory_format=torch.channels_last)

def network(depth):
    spec = importlib.util.spec_from_file_location(f"net{depth}", job["sources"][str(depth)])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, job["class"])().to(memory_format=torch.channels_last)

def objective(trial):
    depth = trial.suggest_categorical("depth", job["depths"])
    torch.manual_seed(trial.number)
    net = network(depth)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4,
                                nesterov=True, fused=True)
    steps = len(train) // 64
    total, done = job["epochs"] * steps, 0
    for epoch in range(1, job["epochs"] + 1):
        net.train()
        shuffled = torch.tensor(train)[torch.randperm(len(train))]
        for step in range(steps):
            rows = shuffled[step * 64:(step + 1) * 64]
            for group in optimizer.param_groups:
                group["lr"] = 0.1 * (1 + math.cos(math.pi * done / total)) / 2
            loss = F.cross_entropy(net(x[rows]), y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            done += 1
        net.eval()
        with torch.inference_mode():
            accuracy = (net(x[val]).argmax(1) == y[val]).float().mean().item()
        trial.report(accuracy, epoch)
    return accuracy

optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(direction="maximize")
for depth in job["depths"] * job["seeds"]:
    study.enqueue_trial({"depth": depth})
study.optimize(objective, n_trials=len(job["depths"]) * job["seeds"])
print(study.best_value)
"""


def run(command: list[str], folder: Path, **environment: str) -> float:
    """The seconds of a command."""
    started = perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return perf_counter() - started


def prepare(folder: Path, epochs: int, seeds: int) -> None:
    """The search, the loop, and the networks of both."""
    text = SEARCH.format(epochs=epochs, seeds=seeds, trials=4 * seeds)
    (folder / "timed.search").write_text(text)
    (folder / "loop.py").write_text(LOOP)
    space = space_of(read_search(Source("timed.search", text), folder), folder)
    sources = {}
    for candidate in survey(space)[0].candidates or ():
        depth = candidate.knobs["depth"]
        sources[depth] = str(folder / f"depth{depth}.py")
        source = candidate.arch.source()
        Path(sources[depth]).write_text(source)
        last = [line for line in source.splitlines() if line.startswith("class ")][-1]
    job = {
        "class": last.removeprefix("class ").partition("(")[0],
        "sources": sources,
        "depths": [int(depth) for depth in sources],
        "seeds": seeds,
        "epochs": epochs,
        "threads": os.cpu_count(),
    }
    (folder / "job.json").write_text(json.dumps(job))


def search(folder: Path, name: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "archdsl", "search", "timed.search", "--study", name, "--quiet",
            *options]  # fmt: skip


def overhead(folder: Path, repeats: int) -> None:
    """Whole commands in turn."""
    pairs = []
    for number in range(repeats):
        loop = [sys.executable, "loop.py", "job.json"]
        if number % 2:
            hand = run(loop, folder)
            ours = run(search(folder, f"one{number}"), folder)
        else:
            ours = run(search(folder, f"one{number}"), folder)
            hand = run(loop, folder)
        pairs.append((ours, hand))
        print(f"  search {ours:6.1f} s, loop {hand:6.1f} s, ratio {ours / hand:.3f}", flush=True)
    print(f"search over loop: {median(a / b for a, b in pairs):.3f} (median of {repeats})")


def workers(folder: Path, repeats: int) -> None:
    """Trials an hour of two workers over those of one, a thread each, by the trials' own times:
    from the first start to the last end."""
    from archdsl.registry import REGISTRY
    from archdsl.search.opened import find_study

    def rate(name: str, count: int) -> float:
        run(search(folder, name, "--workers", str(count)), folder, OMP_NUM_THREADS="1")
        rows = find_study(str(folder / name), None, REGISTRY).rows()
        first = min(r.started for r in rows if r.started)
        last = max(r.ended for r in rows if r.ended)
        return len(rows) / (last - first).total_seconds() * 3600

    ratios = []
    for number in range(repeats):
        one, two = rate(f"w1-{number}", 1), rate(f"w2-{number}", 2)
        ratios.append(two / one)
        print(f"  one {one:,.0f}, two {two:,.0f} trials an hour, ratio {two / one:.2f}", flush=True)
    print(f"two workers over one: {median(ratios):.2f} (median of {repeats})")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=("overhead", "workers"))
    given = parser.parse_args()
    print(f"archdsl {archdsl.__version__}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, given.epochs, given.seeds)
        if given.only != "workers":
            overhead(folder, given.repeats)
        if given.only != "overhead":
            workers(folder, given.repeats)


if __name__ == "__main__":
    main()
