"""What a network is trained to make small, and how classes of few images count in it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.training.recipe import AbsoluteError, Focal, Huber, Recipe
from archdsl.training.suits import check_recipe
from archdsl.training.tasks import (
    CLASSIFICATION,
    IGNORED,
    MULTILABEL,
    REGRESSION,
    SEGMENTATION,
    Task,
)

Loss = Callable[[Any, Tensor], Tensor]


def loss_of(
    module: nn.Module, recipe: Recipe, labels: Tensor | None = None, task: Task = CLASSIFICATION
) -> Loss:
    """The loss of a batch, from results and labels as the task has them; of a network with side
    outputs the weighted sum that it brings itself. ``labels`` are those of all training images,
    by which classes are weighted. Raises ``ArchError`` (A824) for a recipe of another task."""
    check_recipe(recipe, task)
    criterion = _criterion(recipe, labels, task)
    weighted = getattr(module, "loss", None)
    if weighted is not None and hasattr(module, "output_weights"):
        return partial(weighted, criterion=criterion)
    return criterion


def _criterion(recipe: Recipe, labels: Tensor | None, task: Task) -> Loss:
    if task is MULTILABEL:
        return F.binary_cross_entropy_with_logits
    if task is REGRESSION:
        if isinstance(recipe.loss, Huber):
            return partial(F.huber_loss, delta=float(recipe.loss.delta))
        return F.l1_loss if isinstance(recipe.loss, AbsoluteError) else F.mse_loss
    if task is SEGMENTATION:
        return partial(of_pixels, smoothing=recipe.label_smoothing)
    gamma = recipe.loss.gamma if isinstance(recipe.loss, Focal) else 0.0
    balanced = recipe.class_weights == "balanced"
    if not gamma and not balanced:
        return partial(F.cross_entropy, label_smoothing=recipe.label_smoothing)
    assert labels is not None or not balanced
    weights = class_weights(labels) if labels is not None and balanced else None
    return partial(of_examples, gamma=gamma, weights=weights, smoothing=recipe.label_smoothing)


def of_pixels(outputs: Tensor, masks: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean cross-entropy of the pixels that are of a class: of results ``(N, classes, ...)``
    and masks ``(N, ...)``; 0 where no pixel is."""
    found = F.cross_entropy(
        outputs, masks.long(), ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing
    )
    return found / (masks != IGNORED).sum().clamp(min=1)


def of_examples(
    outputs: Tensor, labels: Tensor, gamma: float, weights: Tensor | None, smoothing: float
) -> Tensor:
    """The mean over the batch of each image's cross-entropy, times ``(1 - p) ** gamma`` for the
    probability ``p`` of its class (arXiv:1708.02002), times the weight of its class. It is
    divided by the images, not by their weights: shares of a batch then add up."""
    found = F.cross_entropy(outputs, labels, reduction="none", label_smoothing=smoothing)
    if gamma:
        said = F.cross_entropy(outputs, labels, reduction="none") if smoothing else found
        found = (-torch.expm1(-said)).clamp(min=1e-12) ** gamma * found
    if weights is not None:
        found = found * weights.to(found.device)[labels]
    return found.mean()


def class_weights(labels: Tensor) -> Tensor:
    """The weight of each class ``(classes,)``: together all classes weigh alike, and the mean over
    the images is 1. ``labels`` are ``(N,)``."""
    counts = labels.bincount()
    shares = len(labels) / counts.clamp(min=1).float()
    return shares / int((counts > 0).sum())


def balanced_order(labels: Tensor, total: int, random: torch.Generator) -> Tensor:
    """Rows ``(total,)``, drawn with repetition: first a class, each as often as another, then one
    of its images."""
    counts = labels.bincount()
    starts = counts.cumsum(0) - counts
    there = counts.nonzero().flatten()
    drawn = there[torch.randint(len(there), (total,), generator=random)]
    inside = torch.rand(total, generator=random, dtype=torch.float64) * counts[drawn]
    return labels.argsort(stable=True)[starts[drawn] + inside.long()]
