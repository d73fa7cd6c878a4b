"""What a network is trained for: what the labels of its data are, what comes out of it, what it
makes small and what it is measured by. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from archdsl.layers.arguments import OneOf
from archdsl.layers.base import Shape

IGNORED = 255  # in a mask: a pixel that is of no class


@dataclass(frozen=True)
class Task:
    """``counted`` is what there are so many of in a result, ``labels`` what those of a data set
    are; ``losses`` are those that a recipe may name, the first being the task's own; ``score``
    is the metric that is shown after each epoch, and that a search asks for where it names none;
    it is maximized or not.

    ``exact`` says whether an example is right or wrong as a whole, ``dense`` whether every pixel
    has a result of its own, ``words`` whether examples are token ids, and each has one.
    """

    name: str
    counted: str
    labels: str
    losses: tuple[str, ...]
    score: str
    maximize: bool = True
    exact: bool = False
    dense: bool = False
    words: bool = False

    def output(self, image: Shape, count: int) -> Shape:
        """The shape that a network's result has to have: of ``count`` classes, labels, values or
        tokens."""
        if self.words:
            return (count, *image)
        return (count, *image[1:]) if self.dense else (count,)

    @property
    def least(self) -> int:
        """How many classes, labels or values there are at least."""
        return 2 if self.counted in ("classes", "tokens") else 1


CLASSIFICATION = Task(
    "classification", "classes", "N whole numbers from 0", ("cross_entropy", "focal"), "accuracy",
    exact=True,
)  # fmt: skip
MULTILABEL = Task(
    "multilabel", "labels", "N x labels of 0 and 1", ("binary_cross_entropy",), "map", exact=True
)
REGRESSION = Task(
    "regression", "values", "N numbers, or N x values",
    ("squared_error", "absolute_error", "huber"), "mae", maximize=False,
)  # fmt: skip
SEGMENTATION = Task(
    "segmentation", "classes", f"N masks of whole numbers from 0, {IGNORED} for no class",
    ("cross_entropy",), "iou", dense=True,
)  # fmt: skip

NEXT_TOKEN = Task(
    "next_token", "tokens", "N x length ids: for each token the one after it",
    ("cross_entropy",), "perplexity", maximize=False, words=True,
)  # fmt: skip

OF_IMAGES = (CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION)
TASKS: Mapping[str, Task] = {task.name: task for task in (*OF_IMAGES, NEXT_TOKEN)}
TaskName = Annotated[str, OneOf(tuple(task.name for task in OF_IMAGES))]
