"""What a search asks the score of, and what may be said of it: the one place between a search
and whoever trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import isfinite
from numbers import Real
from typing import Any

import torch
from torch import nn

from archdsl.modelcard import ModelCard, card_from
from archdsl.search.rows import DIVERGED, ERROR
from archdsl.spec import Architecture
from archdsl.training.examples import written
from archdsl.training.keep import texts_of
from archdsl.training.tasks import TASKS
from archdsl.units import SHARES, is_lower_better

Objective = Callable[["Asked"], Any]  # gives the scores of a candidate


class Unscored(Exception):
    """What was said of a candidate is no score. ``failure`` is one of ``archdsl.search.rows``."""

    def __init__(self, failure: str, cause: str) -> None:
        super().__init__(cause)
        self.failure = failure


@dataclass(eq=False)
class Asked:
    """A candidate whose score is asked for.

    ``architecture`` is the network, ``settings`` what is set and what was drawn for its training,
    ``seed`` that of its training. ``stage`` is ``explore``, ``baseline`` or ``settle``: in
    settling, the score on test data is asked for too. ``number`` is that of its trial in its
    ``slice``, and ``shape`` its name. Where the search has ``folds`` and it settles, ``fold`` is
    ``(3, 10)`` for the third of ten splits, on which it is to be trained and judged.
    """

    architecture: Architecture
    settings: Mapping[str, Any]
    seed: int
    device: torch.device
    stage: str
    slice: str
    shape: str
    number: int
    setting: str = ""  # what was drawn, in words: "lr = 0.1"
    fold: tuple[int, int] | None = None  # which split of how many, where the search has folds
    curve: list[tuple[float, ...]] = field(default_factory=list, repr=False)  # what was reported
    on_report: Callable[[int, float], None] = field(default=lambda step, score: None, repr=False)
    card: ModelCard | None = field(default=None, repr=False)  # what was described

    @cached_property
    def module(self) -> nn.Module:
        """The network as a PyTorch module on ``device``, its weights by ``seed``. The weights of
        the best are kept."""
        torch.manual_seed(self.seed)
        return self.architecture.build().to(self.device)

    @property
    def built(self) -> nn.Module | None:
        """The module, if it was asked for."""
        return self.__dict__.get("module")

    def report(self, step: int, score: float) -> None:
        """Says the score after an epoch, or another step from 1 on. Raises what ends the training
        of a candidate that is to be pruned: let it pass."""
        if isinstance(step, bool) or not isinstance(step, int) or step < 0:
            raise Unscored(ERROR, f"a step is a whole number from 0 on, not {step!r}")
        self.on_report(step, number_of("the score that is reported", score))

    def describe(
        self,
        classes: Iterable[str],
        mean: float | Iterable[float],
        std: float | Iterable[float],
        *,
        task: str = "classification",
        values: str = "uint8",
        data: str = "",
    ) -> None:
        """Says what it takes to predict with the network, which is kept with its weights.

        ``classes`` are the names of the classes, labels or values, in the order of the network's
        results; ``mean`` and ``std`` those by which each channel was normalised, black being 0 and
        white 1, or one number for all channels. ``values`` are those of the pictures' pixels:
        ``uint8``, ``uint16``, or ``float32``, which are read as they are. ``data`` is a note.

        Raises ``Unscored`` for what the network cannot be used by.
        """
        arch = self.architecture
        recipe = ", ".join(f"{name} = {value}" for name, value in self.settings.items())
        rate = self.settings.get("lr")
        lr = float(rate) if isinstance(rate, (int, float)) else None
        card = ModelCard(
            arch.input, _of_each(mean, arch.input[0]), _of_each(std, arch.input[0]),
            tuple(map(str, classes)), task, data, recipe, lr, self.seed, arch.hash,
            texts_of(arch), values,
        )  # fmt: skip
        try:
            card = card_from(asdict(card))
        except ValueError as problem:
            raise Unscored(ERROR, f"what `describe` was told cannot be: {problem}") from None
        if task not in TASKS:
            raise Unscored(ERROR, f"`describe` takes one of {', '.join(TASKS)} as `task`")
        if not card.is_of(arch.input, arch.output):
            many = f"{len(card.classes)} classes, and the network has {arch.output[0]} results"
            raise Unscored(ERROR, f"`describe` was told of {many}")
        self.card = card


def _of_each(value: float | Iterable[float], channels: int) -> tuple[float, ...]:
    """A number for each channel."""
    given: Any = listed(value)
    return tuple(given) if isinstance(given, list) else (given,) * channels


@dataclass(frozen=True)
class Scores:
    """The scores of a candidate by their names; ``test`` is the objective on test data.
    ``examples`` and ``test_examples`` are what it says of each example, as
    ``archdsl.training.examples`` writes it, where that is known; ``seconds`` what it took."""

    known: Mapping[str, float]
    test: float | None = None
    examples: str = ""
    test_examples: str = ""
    seconds: float | None = None

    def of(self, name: str) -> float:
        """Raises ``Unscored`` for a name that nothing is known by."""
        if name not in self.known:
            names = " and ".join(f"`{n}`" for n in self.known) or "nothing"
            text = f"the search asks for `{name}`, and the training gave {names}"
            if name == "accuracy" and self.known:  # it may be that nothing was said
                one = next(iter(self.known))
                verb = "minimize" if is_lower_better(one) else "maximize"
                text += f": say in the search what counts, such as `{verb} {one}`"
            raise Unscored(ERROR, text)
        return self.known[name]


def scores_of(said: Any, first: str) -> Scores:
    """The scores that a training gave: a number, that of the objective ``first``; or numbers by
    their names, or, in the place of one, what holds of each example: its mean is taken.

    Raises ``Unscored``.
    """
    if isinstance(said, Scores):
        return said
    given = dict(said) if isinstance(said, Mapping) else {first: said}
    given = {name: listed(value) for name, value in given.items()}
    found = {}
    for name, value in given.items():
        if not isinstance(name, str):
            raise Unscored(ERROR, f"the name of a score is a text, not {name!r}")
        found[name] = number_of(f"`{name}`", value)
        if name in SHARES and not 0 <= found[name] <= 1:
            share = f"a share from 0 to 1, as 0.875 is for 87.5 %, and it is {found[name]:g}"
            raise Unscored(ERROR, f"`{name}` is {share}")
    if "accuracy" in found:
        found.setdefault("error", 1 - found["accuracy"])
    test = found.pop("test", None)
    right = written_of(given.get(first), first, given.get("loss"))
    test_right = written_of(given.get("test"), first)
    return Scores(found, test, right, test_right)


def written_of(value: Any, first: str, losses: Any = None) -> str:
    """What holds of each example, where it is right or wrong, as it is kept; with its loss, if
    ``losses`` are as many numbers."""
    if first not in ("accuracy", "error") or not isinstance(value, list):
        return ""
    right = [v if first == "accuracy" else 1 - v for v in value if v in (0, 1)]
    if len(right) < len(value):
        return ""
    lost = [float(n) for n in losses if isinstance(n, Real)] if isinstance(losses, list) else []
    return written(list(map(bool, right)), lost if len(lost) == len(right) else [])


def listed(value: Any) -> Any:
    """A tensor or an array as lists of numbers."""
    if hasattr(value, "detach"):
        value = value.detach()
    value = value.tolist() if hasattr(value, "tolist") else value
    return list(value) if isinstance(value, tuple) else value


def number_of(what: str, value: Any) -> float:
    """A finite number, or the mean of numbers. Raises ``Unscored``."""
    value = listed(value)
    if isinstance(value, list):
        if not value:
            raise Unscored(ERROR, f"{what} is an empty list")
        return sum(number_of(f"{what} of an example", v) for v in value) / len(value)
    if not isinstance(value, Real):
        raise Unscored(ERROR, f"{what} is not a number, but {type(value).__name__}: {value!r:.80}")
    number = float(value)
    if not isfinite(number):
        raise Unscored(DIVERGED, f"{what} is {number}")
    return number
