"""An epoch of training, in plain PyTorch: batches, steps, and what is left on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import isfinite
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from archdsl.training.augment import Draws, Mixed, Pixels, augmented, augmented_with_masks
from archdsl.training.augmentations import Mixing
from archdsl.training.average import MovingAverage
from archdsl.training.checkpoint import TrainingProgress
from archdsl.training.data.splits import Splits
from archdsl.training.evaluate import examined
from archdsl.training.examples import Examined
from archdsl.training.feed import Feed
from archdsl.training.losses import balanced_order, loss_of
from archdsl.training.optimizers import make_optimizer
from archdsl.training.outcome import Epoch, TrainingStep, bad_batch, diverged
from archdsl.training.precision import memory_format, precision
from archdsl.training.ranks import Ranks
from archdsl.training.recipe import Recipe
from archdsl.training.schedules import learning_rate
from archdsl.training.scores import shown_of
from archdsl.training.seeds import derived, generator, seed_all
from archdsl.training.start import freeze_parts
from archdsl.training.tasks import CLASSIFICATION

OnStep = Callable[[TrainingStep], None]


class Trainer:
    """A network on its way: ``epoch`` runs the next one."""

    def __init__(
        self,
        module: nn.Module,
        splits: Splits,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        team: Ranks,
    ) -> None:
        self.recipe, self.seed, self.device, self.team = recipe, seed, device, team
        self.batch = batch_size(recipe, len(splits.train), team)
        self.steps = len(splits.train) // self.batch
        layout = memory_format(recipe, device, module, len(splits.image) - 1)
        self.module = module.to(device=device, memory_format=layout)  # type: ignore[call-overload]
        self.train_feed = Feed(splits.train, splits.mean, splits.std, device, layout)
        self.validation_feed = Feed(splits.validation, splits.mean, splits.std, device, layout)
        self.frozen = freeze_parts(self.module, recipe.freeze or ())
        self.precision = precision(recipe, device)
        self.scaler = self.precision.scaler()
        self.optimizer = make_optimizer(self.module, recipe)
        self.model = wrapped(self.module, recipe, device, team)
        self.labels = splits.train.labels
        self.classes = splits.classes
        self.pixels = Pixels(splits.mean.to(device), splits.std.to(device))
        self.task = splits.task
        self.loss = loss_of(self.module, recipe, self.labels, self.task)
        self.metrics = shown_of(recipe.metrics, self.task)
        self.average = None if recipe.ema is None else MovingAverage(self.module, float(recipe.ema))
        self.best: dict[str, Tensor] | None = None  # the weights of the best epoch, if it is kept
        self.progress = TrainingProgress()
        self.said: Examined | None = None  # of the validation images, after the last epoch

    @property
    def finished(self) -> bool:
        epochs, patience = self.progress.epochs, self.recipe.patience
        if patience is not None and epochs and len(epochs) - self.result.epoch >= patience:
            return True
        return len(epochs) >= self.recipe.epochs

    @property
    def result(self) -> Epoch:
        """The epoch whose weights are kept: the last, or with patience the first of the least
        loss."""
        epochs = self.progress.epochs
        return epochs[-1] if self.recipe.patience is None else min(epochs, key=lambda e: e.loss)

    @property
    def kept(self) -> nn.Module:
        """What is validated and kept: the network, or the average of its weights."""
        return self.module if self.average is None else self.average.module

    def finish(self) -> None:
        """Leaves in the network what is kept."""
        if self.best is not None and self.result is not self.progress.epochs[-1]:
            self.module.load_state_dict(self.best)
            self.said = None
        elif self.average is not None:
            self.module.load_state_dict(self.average.module.state_dict())
        self.average = None

    def epoch(self, on_step: OnStep | None = None) -> Epoch:
        """Trains for an epoch and validates. Raises ``Failure`` for a loss that is not finite.

        The images that fill no batch are left out: other ones in each epoch, and no batch is
        ever smaller than the others, or too small for batch normalisation.
        """
        number = len(self.progress.epochs) + 1
        started = perf_counter()
        seed_all(self.device, derived(self.seed, "network", number, self.team.rank))
        self.module.train()
        for part in self.frozen:
            part.eval()
        total = torch.zeros((), device=self.device)
        lr = 0.0
        for step, (images, labels) in enumerate(self.batches(number)):
            lr = learning_rate(self.recipe, (number - 1) * self.steps + step, self.steps)
            total += self.step(images, labels, lr)
            if on_step is not None:
                on_step(TrainingStep(number, step + 1, self.steps, total))
        # Where the device is waited for; but for that, only where `on_step` reads the loss.
        train_loss = self.team.sum(total).item() / (self.steps * self.team.size)
        trained = perf_counter()
        if not isfinite(train_loss):
            raise diverged(number, self.recipe)
        self.team.level(self.kept)
        said = self.validate()
        accuracy, loss = said.means
        if not isfinite(loss):
            raise diverged(number, self.recipe)
        seconds = perf_counter() - started
        epoch = Epoch(number, loss, accuracy, train_loss, lr, seconds, said.scores)
        before = self.progress
        self.progress = TrainingProgress(
            (*before.epochs, epoch),
            before.images + self.steps * self.batch,
            before.seconds + trained - started,
        )
        if self.recipe.patience is not None and self.result is epoch:
            self.best = {name: t.clone() for name, t in self.kept.state_dict().items()}
        return epoch

    def validate(self) -> Examined:
        """What the network says of the validation images as it is."""
        self.said = examined(
            self.kept, self.validation_feed, self.batch, self.precision, self.task, self.metrics
        )
        return self.said

    def batches(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The share of this process in the batches of an epoch, augmented."""
        chance, total = generator("cpu", self.seed, "order", number), self.steps * self.batch
        if self.recipe.sampling == "balanced":
            order = balanced_order(self.labels, total, chance)
        else:
            order = torch.randperm(len(self.labels), generator=chance)[:total]
        random = generator(self.device, self.seed, "augmentation", number)
        draws = Draws(random, self.team.share)
        kinds = self.recipe.augment
        pixels = self.pixels

        def change(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            if self.task.dense and kinds:
                return augmented_with_masks(images, labels, kinds, draws, pixels)
            return augmented(images, kinds, draws, pixels), labels

        ways = tuple(kind for kind in kinds if isinstance(kind, Mixing))
        classes = self.classes if self.task is CLASSIFICATION else None
        mixed = Mixed(ways, classes, derived(self.seed, "mixing", number))
        feed = self.train_feed.batches(order, self.batch, self.team.share, change)
        return (mixed(place, *batch) for place, batch in enumerate(feed))

    def step(self, images: Tensor, labels: Tensor, lr: float) -> Tensor:
        """Learns from a batch. Gives its loss, which stays on the device."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        pieces = self.recipe.accumulate
        for some, truth in zip(images.chunk(pieces), labels.chunk(pieces), strict=True):
            with self.precision.autocast():
                loss = self.loss(self.model(some), truth) * (len(truth) / len(labels))
            torch.autograd.backward(self.scaler.scale(loss))
            total += loss.detach()
        if self.recipe.clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.module.parameters(), self.recipe.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.follow(self.module)
        return total

    def states(self) -> dict[str, Any]:
        """What a checkpoint keeps. Schedule and random numbers follow from the epoch."""
        states = {
            "model": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        if self.average is not None:
            states["average"] = self.average.module.state_dict()
            states["steps"] = self.average.steps
        if self.best is not None:
            states["best"] = self.best
        return states

    def go_on(self, progress: TrainingProgress, states: Mapping[str, Any]) -> None:
        """Takes up what ``states`` gave."""
        self.module.load_state_dict(states["model"])
        self.optimizer.load_state_dict(states["optimizer"])
        if states["scaler"]:
            self.scaler.load_state_dict(states["scaler"])
        if self.average is not None:
            self.average.module.load_state_dict(states["average"])
            self.average.steps = int(states["steps"])
        if self.recipe.patience is not None:
            self.best = dict(states["best"])
        self.progress = progress


def batch_size(recipe: Recipe, images: int, team: Ranks) -> int:
    """The images of a step: at most all that there are. Raises ``ArchError`` (A806) where the
    processes cannot have equal shares."""
    if recipe.batch % team.size or images < team.size:
        raise bad_batch(recipe.batch, f"{team.size} processes cannot share it equally")
    return min(recipe.batch, images - images % team.size)


def wrapped(
    module: nn.Module, recipe: Recipe, device: torch.device, team: Ranks
) -> Callable[[Tensor], Any]:
    """The module as it is called in training: its gradients shared, and compiled if wanted."""
    model: nn.Module = module
    if team.size > 1:
        model = DistributedDataParallel(
            module, device_ids=[device.index] if device.type == "cuda" else None
        )
    compiled: Callable[[Tensor], Any] = torch.compile(model) if recipe.compile else model
    return compiled
