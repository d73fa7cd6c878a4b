"""Checkpoints: written whole or not at all, and resumed by the same training alone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from archdsl.__about__ import VERSION
from archdsl.backend.saved import read_saved, refusal, tensors_in, trouble
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.training.outcome import Epoch
from archdsl.writing import write_bytes

FORMAT = 1
ANEW = "name another file to begin anew"


@dataclass(frozen=True, slots=True)
class TrainingIdentity:
    """What a training is of. All but ``spec``, which is for people, has to be equal."""

    network: str
    data: str
    recipe: dict[str, str]
    seed: int
    spec: str = ""

    def difference(self, other: TrainingIdentity) -> str:
        """What is different in another training, to a user; nothing where it is the same."""
        if self.network != other.network:
            return "it is of another network"
        if self.data != other.data:
            return "it was trained on other data, or on another split of it"
        ours, theirs = ({**i.recipe, "seed": str(i.seed)} for i in (self, other))
        for name in {**ours, **theirs}:
            if ours.get(name) != theirs.get(name):
                values = (x.get(name, "nothing") for x in (theirs, ours))
                return "`{}` was {}, and is {} now".format(name, *values)
        return ""


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far a training is: its epochs, the images that it was shown, and the seconds of that."""

    epochs: tuple[Epoch, ...] = ()
    images: int = 0
    seconds: float = 0.0


def save(
    path: Path, of: TrainingIdentity, progress: TrainingProgress, states: Mapping[str, Any]
) -> None:
    """Writes a checkpoint. Raises ``ArchError`` where the system refuses; the one before it
    stays as it was."""
    content = {
        "format": FORMAT,
        "archdsl": VERSION,
        "of": asdict(of),
        "progress": asdict(progress),
        **states,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def restore(
    path: Path, of: TrainingIdentity, device: torch.device
) -> tuple[TrainingProgress, dict[str, Any]]:
    """The progress and the states of a checkpoint; its tensors alone are loaded, and nothing in
    it is run. Raises ``ArchError`` (A807) for one that is damaged, or of another training."""
    try:
        content: Any = read_saved(path, device)
    except Exception as problem:  # torch raises many kinds for a bad file
        why = refusal(problem) or f"it cannot be read: {_first_line(problem)}"
        raise bad(path, why) from None
    try:
        if not isinstance(content, dict):
            raise TypeError
        if content["format"] != FORMAT:
            raise bad(path, f"archdsl {content['archdsl']} wrote it, in another format")
        theirs = TrainingIdentity(**content["of"])
        given = content["progress"]
        epochs = tuple(Epoch(**epoch) for epoch in given["epochs"])
        progress = TrainingProgress(epochs, given["images"], given["seconds"])
    except (KeyError, TypeError):
        raise bad(path, "it is a file of another kind") from None
    if difference := of.difference(theirs):
        raise bad(path, difference, f"give the arguments it was begun with, or {ANEW}")
    for name, tensor in tensors_in(content):
        if why := trouble(tensor, path.stat().st_size):
            raise bad(path, f"its tensor `{name}` is {why}")
    return progress, content


def _first_line(problem: Exception) -> str:
    return str(problem).split("\n", 1)[0].split(". ", 1)[0] or type(problem).__name__


def bad(path: Path, reason: str, help: str = ANEW) -> ArchError:
    """The error of a checkpoint that cannot be resumed."""
    return ArchError([diagnose(codes.BAD_RUN, help=[help], name=str(path), reason=reason)])
