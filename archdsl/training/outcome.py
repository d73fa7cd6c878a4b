"""What a training gives: its epochs and its result, or why it failed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from archdsl.backend.out_of_memory import is_shortage, shortage
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.diagnostics.render import render
from archdsl.layers.base import Shape, show_shape
from archdsl.training.recipe import Recipe

T = TypeVar("T")

DIVERGED = "diverged"
OUT_OF_MEMORY = "out of memory"

ONE_VALUE = "Expected more than 1 value per channel"  # of batch normalisation


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch, counted from 1. ``loss``, ``accuracy`` (a share; none where no example is right or
    wrong as a whole) and ``scores``, the metrics by their names, are of the validation images;
    ``train_loss`` is the mean over the epoch's batches, ``lr`` that of its last step;
    ``seconds`` include the validation."""

    epoch: int
    loss: float
    accuracy: float | None
    train_loss: float
    lr: float
    seconds: float
    scores: Mapping[str, float] = field(default_factory=dict)

    def score(self, name: str) -> float:
        """A metric, ``loss`` or ``error``. Raises ``KeyError`` for what is not known."""
        return score_of(name, self.loss, self.accuracy, self.scores)


@dataclass(frozen=True, slots=True)
class TrainingStep:
    """A step that is done: ``done`` of ``steps`` in an epoch, which is counted from 1. ``total``
    is the sum of the training losses of these steps, and stays on the device: it grows with the
    next step, so it is read at once or not at all."""

    epoch: int
    done: int
    steps: int
    total: Tensor | float

    @property
    def loss(self) -> float:
        """The mean training loss of the epoch so far. The device is waited for."""
        return float(self.total) / self.done

    @property
    def epochs(self) -> float:
        """How many epochs are done; the validation counts as one more step."""
        return self.epoch - 1 + self.done / (self.steps + 1)

    def said(self) -> tuple[int, int, int, float]:
        """As it is told to another process."""
        return self.epoch, self.done, self.steps, float(self.total)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished training. ``accuracy``, ``loss`` and ``scores`` are of the validation images after
    the last epoch, as there; ``images_per_second`` counts the training alone; ``peak_memory`` is
    in bytes, and known on CUDA only. ``examples`` is what the network says of each validation
    image, as ``archdsl.training.examples`` writes it; empty where that is not known."""

    accuracy: float | None
    loss: float
    epochs: tuple[Epoch, ...]
    seconds: float
    images_per_second: float
    peak_memory: int | None
    examples: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)

    def score(self, name: str) -> float:
        """A metric, ``loss`` or ``error``. Raises ``KeyError`` for what is not known."""
        return score_of(name, self.loss, self.accuracy, self.scores)


def score_of(name: str, loss: float, accuracy: float | None, scores: Mapping[str, float]) -> float:
    """What goes by a name. Raises ``KeyError``."""
    known: dict[str, float] = {**scores, "loss": loss}
    if accuracy is not None:
        known |= {"accuracy": accuracy, "error": 1 - accuracy}
    return known[name]


class Failure(Exception):
    """A training that came to no result. ``cause`` is "diverged" or "out of memory"; the text
    says what to do."""

    def __init__(self, cause: str, diagnostic: Diagnostic) -> None:
        super().__init__(cause, diagnostic)
        self.cause = cause
        self.diagnostic = diagnostic

    def __str__(self) -> str:
        return render([self.diagnostic])


def diverged(epoch: int, recipe: Recipe) -> Failure:
    return Failure(DIVERGED, diagnose(codes.DIVERGED, epoch=epoch, lr=f"{recipe.lr:g}"))


def guarded(work: Callable[[], T], recipe: Recipe, image: Shape, device: torch.device) -> T:
    """What ``work`` gives. Raises ``Failure`` where the memory is not enough for it, and
    ``ArchError`` (A806) for a batch that is too small for batch normalisation."""
    try:
        return work()
    except (MemoryError, RuntimeError) as problem:
        if not is_shortage(problem):
            raise
    except ValueError as problem:
        if ONE_VALUE not in str(problem):
            raise
        raise bad_batch(recipe.batch, "batch normalisation gets a single value") from None
    # Behind the handlers, so that the failure keeps no frame, and no frame a tensor.
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    what = f"batches of {recipe.batch} images of {show_shape(image)}"
    (found,) = shortage(device, what).diagnostics
    raise Failure(OUT_OF_MEMORY, found)


def bad_batch(batch: int, reason: str) -> ArchError:
    """The error of a batch that cannot be trained, whatever the network learns."""
    return ArchError([diagnose(codes.BAD_BATCH, batch=batch, reason=reason)])
