"""What a network is worth on images whose labels are known: overall, class by class, and whether
the probabilities of a classifier are true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.diagnostics.model import ArchError
from archdsl.training.data.splits import Images
from archdsl.training.evaluate import confusion, losses, of_words, told
from archdsl.training.predictor import Predictor
from archdsl.training.scores import Metric, iou
from archdsl.training.tasks import Task

BATCH = 256
BINS = 15  # of equal width, as Guo et al. 2017 (arXiv:1706.04599) have them


@dataclass(frozen=True)
class Evaluation:
    """``confusion`` counts images ``(classes, classes)``: a row for each true class, a column for
    each that was said. ``loss`` is the mean cross-entropy; ``confidence`` the mean of the largest
    probabilities; ``calibration`` the expected calibration error, a share."""

    confusion: Tensor
    loss: float
    confidence: float
    calibration: float

    @property
    def accuracy(self) -> float:
        return float(self.confusion.diagonal().sum() / self.confusion.sum())

    @property
    def recall(self) -> Tensor:
        """Of the images of each class, the share that was said; not a number where none is."""
        return self.confusion.diagonal() / self.confusion.sum(1)

    @property
    def precision(self) -> Tensor:
        """Of those said to be of a class, the share that is; not a number where none is said."""
        return self.confusion.diagonal() / self.confusion.sum(0)

    @property
    def f1(self) -> Tensor:
        """The harmonic mean of the two; not a number for a class that is neither there nor said."""
        return 2 * self.confusion.diagonal() / (self.confusion.sum(0) + self.confusion.sum(1))

    @property
    def balanced(self) -> float:
        """The mean recall of the classes that are there."""
        return float(self.recall.nanmean())


def evaluated(model: Predictor, images: Images) -> Evaluation:
    """What a network says of images, whose labels are places in ``model.card.classes``."""
    outputs = torch.cat([model.logits(part) for part in images.images.split(BATCH)])
    return of_outputs(outputs, images.labels, len(model.card.classes))


@dataclass(frozen=True)
class TaskScores:
    """What a network for another task than classification is worth: its ``loss``, all metrics of
    the task that can be told, and those of each class, label or value by their names; of masks,
    ``confusion`` counts the pixels ``(classes, classes)``. Of tokens, none is told by itself."""

    loss: float
    scores: Mapping[str, float]
    each: Sequence[Mapping[str, float]]
    confusion: Tensor | None = None


def measured(model: Predictor, images: Images, task: Task, metrics: Iterable[Metric]) -> TaskScores:
    """Of images whose labels are as the task has them."""
    count, total = len(model.card.classes), 0.0
    counts, kept = torch.zeros(count, count, dtype=torch.int64), []
    pairs = zip(images.images.split(BATCH), images.labels.split(BATCH), strict=True)
    for part, labels in pairs:
        outputs = model.logits(part)
        total += float(losses(outputs, labels, task).double().sum())
        if task.words:
            kept.append(of_words(outputs, labels))
        elif task.dense:
            counts += confusion(outputs.argmax(1), labels, count)
        else:
            kept.append(outputs)
    results = counts if task.dense else torch.cat(kept)
    asked = [m for m in metrics if task.name in m.tasks]
    scores = told_of(asked, results, images.labels)
    loss = total / len(images)
    if task.dense:
        shares = (counts.sum(1) / counts.sum()).tolist()
        found = zip(shares, iou(counts).tolist(), strict=True)
        each = [{"share": s, **({} if isnan(v) else {"iou": v})} for s, v in found]
        return TaskScores(loss, scores, each, counts)
    if task.words:
        return TaskScores(loss, scores, [])
    columns = [(results[:, i : i + 1], images.labels[:, i : i + 1]) for i in range(count)]
    return TaskScores(loss, scores, [told_of(asked, *column) for column in columns])


def told_of(metrics: Iterable[Metric], results: Tensor, labels: Tensor) -> dict[str, float]:
    """The metrics that can be told, by their names."""
    found = {}
    for metric in metrics:
        try:
            found[metric.name] = told(metric, results, labels)
        except ArchError:
            continue
    return found


def of_outputs(outputs: Tensor, labels: Tensor, classes: int) -> Evaluation:
    """Of results ``(N, classes)`` and true classes ``(N,)``."""
    probabilities = outputs.softmax(1)
    confidence, said = probabilities.max(1)
    counts = torch.zeros(classes, classes, dtype=torch.int64)
    counts.index_put_((labels, said), torch.ones_like(labels), accumulate=True)
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1
    off = torch.zeros(BINS).index_add_(0, bins, (said == labels).float() - confidence)
    return Evaluation(
        counts,
        float(F.cross_entropy(outputs, labels)),
        float(confidence.mean()),
        float(off.abs().sum() / len(labels)),
    )
