"""Metrics: what a network is worth on examples whose labels are known. Each is a class, entered by
its module, as a user's own are; torch and scikit-learn are loaded when one is worked out."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.diagnostics.model import did_you_mean
from archdsl.layers.arguments import Unreadable
from archdsl.registered import Registered
from archdsl.training.packages import need
from archdsl.training.settings import Setting, SettingsReader
from archdsl.training.tasks import (
    CLASSIFICATION,
    MULTILABEL,
    NEXT_TOKEN,
    REGRESSION,
    SEGMENTATION,
    TASKS,
    Task,
)

if TYPE_CHECKING:
    from torch import Tensor


class Metric(Setting, Registered):
    """What is told of a network's results on all examples of a part.

    ``tasks`` are the names of those that it is of, ``maximize`` says whether more is better.
    """

    group = "metrics"
    noun = "metric"
    tasks: ClassVar[tuple[str, ...]] = (CLASSIFICATION.name,)
    maximize: ClassVar[bool] = True

    @classmethod
    def check(cls) -> None:
        super().check()
        for task in cls.tasks:
            if task not in TASKS:
                near = did_you_mean(str(task), TASKS) or [f"there are {', '.join(TASKS)}"]
                raise ValueError(f"the metric `{cls.name}` is of a task `{task}`: {near[0]}")
        if cls.of is Metric.of:
            raise TypeError(f"{cls.__name__} has no method `of`")

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        """The metric from results ``(N, classes)``, before a softmax or a sigmoid, and the labels
        of the data, both on the CPU. Of masks, ``outputs`` are numbers of pixels ``(classes,
        classes)`` instead: a row for each true class, a column for each that was said; of tokens
        rows ``(N, 2)``: the mean cross-entropy of each example, and the share of its tokens that
        are right."""
        raise NotImplementedError(f"{type(self).__name__} has no method `of`")


@dataclass(frozen=True)
class MetricsReader(SettingsReader):
    """Several metrics, a user's own among them."""

    table: str = "metrics"

    @property
    def expected(self) -> str:
        return "a metric, or a list of them"

    def read(self, value: Any) -> tuple[Metric, ...]:
        items = value if isinstance(value, tuple) else (value,)
        if not all(isinstance(v, Metric) for v in items):
            raise Unreadable(self.expected)
        return items


@dataclass(frozen=True)
class Accuracy(Metric):
    """The share of images whose class, or all of whose labels, are right."""

    name = "accuracy"
    tasks = (CLASSIFICATION.name, MULTILABEL.name)

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        if labels.dim() == 1:
            return float((outputs.argmax(1) == labels).double().mean())
        return float(((outputs > 0) == labels.bool()).all(1).double().mean())


@dataclass(frozen=True)
class Top5(Metric):
    """The share of images whose class is among the five that are said first."""

    name = "top5"

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        said = outputs.topk(min(5, outputs.shape[1]), dim=1).indices
        return float((said == labels[:, None]).any(1).double().mean())


@dataclass(frozen=True)
class BalancedAccuracy(Metric):
    """The mean recall of the classes that are there."""

    name = "balanced_accuracy"

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        right = (outputs.argmax(1) == labels).double()
        counts = labels.bincount(minlength=outputs.shape[1]).double()
        recall = counts.new_zeros(len(counts)).index_add_(0, labels, right) / counts
        return float(recall.nanmean())


@dataclass(frozen=True)
class F1(Metric):
    """The harmonic mean of precision and recall, its mean over classes or labels (macro)."""

    name = "f1"
    tasks = (CLASSIFICATION.name, MULTILABEL.name)

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        score = need("sklearn.metrics", "scikit-learn").f1_score
        if labels.dim() == 1:
            said = outputs.argmax(1).numpy()
            return float(score(labels.numpy(), said, average="macro", zero_division=0))
        # Column by column: scikit-learn takes a single one for two classes, absent and present.
        columns = zip(labels.int().T.numpy(), (outputs > 0).int().T.numpy(), strict=True)
        return fmean(float(score(truth, said, zero_division=0)) for truth, said in columns)


