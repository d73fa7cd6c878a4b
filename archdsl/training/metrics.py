"""What a classifier is worth on images with known classes: overall, class by class, and whether
its probabilities are true."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.training.data.splits import Images
from archdsl.training.predictor import Predictor

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
