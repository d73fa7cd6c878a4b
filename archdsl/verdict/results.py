"""What a verdict is made of: trained networks, and the question that was asked of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Training = tuple[str, str, int]  # shape, setting, seed


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """What is compared: a shape, trained with one setting of its hyperparameters."""

    shape: str
    setting: str = ""


@dataclass(slots=True)
class Result:
    """One network, trained once. Results of equal ``shape`` and ``setting`` are one arm.

    ``examples`` are the scores ``(N,)`` of single validation examples, of which ``score`` is
    the mean (1 for each that is right, where accuracy is measured), in an order that is the
    same for all results; ``test_examples`` are those of the test data. ``tuned`` are the numbers
    of its setting, in an order and on scales (a rate's logarithm) that are those of all.

    Beside a score that is a share of right examples, ``loss`` is the mean of the ``losses``
    ``(N,)`` of the validation examples (a log-loss, less is better), and ``test_loss`` that of the
    test data.
    """

    slice: str  # "5M macs"
    budget: float  # what the slice holds, as a number
    shape: str  # "depth = 16, width = 1.5"
    depth: float | None  # weighted layers, as papers count them
    width: float | None  # mean channels of the weighted layers
    seed: int
    score: float | None  # on held-out data; none where the training failed
    settled: bool = False  # a retraining on a fresh seed, against exploration
    test: float | None = None  # the score on test data, of settled results
    setting: str = ""  # "lr = 0.1": what was tuned
    tuned: tuple[float, ...] = ()
    examples: Floats | None = field(default=None, compare=False, repr=False)
    test_examples: Floats | None = field(default=None, compare=False, repr=False)
    kind: str = ""  # "act relu": where wide against deep is asked of each kind; part of `slice`
    loss: float | None = None
    losses: Floats | None = field(default=None, compare=False, repr=False)
    test_loss: float | None = None
    fold: int = 0  # the split that it was trained and judged on, from 1; 0: that of all results
    again: bool = False  # no training of its own: a settled one that stands for exploration

    def __post_init__(self) -> None:
        numbers = (
            self.budget, self.depth, self.width, self.score, self.test, self.loss, self.test_loss,
        )  # fmt: skip
        if isfinite(sum([value for value in numbers if value is not None])):
            return
        for value in numbers:
            if value is not None and not isfinite(value):
                raise ValueError(f"a result has the value {value}: it must be a finite number")

    @property
    def arm(self) -> Arm:
        return Arm(self.shape, self.setting)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: ``ordered`` where shapes differ in depth, so that "wide" and "deep" have a
    meaning. ``target`` is the smallest difference of interest, in the unit of the score.
    ``looks`` are the numbers of fresh seeds at which results are looked at, where that is
    planned (see ``archdsl.verdict.looks``); none, or one, where they are once. ``folds`` are the
    parts that the data were cut into, where fresh results are of one each. ``arms`` are the shapes
    of a slice that are settled. ``settles`` is false where no fresh seeds were asked for. Fresh
    results are of validation data, or of these and the test data where ``both`` is said."""

    maximize: bool = True
    measure: str = "accuracy"
    ordered: bool = True
    target: float = 0.005
    looks: tuple[int, ...] = ()
    folds: int = 0
    arms: int = 2
    settles: bool = True
    both: bool = False

    @property
    def sign(self) -> int:
        return 1 if self.maximize else -1


@dataclass(frozen=True, slots=True)
class BudgetResults:
    """The results at one budget, each training once."""

    name: str
    budget: float
    explored: tuple[Result, ...]
    settled: tuple[Result, ...]
    kind: str = ""


def slices_of(results: Iterable[Result]) -> list[BudgetResults]:
    """The slices by their budgets.

    A training that was repeated with its seed counts once, and a retraining on a seed that
    its arm was explored with is not fresh: it does not count.
    """
    budgets: dict[str, float] = {}
    kinds: dict[str, str] = {}
    explored: defaultdict[str, dict[Training, Result]] = defaultdict(dict)
    settled: defaultdict[str, dict[Training, Result]] = defaultdict(dict)
    for result in results:
        budgets.setdefault(result.slice, result.budget)
        kinds.setdefault(result.slice, result.kind)
        kind = (settled if result.settled else explored)[result.slice]
        key = (result.shape, result.setting, result.seed)
        if key not in kind or kind[key].score is None:
            kind[key] = result
    return [
        BudgetResults(
            name,
            budget,
            tuple(explored[name].values()),
            tuple(r for k, r in settled[name].items() if k not in explored[name]),
            kinds[name],
        )
        for name, budget in sorted(budgets.items(), key=lambda item: item[1])
    ]
