"""A metric of one's own: docs/extending.md goes through it."""

from dataclasses import dataclass

from torch import Tensor

from archdsl.training.scores import Metric


@dataclass(frozen=True)
class Worst(Metric):
    """The recall of the class that is recognised least often."""

    name = "worst_recall"
    tasks = ("classification",)
    maximize = True

    def of(self, outputs: Tensor, labels: Tensor) -> float:
        right = (outputs.argmax(1) == labels).double()
        return min(float(right[labels == c].mean()) for c in labels.unique())
