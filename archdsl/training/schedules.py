"""Learning rates, step by step."""

from __future__ import annotations

from math import cos, pi

from archdsl.training.recipe import Constant, Cosine, OneCycle, Recipe, Steps

START = 25  # one_cycle begins at lr / 25 and ends at lr / 250,000, as PyTorch's does
END = 250_000


def learning_rate(recipe: Recipe, step: int, per_epoch: int) -> float:
    """The learning rate of a step, the first being 0, with ``per_epoch`` steps in an epoch.

    It rises linearly for the epochs of ``warmup``; the schedule fills the steps after them.
    """
    warmup = recipe.warmup * per_epoch
    if step < warmup:
        return recipe.lr * min((step + 1) / warmup, 1.0)
    done = (step - warmup) / (recipe.epochs * per_epoch - warmup)
    schedule = recipe.schedule
    if isinstance(schedule, Cosine):
        return _between(recipe.lr, 0.0, done)
    if isinstance(schedule, OneCycle):
        low = recipe.lr / START
        if done < schedule.rise:
            return _between(low, recipe.lr, done / schedule.rise)
        fallen = (done - schedule.rise) / (1 - schedule.rise)
        return _between(recipe.lr, recipe.lr / END, fallen)
    if isinstance(schedule, Steps):
        behind = sum(step >= epoch * per_epoch for epoch in schedule.at)
        return recipe.lr * float(schedule.factor**behind)
    assert isinstance(schedule, Constant)
    return recipe.lr


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from one number to another."""
    return end + (start - end) * (1 + cos(pi * share)) / 2
