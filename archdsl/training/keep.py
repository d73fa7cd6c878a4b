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
from archdsl.freeze import write_frozen
from archdsl.outputs import write_output
from archdsl.spec import Architecture
from archdsl.training.packages import need

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


def write_weights(path: Path, module: nn.Module) -> None:
    """Writes a ``state_dict``, as the ending of the name says: safetensors, or ``torch.save``."""
    tensors = {k: v.detach().cpu().contiguous() for k, v in module.state_dict().items()}
    if path.suffix == SAFETENSORS:
        write_output(path, need("safetensors.torch").save(tensors))
        return
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    write_output(path, buffer.getvalue())


def write_folder(
    folder: Path, arch: Architecture, module: nn.Module, result: Mapping[str, Any]
) -> tuple[Path, Path]:
    """Writes ``NAME.arch``, the spec with its knobs decided, ``NAME.pt``, its weights, and
    ``NAME.json``, what came out. Gives the first two."""
    folder.mkdir(exist_ok=True)
    spec, weights, figures = written(folder, arch)
    write_weights(weights, module)
    write_frozen(spec, arch)
    write_output(figures, json.dumps(result, indent=1) + "\n")
    return spec, weights
