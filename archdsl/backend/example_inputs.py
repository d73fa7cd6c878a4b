"""What can be given to a network: batches of images, of vectors, of token ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from archdsl.layers.base import Shape
from archdsl.layers.ids import Ids

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def examples(
    shapes: Iterable[Shape],
    batch: int,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> tuple[Tensor, ...]:
    """A random batch for each tensor that comes in. Ids are int64, each below their count."""
    import torch

    found = []
    for shape in shapes:
        size = (batch, *shape)
        if isinstance(shape, Ids):
            found.append(torch.randint(shape.vocabulary, size, device=device))
        else:
            found.append(torch.randn(size, dtype=dtype, device=device))
    return tuple(found)


def several(given: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    """What a module is given, which may be one tensor."""
    import torch

    return (given,) if isinstance(given, torch.Tensor) else tuple(given)


def another(
    given: Sequence[Tensor], batch: int, generator: torch.Generator | None = None
) -> tuple[Tensor, ...]:
    """A random batch of another size, on the CPU, of tensors such as these; of ids none is
    greater than those that were given."""
    import torch

    found = []
    for tensor in given:
        size = (batch, *tensor.shape[1:])
        if tensor.is_floating_point():
            found.append(torch.randn(size, generator=generator).to(tensor.dtype))
        else:
            most = int(tensor.max()) + 1
            found.append(torch.randint(most, size, generator=generator, dtype=tensor.dtype))
    return tuple(found)
