"""Studies in which networks err on examples: seeds, examples, and what arms find hard.

The logit of being right is ``mean + hard * e + own * a + luck * s`` with standard normal ``e`` of
an example, ``a`` of an example and an arm, and ``s`` of a training. The first three are set so that
98.6 % are right and single examples flip between seeds as they do in 160 networks on scikit-learn's
digits, where ``own`` was 0.16 between depths of a family. The margin of an example is that logit
and a logistic number; it is right where this is above 0, and its log-loss is that of the margin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from archdsl.search.settling import is_open
from archdsl.verdict import Question, Result, judge
from archdsl.verdict.answer import Verdict
from archdsl.verdict.contrast import welch
from archdsl.verdict.looks import planned
from archdsl.verdict.model import EQUIVALENT, LOSS

MEAN, HARD, LUCK = 10.2, 4.25, 0.2
DEPTHS = (10, 40, 20, 28)
FAILED = -1.5  # the logits that a training loses which fails


@dataclass(frozen=True)
class World:
    """``examples`` and ``seeds`` of a study; ``better`` is what the deep arm has more, in logits;
    ``failing`` the share of trainings that fail in part. ``split`` is the deviation, in logits, of
    what an arm has from its training set. With ``folds`` each seed is judged on one of so many
    parts of the examples, and trained on a set of its own; without, all of an arm on one set.
    There are so many ``kinds`` of networks, with arms of their own. With ``losses`` the log-loss of
    each example is known; the deep arm is ``sure`` so many times as its margins should make it.
    ``arms`` are those that settle at each budget."""

    examples: int = 360
    seeds: int = 5
    own: float = 0.16
    budgets: int = 1
    better: float = 0.0
    failing: float = 0.0
    split: float = 0.0
    folds: int = 0
    arms: int = 2
    kinds: int = 1
    losses: bool = False
    sure: float = 1.0

    def study(self, rng: np.random.Generator) -> list[Result]:
        """The results of one study: shapes at each budget, explored once and settled."""
        hard = MEAN + HARD * rng.standard_normal(self.examples)
        found = []
        for kind in range(1, self.kinds + 1):
            arms = hard + self.own * rng.standard_normal((self.arms, self.examples))
            arms[1] += self.better
            for budget in range(1, self.budgets + 1):
                for depth, logits in zip(DEPTHS[: self.arms], arms, strict=True):
                    found += self.arm(rng, f"act {kind}" * (self.kinds > 1), budget, depth, logits)
        return found

    def arm(
        self, rng: np.random.Generator, kind: str, budget: int, depth: int, logits: np.ndarray
    ) -> list[Result]:
        """A shape, explored once and settled on all seeds."""
        name = f"{budget}M macs with {kind}" if kind else f"{budget}M macs"
        shape = Result(name, budget, f"depth = {depth}", depth, 40 / depth, 0, 0.5, kind=kind)
        luck = LUCK * rng.standard_normal((self.seeds, 1))
        luck += FAILED * (rng.random((self.seeds, 1)) < self.failing)
        if self.split:
            sets = self.split * rng.standard_normal((self.folds or 1, 1))
            luck += np.resize(sets, (self.seeds, 1))
        drawn = rng.random((self.seeds, self.examples))
        right = (drawn < 1 / (1 + np.exp(-(logits + luck)))).astype(float)
        margins = logits + luck - np.log(drawn / (1 - drawn))
        losses = np.logaddexp(0, -margins * (self.sure if depth == 40 else 1))
        found = [shape]
        for k, (r, lost) in enumerate(zip(right, losses, strict=True), 1):
            fold = (k - 1) % self.folds + 1 if self.folds else 0
            if fold:
                r, lost = r[fold - 1 :: self.folds], lost[fold - 1 :: self.folds]
            like = replace(
                shape, seed=k, score=float(r.mean()), settled=True, examples=r, fold=fold
            )
            if self.losses:
                like = replace(like, loss=float(lost.mean()), losses=lost)
            found.append(like)
        return found

    def difference(self, count: int = 400_000) -> float:
        """What the deep arm has more in the population of examples, as a share."""
        rng = np.random.default_rng(0)
        spread = np.sqrt(HARD**2 + self.own**2 + LUCK**2)
        logits = MEAN + spread * rng.standard_normal(count)
        better, as_is = (1 / (1 + np.exp(-(logits + b))) for b in (self.better, 0.0))
        return float((better - as_is).mean())


# How unlike two arms are: not at all, depths of a family, blocks, and networks that err on others.
KINDS = {
    "hard on the same": 0.0,
    "depths of a family": 0.16,
    "unlike": 1.0,
    "strangers": 2.0,
}
SEEDS = (2, 3, 5, 10)
FALSE = [
    (name, world)
    for name, own in KINDS.items()
    for world in (
        *(World(examples, seeds, own) for examples in (360, 1000) for seeds in SEEDS),
        *(World(10_000, seeds, own) for seeds in (5, 10)),
        *(World(examples, 5, own, budgets=3) for examples in (360, 1000)),
        *(World(360, seeds, own, failing=0.1) for seeds in (5, 10)),
    )
]
# What an arm has from its training set is 0.8 logits of a difference, about 0.4 points.
FOLDED = [
    (name, World(1440 if folds else 360, seeds, own, better=better, split=split, folds=folds))
    for name, own in (("depths of a family", 0.16), ("strangers", 2.0))
    for split in (0.0, 0.57)
    for better in (0.0, 1.0)
    for folds, seeds in ((0, 10), (5, 10), (10, 10), (10, 20))
]
# More than two arms, so that there are 3 or 6 comparisons at each budget.
SEVERAL = [
    (name, World(examples, seeds, own, budgets, arms=arms))
    for name, own in (("depths of a family", 0.16), ("strangers", 2.0))
    for examples, seeds, budgets, arms in (
        *((examples, seeds, 1, 3) for examples in (360, 1000) for seeds in (3, 10)),
        *((360, 5, 1, 4), (360, 5, 3, 3)),
    )
]
# Wide against deep in each of several kinds of networks.
WITHIN = [
    (name, World(examples, 5, own, budgets, kinds=kinds, better=better))
    for name, own in (("depths of a family", 0.16), ("strangers", 2.0))
    for examples, budgets, kinds, better in (
        (360, 1, 2, 0.0), (1000, 1, 2, 0.0), (360, 1, 4, 0.0), (360, 3, 2, 0.0), (1000, 1, 2, 0.7),
    )
]  # fmt: skip
# The log-loss beside the accuracy: nothing differs; one arm is surer than it should be, and not
# better; one is better.
LOSSES = [
    (name, World(examples, seeds, own, budgets, losses=True, better=better, sure=sure))
    for name, own in (("hard on the same", 0.0), ("depths of a family", 0.16), ("strangers", 2.0))
    for examples, seeds, budgets, better, sure in (
        (360, 3, 1, 0.0, 1.0), (360, 5, 1, 0.0, 1.0), (360, 10, 1, 0.0, 1.0),
        (1000, 5, 1, 0.0, 1.0), (1000, 10, 1, 0.0, 1.0), (360, 5, 3, 0.0, 1.0),
        (360, 5, 1, 0.0, 1.5), (1000, 10, 1, 0.0, 1.5),
        (360, 3, 1, 1.0, 1.0), (360, 5, 1, 1.0, 1.0), (360, 10, 1, 1.0, 1.0),
        (1000, 5, 1, 0.7, 1.0),
    )
]  # fmt: skip
POWER = [
    ("hard on the same", World(e, k, 0.0, better=b))
    for e, b in ((360, 1.0), (1000, 0.7))
    for k in (3, 5, 10)
]


def claims(verdict: Verdict) -> bool:
    """Whether a difference is claimed anywhere."""
    pairs = [pair for part in verdict.slices for pair in part.pairs]
    parts = [*verdict.slices, *pairs, *([verdict.average] if verdict.average else [])]
    return any(part.word.startswith(("deeper", "wider", "depth = ")) for part in parts)


def of_seeds(results: list[Result]) -> bool:
    """Whether Welch's test of the scores claims a difference, at the first budget."""
    scores = [
        [r.score for r in results if r.settled and r.budget == 1 and r.depth == depth]
        for depth in (10, 40)
    ]
    return welch(*scores).p < 0.05  # type: ignore[arg-type]


