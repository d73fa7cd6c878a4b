"""What a model gives: its results by their names, the main one without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from archdsl.importing.incoming import fails

MAIN = ("main", "logits", "out")  # what the main result is called, where results have names


def check_has_weights(model: nn.Module) -> None:
    """Raises ``ArchError`` (A652) where layers have no weights yet, as ``nn.LazyLinear``."""
    tensors = [*model.named_parameters(), *model.named_buffers()]
    lazy = next((name for name, tensor in tensors if nn.parameter.is_lazy(tensor)), None)
    if lazy is not None:
        raise fails(
            f"`{lazy}` has no shape before the model has run once: call it on a tensor first"
        )


def outputs_of(out: Any) -> dict[str, torch.Tensor]:
    """What comes out: the main result, under ``""``, and others by their names.

    Of a tuple the main result is the first; of a dictionary what is called so, or what is alone;
    one of several equal ones has none. Raises ``ArchError`` (A652) where there is no tensor."""
    if isinstance(out, torch.Tensor):
        return {"": out}
    named = hasattr(out, "_asdict")
    found = list(_tensors("", out._asdict() if named else out))
    if not found:
        raise fails(f"it gives a {type(out).__name__}, in which there is no tensor")
    names = [name for name, _ in found]
    main = next((name for name in names if name in MAIN), None)
    if main is None and (len(found) == 1 or named or not isinstance(out, Mapping)):
        main = names[0]
    return {"": dict(found)[main]} | {n: t for n, t in found if n != main} if main else dict(found)


def _tensors(name: str, value: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of nested tuples and dictionaries, by their way through them."""
    if isinstance(value, torch.Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _tensors(f"{name}_{key}" if name else str(key), one)
    elif isinstance(value, (tuple, list)):
        for number, one in enumerate(value):
            yield from _tensors(f"{name or 'output'}{number}", one)
