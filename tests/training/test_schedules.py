"""Learning rates: against PyTorch's schedulers, step by step."""

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import (
    CosineAnnealingLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
)

from archdsl.training.recipe import Constant, Cosine, OneCycle, Recipe, Steps
from archdsl.training.schedules import learning_rate

PER_EPOCH, EPOCHS = 7, 6
TOTAL = PER_EPOCH * EPOCHS


def ours(recipe: Recipe) -> list[float]:
    return [learning_rate(recipe, step, PER_EPOCH) for step in range(recipe.epochs * PER_EPOCH)]


def theirs(scheduler: LRScheduler) -> list[float]:
    rates = []
    for _ in range(TOTAL):
        rates.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return rates


@pytest.fixture
def optimizer() -> SGD:
    return SGD([torch.nn.Parameter(torch.ones(1))], lr=0.4)


def test_cosine(optimizer: SGD) -> None:
    recipe = Recipe(epochs=EPOCHS, lr=0.4, schedule=Cosine())
    assert ours(recipe) == pytest.approx(theirs(CosineAnnealingLR(optimizer, TOTAL)))


def test_steps(optimizer: SGD) -> None:
    recipe = Recipe(epochs=EPOCHS, lr=0.4, schedule=Steps((2, 5), 0.2))
    scheduler = MultiStepLR(optimizer, [2 * PER_EPOCH, 5 * PER_EPOCH], 0.2)
    assert ours(recipe) == pytest.approx(theirs(scheduler))


def test_one_cycle(optimizer: SGD) -> None:
    """PyTorch's ends at its last step, so that its way is a step shorter than ours."""
    recipe = Recipe(epochs=EPOCHS, lr=0.4, schedule=OneCycle(rise=0.25))
    scheduler = OneCycleLR(optimizer, 0.4, TOTAL + 1, pct_start=0.25, cycle_momentum=False)
    difference = [abs(a - b) for a, b in zip(ours(recipe), theirs(scheduler), strict=True)]
    assert max(difference) < 0.03
    assert ours(recipe)[0] == pytest.approx(0.4 / 25)


@pytest.mark.parametrize("rise", [0.0, 1.0])
def test_one_cycle_that_only_falls_or_rises(rise: float) -> None:
    rates = ours(Recipe(epochs=2, lr=0.4, schedule=OneCycle(rise=rise)))
    assert rates == sorted(rates, reverse=rise == 0)
    assert max(rates) == pytest.approx(0.4, rel=0.02)


def test_constant() -> None:
    assert set(ours(Recipe(epochs=2, lr=0.3, schedule=Constant()))) == {0.3}


def test_warm_up_is_linear_and_the_schedule_follows() -> None:
    rates = ours(Recipe(epochs=3, lr=0.7, warmup=1.0))
    assert rates[:7] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert rates[7:] == pytest.approx(ours(Recipe(epochs=2, lr=0.7)))


@pytest.mark.parametrize("warmup", [0.01, 0.5, 3.0, 100.0])
def test_warm_up_of_any_length(warmup: float) -> None:
    rates = ours(Recipe(epochs=3, lr=0.7, warmup=warmup))
    assert all(0 < rate <= 0.7 for rate in rates)