@dataclass(frozen=True)
class Auroc(Metric):
    """The area under the receiver operating characteristic, each class or label against the rest,
    and the mean of those of which some examples are and some are not."""

    name = "auroc"
    tasks = (CLASSIFICATION.name, MULTILABEL.name)

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return _mean_over_labels("roc_auc_score", outputs, labels, rest=True)


@dataclass(frozen=True)
class MeanAveragePrecision(Metric):
    """The area under precision over recall of each class or label, and the mean of those that
    occur."""

    name = "map"
    tasks = (CLASSIFICATION.name, MULTILABEL.name)

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return _mean_over_labels("average_precision_score", outputs, labels)


def _mean_over_labels(name: str, outputs: Tensor, labels: Tensor, rest: bool = False) -> float:
    """The mean of what scikit-learn says of each column that occurs, with ``rest`` of those that
    not all examples have; not a number where there is none."""
    import torch

    score = getattr(need("sklearn.metrics", "scikit-learn"), name)
    shares = outputs.double()
    if labels.dim() == 1:
        shares = shares.softmax(1)
        labels = torch.nn.functional.one_hot(labels, outputs.shape[1])
    told = [
        float(score(truth, said))
        for truth, said in zip(labels.T.numpy(), shares.T.numpy(), strict=True)
        if truth.any() and not (rest and truth.all())
    ]
    return sum(told) / len(told) if told else float("nan")


@dataclass(frozen=True)
class MeanAbsoluteError(Metric):
    """The mean distance of a value from the true one."""

    name = "mae"
    tasks = (REGRESSION.name,)
    maximize = False

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return float((outputs.double() - labels.double()).abs().mean())


@dataclass(frozen=True)
class RootMeanSquaredError(Metric):
    """The root of the mean squared distance of a value from the true one."""

    name = "rmse"
    tasks = (REGRESSION.name,)
    maximize = False

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return float((outputs.double() - labels.double()).square().mean().sqrt())


@dataclass(frozen=True)
class Determination(Metric):
    """The share of the variance of the true values that is explained, the mean over values: 0 is
    what their mean alone explains."""

    name = "r2"
    tasks = (REGRESSION.name,)

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        truth = labels.double()
        left = (outputs.double() - truth).square().sum(0)
        return float((1 - left / (truth - truth.mean(0)).square().sum(0)).mean())


@dataclass(frozen=True)
class IntersectionOverUnion(Metric):
    """Of each class, the pixels that are of it and are said to be, over those that are or are said
    to be; the mean over the classes that occur."""

    name = "iou"
    tasks = (SEGMENTATION.name,)

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return float(iou(outputs).nanmean())


@dataclass(frozen=True)
class PixelAccuracy(Metric):
    """The share of pixels whose class is right."""

    name = "pixel_accuracy"
    tasks = (SEGMENTATION.name,)

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return float(outputs.diagonal().sum() / outputs.sum())


@dataclass(frozen=True)
class Perplexity(Metric):
    """The exponential of the mean cross-entropy of a token: among how many, all alike, it would be
    as hard to guess the next."""

    name = "perplexity"
    tasks = (NEXT_TOKEN.name,)
    maximize = False

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return float(outputs[:, 0].double().mean().exp())


@dataclass(frozen=True)
class TokenAccuracy(Metric):
    """The share of tokens that are what the network says first."""

    name = "token_accuracy"
    tasks = (NEXT_TOKEN.name,)

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        return float(outputs[:, 1].double().mean())


def shown_of(metrics: tuple[Metric, ...], task: Task) -> tuple[Metric, ...]:
    """The metrics that are told after each epoch: the task's own, and what a recipe asks for. The
    accuracy of single classes is known without."""
    own = {cls.name: cls for cls in Metric.__subclasses__()}[task.score]()
    known = {own.name: own, **{m.name: m for m in metrics}}
    return tuple(m for m in known.values() if not (m.name == "accuracy" and task.exact))


def iou(counts: Tensor) -> Tensor:
    """The intersection over union of each class ``(classes,)`` from numbers of pixels ``(classes,
    classes)``; not a number for a class that is neither there nor said."""
    both = counts.diagonal().double()
    return both / (counts.sum(0) + counts.sum(1) - both)