def shares(world: World, count: int, seed: int = 0) -> tuple[float, float]:
    """The shares of studies in which the verdict, and Welch's test of seeds, claim something."""
    rng = np.random.default_rng(seed)
    question = Question(folds=world.folds, arms=world.arms)
    said = welchs = 0
    for _ in range(count):
        results = world.study(rng)
        said += claims(judge(results, question, resamples=0))
        welchs += of_seeds(results)
    return said / count, welchs / count


@dataclass(frozen=True)
class Beside:
    """The shares of studies that claim something: by the accuracy where nothing else is known,
    with the log-loss beside it, and by the log-loss alone of these; and the difference that either
    sees, in standard deviations of a seed."""

    alone: float
    both: float
    by_loss: float
    accuracy: float
    loss: float


def beside(world: World, count: int, seed: int = 0) -> Beside:
    """Studies that are judged with the log-losses, and without."""
    rng = np.random.default_rng(seed)
    alone = both = by_loss = 0
    seen: list[list[float]] = [[], []]
    for _ in range(count):
        results = world.study(rng)
        without = [replace(r, loss=None, losses=None) for r in results]
        found = judge(results, Question(folds=world.folds), resamples=0)
        alone += claims(judge(without, Question(folds=world.folds), resamples=0))
        both += claims(found)
        decided = {part.by for part in (*found.slices, found.average) if part is not None}
        by_loss += decided - {None} == {LOSS}
        first = [r for r in results if r.settled and r.slice == results[0].slice]
        for of, name in zip(seen, ("score", "loss"), strict=True):
            wide, deep = ([getattr(r, name) for r in first if r.depth == d] for d in (10, 40))
            spread = np.sqrt((np.var(wide, ddof=1) + np.var(deep, ddof=1)) / 2)
            of.append((np.mean(deep) - np.mean(wide), spread))
    effects = [np.mean([d for d, _ in of]) / np.mean([s for _, s in of]) for of in seen]
    return Beside(alone / count, both / count, by_loss / count, *map(float, effects))


@dataclass(frozen=True)
class Sequence:
    """What came of studies that looked at their results several times: the shares that claimed a
    difference and an equivalence, and the fresh seeds of an arm on average."""

    claimed: float
    equivalent: float
    seeds: float


def in_looks(world: World, looks: tuple[int, ...], count: int, seed: int = 0) -> Sequence:
    """Studies of ``world`` that end at the first of the looks with an answer."""
    rng = np.random.default_rng(seed)
    question = Question(looks=looks, arms=world.arms)
    claimed = equivalent = seeds = 0
    for _ in range(count):
        results = world.study(rng)
        for look in looks:
            found = judge([r for r in results if r.seed <= look], question, resamples=0)
            if not is_open(found.slices[0]) or look == looks[-1]:
                break
        seeds += look
        claimed += claims(found)
        equivalent += found.slices[0].word == EQUIVALENT
    return Sequence(claimed / count, equivalent / count, seeds / count)


LOOKS = planned(3, 20)
LOOKED = [
    (name, World(examples, LOOKS[-1], own, better=better))
    for name, own, half in (("depths of a family", 0.16, 0.82), ("strangers", 2.0, 0.58))
    for examples, better in ((360, 0.0), (1000, 0.0), (1000, half), (1000, 2.0))
]
