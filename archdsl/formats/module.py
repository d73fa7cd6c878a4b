"""The PyTorch module of a network, as a format asks for it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from archdsl.backend.out_of_memory import room
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.formats.base import Options
from archdsl.modelcard import in_archive

if TYPE_CHECKING:
    from torch import nn

    from archdsl.spec import Architecture

UNSEEN = (
    "note: the names in {weights} are not this network's. Weights do not show strides, slopes\n"
    "and the constants of norms: those of the spec are used. Where the other module is at\n"
    "hand, `archdsl.transfer` compares both by running them."
)


def module_of(arch: Architecture, options: Options) -> nn.Module:
    """The module on the device that was asked for, with the weights. Raises ``ArchError``."""
    try:
        import torch
    except ImportError:
        raise ArchError([diagnose(codes.NEEDS_PACKAGE, package="torch", extra="torch")]) from None
    from archdsl.backend.transfer import are_renamed, load_weights

    device, weights = options.device, options.weights
    try:
        module = arch.build(device=device, dtype=getattr(torch, options.dtype))
    except (RuntimeError, AssertionError) as problem:
        reason = str(problem).split("\n", 1)[0]
        raise ArchError([diagnose(codes.NO_DEVICE, name=device, reason=reason)]) from None
    if weights is not None:
        with room(device, f"the weights of {weights.path} and those of {arch.name}"):
            taken = load_weights(weights.path, module, order=weights.order, names=weights.names)
        if are_renamed(taken):
            options.notes.append(UNSEEN.format(weights=weights.path))
    return module


def state_of(arch: Architecture, options: Options) -> bytes:
    """A file of the module's weights."""
    module = module_of(arch, options)
    import torch

    buffer = io.BytesIO()
    with room("cpu", f"a copy of the weights of {arch.name}"):
        torch.save(module.state_dict(), buffer)
        data = buffer.getvalue()
    return data if options.card is None else in_archive(data, options.card)
