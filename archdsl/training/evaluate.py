"""What a network is worth on images that it does not learn from: loss, metrics, and what it says of
each of them."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.data.splits import Images, Splits
from archdsl.training.examples import Examined
from archdsl.training.feed import Feed
from archdsl.training.precision import Precision, memory_format, precision
from archdsl.training.ranks import ranks
from archdsl.training.recipe import Recipe
from archdsl.training.scores import Metric, shown_of
from archdsl.training.tasks import (
    CLASSIFICATION,
    IGNORED,
    MULTILABEL,
    NEXT_TOKEN,
    REGRESSION,
    Task,
)


def evaluate(
    module: nn.Module,
    part: Images,
    splits: Splits,
    device: torch.device | str = "cpu",
    recipe: Recipe | None = None,
) -> tuple[float, float]:
    """Accuracy, as a share, and mean loss, without label smoothing, on images such as
    ``splits.test``; they are normalised as the training images were. Of values and masks, which
    are not right or wrong as a whole, the first is not a number.

    Of ``recipe`` count the precision, the memory format and the batch. Processes that train
    together share the work.
    """
    accuracy, loss = examine(module, part, splits, device, recipe).means
    return float("nan") if accuracy is None else accuracy, loss


def examine(
    module: nn.Module,
    part: Images,
    splits: Splits,
    device: torch.device | str = "cpu",
    recipe: Recipe | None = None,
) -> Examined:
    """What a network says of each image, and the recipe's metrics; the rest is as ``evaluate`` has
    it."""
    device, recipe = torch.device(device), recipe or Recipe()
    layout = memory_format(recipe, device, module, len(splits.image) - 1)
    module = module.to(device=device, memory_format=layout)  # type: ignore[call-overload]
    feed = Feed(part, splits.mean, splits.std, device, layout)
    metrics = shown_of(recipe.metrics, splits.task)
    return examined(module, feed, recipe.batch, precision(recipe, device), splits.task, metrics)


def examined(
    module: nn.Module,
    feed: Feed,
    batch: int,
    precision: Precision,
    task: Task = CLASSIFICATION,
    metrics: Iterable[Metric] = (),
) -> Examined:
    """What a network says of each image of a feed. The module is in training again afterwards
    if it was before. Raises ``ArchError`` (A825) for a metric that cannot be told."""
    team, was_training = ranks(), module.training
    module.eval()
    found = torch.zeros(2, len(feed), device=feed.device)  # right, loss
    asked = tuple(metrics)
    kept: Tensor | None = None
    order = torch.arange(len(feed))
    # Without gradients, twice the batch takes less memory than one in training.
    rows = torch.cat(feed.rows(order, 2 * batch, team.share)).to(feed.device)
    begin = 0
    with torch.inference_mode(), precision.autocast():
        for images, labels in feed.batches(order, 2 * batch, team.share):
            outputs = main_of(module(images)).float()
            place = rows[begin : begin + len(labels)]
            found[0, place] = right(outputs, labels, task)
            found[1, place] = losses(outputs, labels, task)
            begin += len(labels)
            if not asked:
                continue
            if task.words:
                if kept is None:
                    kept = torch.zeros(len(feed), 2, device=feed.device)
                kept[place] = of_words(outputs, labels)
            elif task.dense:
                counts = confusion(outputs.argmax(1), labels, outputs.shape[1])
                kept = counts if kept is None else kept + counts
            else:
                if kept is None:
                    kept = torch.zeros(len(feed), *outputs.shape[1:], device=feed.device)
                kept[place] = outputs
    module.train(was_training)
    found = team.sum(found)
    if kept is None:
        return Examined(found[0], found[1], task.exact)
    results = team.sum(kept).cpu()
    labels = feed.labels.cpu()
    scores = {m.name: told(m, results, labels) for m in asked}
    return Examined(found[0], found[1], task.exact, scores)


def right(outputs: Tensor, labels: Tensor, task: Task) -> Tensor:
    """1 for each example that is right, else 0 ``(N,)``; 0 where none is right as a whole."""
    if not task.exact:
        return torch.zeros(len(labels), device=labels.device)
    if task is MULTILABEL:
        return ((outputs > 0) == labels.bool()).all(1).float()
    return (outputs.argmax(1) == labels).float()


def losses(outputs: Tensor, labels: Tensor, task: Task) -> Tensor:
    """The loss of each example ``(N,)``: the cross-entropy, of labels and pixels its mean; of
    values the mean squared error, of tokens the mean over them."""
    if task is CLASSIFICATION:
        return F.cross_entropy(outputs, labels, reduction="none")
    if task is MULTILABEL:
        return F.binary_cross_entropy_with_logits(outputs, labels, reduction="none").mean(1)
    if task is REGRESSION:
        return F.mse_loss(outputs, labels, reduction="none").mean(1)
    if task.words:
        return F.cross_entropy(outputs, labels, reduction="none").mean(1)
    each = F.cross_entropy(outputs, labels.long(), ignore_index=IGNORED, reduction="none")
    pixels = (labels != IGNORED).flatten(1).sum(1)
    return each.flatten(1).sum(1) / pixels.clamp(min=1)


def of_words(outputs: Tensor, labels: Tensor) -> Tensor:
    """What metrics of tokens are made of: of each example its mean cross-entropy, and the share of
    its tokens that are right ``(N, 2)``."""
    shares = (outputs.argmax(1) == labels).float().mean(1)
    return torch.stack([losses(outputs, labels, NEXT_TOKEN), shares], 1)


def confusion(said: Tensor, truth: Tensor, classes: int) -> Tensor:
    """Numbers of examples or pixels ``(classes, classes)``: a row for each true class, a column for
    each that was said. Those of no class do not count."""
    known = truth != IGNORED if truth.dtype == torch.uint8 else torch.ones_like(truth).bool()
    places = truth[known].long() * classes + said[known]
    return places.bincount(minlength=classes * classes).reshape(classes, classes)


def told(metric: Metric, results: Tensor, labels: Tensor) -> float:
    """A metric. Raises ``ArchError`` (A825) where it fails or is not a finite number."""
    try:
        value = float(metric.of(results, labels))
        reason = "" if isfinite(value) or not bool(results.isfinite().all()) else f"it is {value}"
    except ArchError:
        raise
    except Exception as problem:  # whatever a user's own does
        if not bool(results.isfinite().all()):
            return float("nan")  # a training that has diverged says so by its loss
        reason = f"{type(problem).__name__}: {problem}"
    if reason:
        fields = {"name": metric.name, "count": f"{len(labels):,}", "reason": reason}
        raise ArchError([diagnose(codes.BAD_METRIC, fields=fields)])
    return value


def main_of(outputs: Tensor | dict[str, Tensor]) -> Tensor:
    """The result that is evaluated: of several, the one at the network's end."""
    return outputs["main"] if isinstance(outputs, dict) else outputs
