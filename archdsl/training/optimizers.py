"""The optimizer of a recipe."""

from __future__ import annotations

from typing import Any

from torch import nn, optim
from torch.optim import Optimizer

from archdsl.training.recipe import Adam, AdamW, Recipe, RmsProp, Sgd


def make_optimizer(module: nn.Module, recipe: Recipe) -> Optimizer:
    """The optimizer over the parameters that are trained, its state not yet made."""
    kind = recipe.optimizer
    assert isinstance(kind, (Sgd, AdamW, Adam, RmsProp))
    groups = _groups(module, kind.weight_decay, kind.decay == "all")
    if isinstance(kind, AdamW):
        return optim.AdamW(groups, recipe.lr, (kind.beta1, kind.beta2), fused=True)
    if isinstance(kind, Adam):
        return optim.Adam(groups, recipe.lr, (kind.beta1, kind.beta2), fused=True)
    if isinstance(kind, RmsProp):
        return optim.RMSprop(groups, recipe.lr, kind.alpha, momentum=kind.momentum)
    nesterov = kind.nesterov and kind.momentum > 0  # without momentum there is nothing to look at
    return optim.SGD(groups, recipe.lr, kind.momentum, nesterov=nesterov, fused=True)


def _groups(module: nn.Module, decay: float, of_all: bool) -> list[dict[str, Any]]:
    """The parameters by their decay. Weights have two axes or more; biases, scales and shifts
    have one."""
    trained = [p for p in module.parameters() if p.requires_grad]
    decaying = [p for p in trained if of_all or p.dim() > 1]
    others = [p for p in trained if not of_all and p.dim() <= 1]
    groups = [(decaying, decay), (others, 0.0)]
    return [{"params": params, "weight_decay": share} for params, share in groups if params]
