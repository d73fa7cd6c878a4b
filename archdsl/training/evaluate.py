"""Accuracy and loss of a network on images that it does not learn from."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from archdsl.training.data.splits import Images, Splits
from archdsl.training.feed import Feed
from archdsl.training.precision import Precision, memory_format, precision
from archdsl.training.ranks import ranks
from archdsl.training.recipe import Recipe


def evaluate(
    module: nn.Module,
    part: Images,
    splits: Splits,
    device: torch.device | str = "cpu",
    recipe: Recipe | None = None,
) -> tuple[float, float]:
    """Accuracy, as a share, and mean cross-entropy, without label smoothing, on images such as
    ``splits.test``; they are normalised as the training images were.

    Of ``recipe`` count the precision, the memory format and the batch. Processes that train
    together share the work.
    """
    device, recipe = torch.device(device), recipe or Recipe()
    layout = memory_format(recipe, device, len(splits.image) - 1)
    module = module.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    feed = Feed(part, splits.mean, splits.std, device, layout)
    return score(module, feed, recipe.batch, precision(recipe, device))


def score(module: nn.Module, feed: Feed, batch: int, precision: Precision) -> tuple[float, float]:
    """Accuracy and loss over all images of a feed. The module is in training again afterwards
    if it was before."""
    team, was_training = ranks(), module.training
    module.eval()
    totals = torch.zeros(2, device=feed.device)  # correct, loss
    rows = torch.arange(len(feed))
    with torch.inference_mode(), precision.autocast():
        # Without gradients, twice the batch takes less memory than one in training.
        for images, labels in feed.batches(rows, 2 * batch, team.share):
            outputs = module(images).float()
            totals[0] += (outputs.argmax(1) == labels).sum()
            totals[1] += F.cross_entropy(outputs, labels, reduction="sum")
    module.train(was_training)
    correct, loss = (team.sum(totals) / len(feed)).tolist()
    return correct, loss
