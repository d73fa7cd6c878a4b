"""What a verdict is made of, as plain numbers, all in the unit of the score: an accuracy is a share
of 1."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.verdict.contrast import Interval

# What is said of a comparison; a comparison of categories names the better shape instead.
DEEPER, WIDER = "deeper", "wider"
EQUIVALENT = "equivalent"  # their difference is smaller than the one of interest
NO_EVIDENCE, NOT_SETTLED = "no evidence", "not settled"
DEPENDS = "depends on the kind"  # of an average: deeper is better in one kind, wider in another
LOSS = "loss"  # what decided, where it was not the score that was asked for


@dataclass(frozen=True, slots=True)
class Settled:
    """An arm, retrained on fresh seeds. ``interval`` is of the mean, and holds for the arms of
    a slice together, so that it holds for the better one."""

    shape: str
    setting: str
    depth: float | None
    width: float | None
    seeds: int
    failed: int
    mean: float | None
    sd: float | None
    interval: Interval | None
    test: float | None


@dataclass(frozen=True, slots=True)
class ByLoss:
    """The same comparison by the log-loss: the first arm's mean less the second's, less is better.

    ``p``, ``corrected``, ``interval`` and ``honest`` are as in ``Contrast``, ``test`` is the
    difference on test data. It ``agrees`` where the arm with the lower loss has the better score
    as well, on validation data and, where it is known, on test data, and the lower loss there.
    Only what agrees ``claims`` anything.
    """

    difference: float
    interval: Interval | None
    p: float
    corrected: float
    honest: float | None
    test: float | None
    agrees: bool
    claims: bool


@dataclass(frozen=True, slots=True)
class Contrast:
    """The first arm's mean less the second's: deep less wide, or best less second best.

    ``interval`` excludes 0 exactly where ``corrected``, the p-value after correction for all
    comparisons of the study, is significant. ``simultaneous`` intervals hold for all slices
    together; ``bootstrap`` is for this slice alone, and of seeds alone. ``seeds_observed`` and
    ``seeds_target`` are the seeds per arm that would show this difference, and the target, with
    80 % power; ``examples_target`` are the examples that would with the seeds there are.

    ``examples`` are those that the interval is over; none where only scores are known, and
    other examples are not in it. ``honest`` is the size that a repetition can be expected to
    have, where a difference is claimed. ``test`` is the difference on test data; a claim is
    ``withdrawn`` where its sign is the other one.

    ``folds`` are those that both arms were trained and judged on, where there are folds: the
    seeds above are then of folds. ``another`` is the interval for another data set of this size,
    as training sets of different folds are mostly the same (Nadeau and Bengio 2003).

    ``loss`` is the comparison by the log-loss, where that is known of each example.

    ``tuning`` is the deviation that the arms' tuned numbers add to the error: what either may lose
    by not being at its best; nothing where no numbers were tuned.
    """

    difference: float
    interval: Interval | None
    simultaneous: Interval | None
    bootstrap: Interval | None
    p: float
    corrected: float
    seeds_observed: int | None
    seeds_target: int | None
    examples: int | None
    examples_target: int | None
    honest: float | None
    test: float | None
    withdrawn: bool
    folds: int | None = None
    another: Interval | None = None
    loss: ByLoss | None = None
    tuning: float | None = None


@dataclass(frozen=True, slots=True)
class ArmPair:
    """Two arms of a slice, where more than two are settled, beside the first two. ``word`` is the
    better shape, or says that there is none."""

    first: str
    second: str
    word: str
    contrast: Contrast


@dataclass(frozen=True, slots=True)
class Optimum:
    """The peak of the score over the explored shapes; ``why`` it is not located, if it is not."""

    aspect: float | None = None
    aspect_interval: Interval | None = None
    depth: float | None = None
    depth_interval: Interval | None = None
    width: float | None = None
    width_interval: Interval | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Slope:
    """An exponent of the budget."""

    exponent: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Growth:
    """How the best depth and width grow with the budget; ``why`` it cannot be told."""

    depth: Slope | None = None
    width: Slope | None = None
    budgets: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True)
class SliceVerdict:
    """One budget, and one ``kind`` of network where several were tried. ``best`` is the shape with
    the best fresh mean. ``word`` and ``contrast`` are of the first two ``arms``; ``pairs`` are all
    others, where more than two are settled. ``by`` is what decided: the score, or the log-loss;
    nothing where nothing was claimed."""

    slice: str
    budget: float
    word: str
    why: str | None
    best: str | None
    arms: tuple[Settled, ...]
    contrast: Contrast | None
    wide: tuple[str, ...]
    deep: tuple[str, ...]
    optimum: Optimum | None
    kind: str = ""
    pairs: tuple[ArmPair, ...] = ()
    by: str | None = None


@dataclass(frozen=True, slots=True)
class AverageDifference:
    """Deep less wide, averaged over the settled slices with equal weights; ``honest``, ``test``,
    ``withdrawn`` and ``loss`` as in ``Contrast``, ``by`` as in ``SliceVerdict``."""

    word: str
    difference: float
    interval: Interval | None
    p: float
    corrected: float
    slices: int
    honest: float | None
    test: float | None
    withdrawn: bool
    loss: ByLoss | None = None
    by: str | None = None
