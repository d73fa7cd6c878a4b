"""Whether scores of networks that are not trained rank depths at an equal budget.

python benchmarks/zero_cost.py [--seeds N]

The networks of table/small.search and table/tuned.search are built with fresh weights, and scored
on one batch of training images: by NASWOT (the log-determinant of the kernel of ReLU codes, Mellor
and others 2021), synflow (Tanaka and others 2020), the norm of the gradient, and by their
parameters and activations. Ranks are held against the mean accuracies of the recorded trainings.
"Lacks" is what the depth with the highest score of a budget ends below the best one, and "by
chance" what a depth does on average: means over the budgets, in points.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from archdsl.files import SEARCH, read_source
from archdsl.search.reach import survey
from archdsl.search.reading import read_search
from archdsl.search.recorded import grouped
from archdsl.search.space import space_of
from archdsl.training.data import load
from archdsl.verdict.table_files import rows_of_file

HERE = Path(__file__).parent / "table"
BATCH = 128
SCORES = ("naswot", "synflow", "gradient", "parameters", "activations")


def naswot(module: nn.Module, images: Tensor) -> float:
    """The log-determinant of how many ReLUs each two images have in the same state."""
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64)

    def count(_module: nn.Module, _args: object, out: Tensor) -> None:
        on = (out.detach().flatten(1) > 0).double()
        kernel.add_(on @ on.T + (1 - on) @ (1 - on).T)

    relus = [m for m in module.modules() if isinstance(m, nn.ReLU)]
    hooks = [relu.register_forward_hook(count) for relu in relus]
    with torch.no_grad():
        module(images)
    for hook in hooks:
        hook.remove()
    return float(torch.linalg.slogdet(kernel)[1])


def synflow(module: nn.Module, images: Tensor) -> float:
    """The logarithm of what flows through all paths of absolute weights."""
    module = copy.deepcopy(module).double().eval()
    with torch.no_grad():
        for p in module.parameters():
            p.abs_()
    module(torch.ones_like(images[:1], dtype=torch.float64)).sum().backward()
    flows = [(p.grad * p).sum() for p in module.parameters() if p.grad is not None]
    return float(torch.stack(flows).sum().log().detach())


def gradient(module: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The norm of the gradient of the loss."""
    nn.functional.cross_entropy(module(images), labels).backward()
    squares = [p.grad.square().sum() for p in module.parameters() if p.grad is not None]
    return float(torch.stack(squares).sum().sqrt())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="of each network (default: 5)")
    options = parser.parse_args()
    print("| table | score | within a budget | lacks | by chance | all networks |")
    print("| --- | --- | --- | --- | --- | --- |")
    for table in ("small", "tuned"):
        source, folder = read_source(str(HERE / f"{table}.search"), SEARCH)
        assert folder is not None
        search = read_search(source, folder)
        splits = load(search.data, folder)
        white = splits.train.images[:BATCH] / 255 - splits.mean.view(-1, 1, 1)
        images, labels = white / splits.std.view(-1, 1, 1), splits.train.labels[:BATCH]
        rows = grouped(rows_of_file(HERE / f"{table}.csv"))
        budgets = sorted({budget for _, budget, _ in rows})
        truth, found = [], []  # of each budget; scores are (depths, SCORES)
        for budget, reach in zip(budgets, survey(space_of(search, folder)), strict=True):
            means, scores = [], []
            for candidate in reach.candidates or ():
                trained = rows[candidate.shape.text, budget, ""]
                means.append(np.mean([r.scores["accuracy"] for r in trained]))
                drawn = []
                for seed in range(options.seeds):
                    torch.manual_seed(seed)
                    module = candidate.arch.build()
                    of_batch = naswot(module, images), synflow(module, images)
                    drawn.append((*of_batch, gradient(module, images, labels)))
                costs = candidate.arch.params, candidate.arch.activations
                scores.append((*np.mean(drawn, axis=0), *costs))
            truth.append(np.array(means))
            found.append(np.array(scores))
        for place, name in enumerate(SCORES):
            pairs = [(s[:, place], t) for s, t in zip(found, truth, strict=True)]
            within = np.mean([spearmanr(s, t)[0] for s, t in pairs])
            lacks = 100 * np.mean([t.max() - t[s.argmax()] for s, t in pairs])
            chance = 100 * np.mean([t.max() - t.mean() for t in truth])
            every = spearmanr(*(np.concatenate(x) for x in zip(*pairs, strict=True)))[0]
            cells = [f"{within:.2f}", f"{lacks:.1f}", f"{chance:.1f}", f"{every:.2f}"]
            print(f"| {table} | {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
