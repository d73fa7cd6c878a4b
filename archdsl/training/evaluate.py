"""Accuracy and loss of a network on images that it does not learn from, and of each of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.training.data.splits import Images, Splits
from archdsl.training.examples import Examined
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
    return examine(module, part, splits, device, recipe).means


def examine(
    module: nn.Module,
    part: Images,
    splits: Splits,
    device: torch.device | str = "cpu",
    recipe: Recipe | None = None,
) -> Examined:
    """What a network says of each image; the rest is as ``evaluate`` has it."""
    device, recipe = torch.device(device), recipe or Recipe()
    layout = memory_format(recipe, device, module, len(splits.image) - 1)
    module = module.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    feed = Feed(part, splits.mean, splits.std, device, layout)
    return examined(module, feed, recipe.batch, precision(recipe, device))


def examined(module: nn.Module, feed: Feed, batch: int, precision: Precision) -> Examined:
    """What a network says of each image of a feed. The module is in training again afterwards
    if it was before."""
    team, was_training = ranks(), module.training
    module.eval()
    found = torch.zeros(2, len(feed), device=feed.device)  # right, loss
    order = torch.arange(len(feed))
    # Without gradients, twice the batch takes less memory than one in training.
    rows = torch.cat(feed.rows(order, 2 * batch, team.share)).to(feed.device)
    begin = 0
    with torch.inference_mode(), precision.autocast():
        for images, labels in feed.batches(order, 2 * batch, team.share):
            outputs = main_of(module(images)).float()
            place = rows[begin : begin + len(labels)]
            found[0, place] = (outputs.argmax(1) == labels).float()
            found[1, place] = F.cross_entropy(outputs, labels, reduction="none")
            begin += len(labels)
    module.train(was_training)
    return Examined(*team.sum(found))


def main_of(outputs: Tensor | dict[str, Tensor]) -> Tensor:
    """The result that is evaluated: of several, the one at the network's end."""
    return outputs["main"] if isinstance(outputs, dict) else outputs
