"""Which weights a training keeps: averaged ones, those of the best epoch; and batches in pieces."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small import NORMED, network, splits
from torch import nn

from archdsl.training.average import MovingAverage
from archdsl.training.data.splits import Splits
from archdsl.training.loop import evaluate, train_candidate
from archdsl.training.outcome import Outcome
from archdsl.training.records import read_recipe

BASE = "epochs = 3, batch = 16, lr = 0.05"


def numbers(outcome: Outcome) -> list[tuple[float, ...]]:
    return [(e.loss, e.accuracy or 0.0, e.train_loss) for e in outcome.epochs]


@pytest.mark.parametrize("pieces", [2, 3, 16])
def test_a_batch_in_pieces_is_the_batch(pieces: int) -> None:
    arch, data = network(), splits()
    recipes = [read_recipe(f"{BASE}, accumulate = {n}") for n in (1, pieces)]
    (one, whole), (other, parts) = (train_candidate(arch, data, r, 0) for r in recipes)
    for a, b in zip(numbers(whole), numbers(parts), strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    for p, q in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-5)


def test_an_average_by_hand() -> None:
    module = nn.BatchNorm1d(1)
    average = MovingAverage(module, 0.15)
    module.weight.data.fill_(2.0)
    module.num_batches_tracked.fill_(7)
    average.follow(module)  # a share of 0.9: the decay is 1 / 10
    assert average.module.weight.item() == pytest.approx(1.9)
    average.follow(module)  # 0.85: it is 0.15, and would be 2 / 11 later
    assert average.module.weight.item() == pytest.approx(1.985)
    assert average.module.num_batches_tracked.item() == 7


def test_an_average_is_validated_and_kept() -> None:
    arch, data = network(NORMED), splits()
    plain, average = (read_recipe(BASE + more) for more in ("", ", ema = 0.9"))
    _, alone = train_candidate(arch, data, plain, 0)
    module, outcome = train_candidate(arch, data, average, 0)
    assert [e.train_loss for e in outcome.epochs] == [e.train_loss for e in alone.epochs]
    assert outcome.loss != alone.loss
    assert evaluate(module, data.validation, data) == (outcome.accuracy, outcome.loss)
    assert all(p.requires_grad for p in module.parameters())


HARD = "epochs = 40, batch = 16, lr = 0.2, schedule = constant, patience = 3"


def noisy() -> Splits:
    """What is learned by heart, and not understood: the validation loss rises before long."""
    data = splits()
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(0))
    data.train = replace(data.train, labels=data.train.labels[order])
    return data


def test_the_best_epoch_is_kept() -> None:
    data = noisy()
    module, outcome = train_candidate(network(), data, read_recipe(HARD), 0)
    losses = [e.loss for e in outcome.epochs]
    best = losses.index(min(losses))
    assert len(losses) == best + 1 + 3 < 40
    assert outcome.loss == losses[best]
    assert evaluate(module, data.validation, data)[1] == pytest.approx(losses[best])


class Break(Exception):
    pass


@pytest.mark.parametrize("at", [1, 4])
def test_it_goes_on_after_a_break(at: int) -> None:
    recipe = read_recipe(f"{HARD}, ema = 0.8, accumulate = 2")
    data, path = noisy(), Path("run.pt")
    _, wanted = train_candidate(network(), data, recipe, 0)

    def stop(epoch: object) -> None:
        if getattr(epoch, "epoch", 0) == at:
            raise Break

    arch = network()
    with pytest.raises(Break):
        train_candidate(arch, data, recipe, 0, on_epoch=stop, checkpoint=path)
    _, found = train_candidate(arch, data, recipe, 0, checkpoint=path, resume=True)
    assert numbers(found) == numbers(wanted)
    assert (found.loss, found.examples) == (wanted.loss, wanted.examples)
    _, again = train_candidate(arch, data, recipe, 0, checkpoint=path, resume=True)
    assert (again.loss, again.examples) == (wanted.loss, wanted.examples), "of one that is over"
