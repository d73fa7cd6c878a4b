"""Training a network from its start, or from a checkpoint, to its result.

One seed decides everything that is random, each thing by itself: how weights start, the order of
the images, augmentation, and what the network drops. On one machine, the same call gives the same
numbers again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from pathlib import Path

import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.freeze import freeze
from archdsl.spec import Architecture
from archdsl.training.checkpoint import TrainingIdentity, bad, restore, save
from archdsl.training.data.splits import Splits
from archdsl.training.evaluate import evaluate
from archdsl.training.fit import check_fit
from archdsl.training.outcome import Epoch, Outcome, guarded
from archdsl.training.ranks import Ranks, ranks
from archdsl.training.recipe import Recipe
from archdsl.training.seeds import derived, kept_apart
from archdsl.training.start import TakenWeights, start_from
from archdsl.training.suits import check_recipe
from archdsl.training.trainer import OnStep, Trainer

__all__ = ["evaluate", "train", "train_candidate"]

OnEpoch = Callable[[Epoch], None]
OnStart = Callable[[TakenWeights], None]
OnResume = Callable[[], None]


class Ended(Exception):
    """The leading process ended a training that this one has a share in."""


def train_candidate(
    arch: Architecture,
    splits: Splits,
    recipe: Recipe,
    seed: int,
    device: torch.device | str = "cpu",
    *,
    on_start: OnStart | None = None,
    on_resume: OnResume | None = None,
    on_epoch: OnEpoch | None = None,
    on_step: OnStep | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> tuple[nn.Module, Outcome]:
    """Builds an architecture, its weights started by the seed, or from the recipe's file as far as
    that fits, and trains it. ``on_start`` hears what was taken of the file; for the others, and
    how it goes on from a checkpoint, see ``train``.

    Raises ``ArchError`` where it does not fit the data (A805), and what ``train`` and
    ``start_from`` raise.
    """
    check_fit(arch, splits.image, splits.classes, splits.task)
    check_recipe(recipe, splits.task, splits.image, splits.values)
    device = torch.device(device)
    with kept_apart(device):
        torch.manual_seed(derived(seed, "start"))
        module = arch.build()  # on the CPU: the same start for every device
        goes_on = resume and checkpoint is not None and checkpoint.exists()
        if recipe.weights is not None and not goes_on:
            taken = start_from(Path(recipe.weights), arch, module)
            if on_start is not None:
                on_start(taken)
    outcome = train(
        module,
        splits,
        recipe,
        seed,
        device,
        on_resume=on_resume,
        on_epoch=on_epoch,
        on_step=on_step,
        checkpoint=checkpoint,
        resume=resume,
        arch=arch,
    )
    return module, outcome


def train(
    module: nn.Module,
    splits: Splits,
    recipe: Recipe,
    seed: int,
    device: torch.device | str = "cpu",
    *,
    on_resume: OnResume | None = None,
    on_epoch: OnEpoch | None = None,
    on_step: OnStep | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    arch: Architecture | None = None,
) -> Outcome:
    """Trains a module in place, and leaves it on the device, in evaluation.

    ``on_epoch`` is called after each epoch, ``on_step`` after each step, ``on_resume`` once a
    checkpoint is read that it goes on from, in each process; what they raise ends the training and
    passes through. ``checkpoint`` is written after each epoch, and says what ``arch`` it is of.
    With ``resume`` it goes on from there if the file exists, and gives what one run would have
    given.
    Where several processes train together, rank 0 alone writes and calls ``on_epoch``.

    Raises ``Failure`` for a loss that is not finite, and where the memory is not enough;
    ``ArchError`` for a batch that cannot be shared or normalised (A806), a checkpoint that is
    damaged, of another training (A807) or in the way (A808), and where it cannot be written.
    """
    device, team = torch.device(device), ranks()
    going_on = checkpoint is not None and checkpoint.exists()
    if going_on and not resume:
        raise ArchError([diagnose(codes.RUN_EXISTS, name=str(checkpoint))])
    of = identity(module, splits, recipe, seed, arch)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    guard = partial(guarded, recipe=recipe, image=splits.image, device=device)
    with kept_apart(device):
        saved = restore(checkpoint, of, device) if checkpoint is not None and going_on else None
        trainer = guard(lambda: Trainer(module, splits, recipe, seed, device, team))
        if checkpoint is not None and saved is not None:
            try:
                guard(lambda: trainer.go_on(*saved))
            except (KeyError, TypeError, ValueError, RuntimeError):  # PyTorch has no one error
                raise bad(checkpoint, "its states are not those of such a network") from None
            if on_resume is not None:
                on_resume()
        try:
            while not trainer.finished:
                epoch = guard(lambda: trainer.epoch(on_step))
                if checkpoint is not None and team.leads:
                    save(checkpoint, of, trainer.progress, trainer.states())
                if on_epoch is not None:
                    report(epoch, on_epoch, team, device)
            trainer.finish()
        finally:
            # What is raised holds the trainer, and its wrapper the group of processes.
            trainer.model = module
    module.eval()
    return outcome_of(trainer)


def report(epoch: Epoch, on_epoch: OnEpoch, team: Ranks, device: torch.device) -> None:
    """Calls the callback in the leading process. If it raises there, all processes end."""
    if team.size == 1:
        on_epoch(epoch)
        return
    problem: BaseException | None = None
    if team.leads:
        try:
            on_epoch(epoch)
        except BaseException as raised:  # whatever it is, the others have to hear of it first
            problem = raised
    if team.agree(problem is not None, device):
        raise problem or Ended("the leading process ended the training")


def identity(
    module: nn.Module, splits: Splits, recipe: Recipe, seed: int, arch: Architecture | None
) -> TrainingIdentity:
    """What a checkpoint is of: of a module without an architecture, its tensors' shapes."""
    shapes = [(name, tuple(t.shape)) for name, t in module.state_dict().items()]
    network = arch.hash if arch else blake2b(str(shapes).encode(), digest_size=16).hexdigest()
    spec = freeze(arch) if arch else ""
    return TrainingIdentity(network, splits.digest, recipe.arguments(full=True), seed, spec)


def outcome_of(trainer: Trainer) -> Outcome:
    progress = trainer.progress
    last = trainer.result
    cuda = trainer.device.type == "cuda"
    return Outcome(
        last.accuracy,
        last.loss,
        progress.epochs,
        sum(epoch.seconds for epoch in progress.epochs),
        progress.images / max(progress.seconds, 1e-9),
        torch.cuda.max_memory_allocated(trainer.device) if cuda else None,
        (trainer.said or trainer.validate()).written(),
        last.scores,
    )
