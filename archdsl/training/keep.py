"""What is kept of a trained network: its weights, alone or in a folder with its spec."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.freeze import freeze, write_frozen
from archdsl.modelcard import KEY, ModelCard, in_archive
from archdsl.outputs import write_output
from archdsl.spec import Architecture
from archdsl.training.data.splits import Splits
from archdsl.training.packages import need
from archdsl.training.recipe import Recipe
from archdsl.training.sets import Data

SAFETENSORS = ".safetensors"
ENDINGS = (".pt", SAFETENSORS)


def check_place(path: Path) -> None:
    """Raises ``ArchError`` before a training for what could not be written after it."""
    if path.suffix and path.suffix not in ENDINGS and not path.is_dir():
        known = f"{', '.join(ENDINGS)}, or a folder, whose name has no ending"
        raise ArchError([diagnose(codes.UNKNOWN_FORMAT, name=path.name, known=known)])
    if path.suffix == SAFETENSORS:
        need("safetensors.torch")
    folder = path if path.is_dir() else path.parent
    if not os.access(folder, os.W_OK):
        there = folder.is_dir()
        reason = f"{folder} cannot be written" if there else f"there is no folder {folder}"
        raise ArchError([diagnose(codes.CANNOT_WRITE, name=str(path), reason=reason)])


def written(output: Path, arch: Architecture) -> list[Path]:
    """The files that a training writes: weights, or those of a folder, its spec first."""
    if output.suffix and not output.is_dir():
        return [output]
    return [output / f"{arch.name}{ending}" for ending in (".arch", ".pt", ".json")]


def card_of(arch: Architecture, splits: Splits, data: Data, recipe: Recipe, seed: int) -> ModelCard:
    """What it takes to use the network once it is trained."""
    settings = recipe.arguments(full=True)
    return ModelCard(
        image=splits.image,
        mean=_numbers(splits.mean),
        std=_numbers(splits.std),
        classes=splits.names or tuple(map(str, range(splits.classes))),
        task=splits.task.name,
        data=data.written(full=True) + splits.which,
        recipe=", ".join(f"{name} = {value}" for name, value in settings.items()),
        lr=recipe.lr,
        seed=seed,
        network=arch.hash,
        texts=texts_of(arch),
        values=splits.values,
    )


def texts_of(arch: Architecture) -> dict[str, str]:
    """A network's spec, its knobs decided, and the files that it uses, by their names."""
    return {arch.spec.source.name: freeze(arch), **arch.spec.used}


def _numbers(values: torch.Tensor) -> tuple[float, ...]:
    """As many digits as tell a float32 from all others."""
    return tuple(float(f"{value:.9g}") for value in values.tolist())


def write_weights(path: Path, module: nn.Module, card: ModelCard | None = None) -> None:
    """Writes a ``state_dict``, as the ending of the name says: safetensors, or ``torch.save``;
    with a card, if there is one."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    if path.suffix == SAFETENSORS:
        metadata = None if card is None else {KEY: card.written()}
        write_output(path, need("safetensors.torch").save(tensors, metadata))
        return
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    data = buffer.getvalue()
    write_output(path, data if card is None else in_archive(data, card))


def write_folder(
    folder: Path,
    arch: Architecture,
    module: nn.Module,
    result: Mapping[str, Any],
    card: ModelCard | None = None,
) -> tuple[Path, Path]:
    """Writes ``NAME.arch``, the spec with its knobs decided, ``NAME.pt``, its weights, and
    ``NAME.json``, what came out; a card in the first two. Gives these."""
    folder.mkdir(exist_ok=True)
    spec, weights, figures = written(folder, arch)
    write_weights(weights, module, card)
    write_frozen(spec, arch, card)
    write_output(figures, json.dumps(result, indent=1) + "\n")
    return spec, weights
