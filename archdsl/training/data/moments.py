"""Mean and deviation of images, channel by channel."""

from __future__ import annotations

import torch
from torch import Tensor

from archdsl.modelcard import TOKENS, WHITE

CHUNK = 4096  # images that are counted at once
WIDE = 1 << 22  # numbers that are counted at once


def values_of(images: Tensor) -> str:
    """What each value is: one of the types in ``archdsl.modelcard.WHITE``."""
    return str(images.dtype).removeprefix("torch.")


def moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel ``(C,)`` of images ``(N, C, ...)``, in float64:
    of whole numbers, black is 0 and white 1; of floats, they are those of the values. Token ids
    have none ``(0,)``."""
    if values_of(images) == TOKENS:
        return torch.zeros(0), torch.ones(0)
    if images.is_floating_point():
        return _of_floats(images)
    white = WHITE[values_of(images)]
    counts = histogram(images, white + 1)
    # From counts, so that they do not depend on the order in which is added.
    values = torch.arange(white + 1, dtype=torch.float64) / white
    shares = counts.double() / counts.sum(1, keepdim=True)
    mean = shares @ values
    variance = (shares * (values - mean[:, None]) ** 2).sum(1)
    return mean, variance.sqrt().clamp(min=1 / white)  # a channel of one value is divided too


def histogram(images: Tensor, many: int) -> Tensor:
    """How often each whole number below ``many`` occurs in each channel: ``(C, many)``."""
    counts = torch.zeros(images.shape[1], many, dtype=torch.int64)
    for some in chunks(images):
        for channel, total in enumerate(counts):
            total += some[:, channel].reshape(-1).int().bincount(minlength=many)
    return counts


def _of_floats(images: Tensor) -> tuple[Tensor, Tensor]:
    count = images[:, 0].numel()
    axes = [0, *range(2, images.dim())]
    mean = torch.stack([some.double().sum(axes) for some in chunks(images)]).sum(0) / count
    ones = (1, -1, *[1] * (images.dim() - 2))
    squares = ((some.double() - mean.view(ones)) ** 2 for some in chunks(images))
    std = (torch.stack([part.sum(axes) for part in squares]).sum(0) / count).sqrt()
    flat = std <= 1e-6 * mean.abs().clamp(min=1e-30)  # what is left by rounding
    return mean, torch.where(flat, torch.ones_like(std), std)


def chunks(images: Tensor) -> tuple[Tensor, ...]:
    """Images in parts that are worked out at once."""
    each = max(1, images[0].numel())
    found: tuple[Tensor, ...] = images.split(min(CHUNK, max(1, WIDE // each)))
    return found
