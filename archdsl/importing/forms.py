"""What a model takes and gives: one tensor of images, and one result with others beside it."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import Parameter, signature
from typing import Any

import torch
from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose


def check_takes_one(model: nn.Module) -> None:
    """Raises ``ArchError`` (A652) where a model takes no tensor, or several."""
    try:
        taken = signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    places = [p.name for p in taken if p.kind in kinds or p.kind is Parameter.VAR_POSITIONAL]
    needed = [p.name for p in taken if p.kind in kinds and p.default is Parameter.empty]
    needed += [
        f"{p.name}=" for p in taken if p.kind is Parameter.KEYWORD_ONLY and p.default is p.empty
    ]
    if len(needed) > 1:
        shown = ", ".join(f"`{name}`" for name in needed)
        raise fails(f"its `forward` takes {shown}, and what is imported takes one tensor: {WRAP}")
    if not places:
        raise fails(f"its `forward` takes no tensor: {WRAP}")


def check_has_weights(model: nn.Module) -> None:
    """Raises ``ArchError`` (A652) where layers have no weights yet, as ``nn.LazyLinear``."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    lazy = next((name for name, tensor in tensors if nn.parameter.is_lazy(tensor)), None)
    if lazy is not None:
        raise fails(
            f"`{lazy}` has no shape before the model has run once: call it on a tensor first"
        )


WRAP = "import a module of your own whose `forward(x)` calls it"


def check_one(names: list[str]) -> None:
    """Raises ``ArchError`` (A652) where there are several results in evaluation, but for auxiliary
    ones, which are left out then."""
    if any(not name.startswith("aux") for name in names[1:]):
        shown = ", ".join(f"`{name}`" for name in sorted(names))
        reason = f"in evaluation it gives {shown}, and what is imported gives one tensor: {WRAP}"
        raise fails(f"{reason} and gives that")


def fails(reason: str) -> ArchError:
    return ArchError([diagnose(codes.MODEL_FAILS, reason=reason)])


def outputs_of(out: Any) -> Iterable[tuple[str, torch.Tensor]]:
    """What comes out, the main result first. Raises ``ArchError`` (A652) for what has none."""
    if isinstance(out, torch.Tensor):
        return [("", out)]
    if hasattr(out, "_asdict"):
        out = out._asdict()
    if isinstance(out, dict):
        named = [(k, t) for k, t in out.items() if isinstance(t, torch.Tensor)]
    else:
        items = out if isinstance(out, (tuple, list)) else []
        named = [(f"output{i}", t) for i, t in enumerate(items) if isinstance(t, torch.Tensor)]
    if not named:
        raise no_output(out)
    main = next((n for n, _ in named if n in ("logits", "out")), named[0][0])
    return sorted(named, key=lambda pair: pair[0] != main)


def no_output(out: Any) -> ArchError:
    return fails(f"it gives a {type(out).__name__}, in which there is no tensor")
