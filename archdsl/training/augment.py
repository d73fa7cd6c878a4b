"""Augmentation where the images are: none leaves the device, and no step waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.training.recipe import Crop, Cutout, Flip
from archdsl.training.settings import Setting


@dataclass(frozen=True, slots=True)
class Draws:
    """Random numbers for images, of which this process has a share: drawn for all, so that they
    do not depend on how many processes there are."""

    generator: torch.Generator
    share: slice

    def below(self, high: int, count: int) -> Tensor:
        """Whole numbers from 0 to ``high - 1``, one for each of the ``count`` images of the
        share."""
        all = count * (self.share.step or 1)
        drawn = torch.randint(high, (all,), generator=self.generator, device=self.generator.device)
        return drawn[self.share]


def augmented(images: Tensor, kinds: Iterable[Setting], draws: Draws) -> Tensor:
    """Normalised images ``(N, C, H, W)``, each changed at random by every kind in turn."""
    for kind in kinds:
        if isinstance(kind, Crop):
            images = cropped(images, draws, kind.pad)
        elif isinstance(kind, Flip):
            images = flipped(images, draws)
        else:
            assert isinstance(kind, Cutout)
            images = cut(images, draws, kind.size)
    return images


def cropped(images: Tensor, draws: Draws, pad: int) -> Tensor:
    """A window of the padded image, of its former size; a view of all windows is indexed."""
    count, _, height, width = images.shape
    windows = F.pad(images, (pad,) * 4).unfold(2, height, 1).unfold(3, width, 1)
    rows = torch.arange(count, device=images.device)
    return windows[rows, :, draws.below(2 * pad + 1, count), draws.below(2 * pad + 1, count)]


def flipped(images: Tensor, draws: Draws) -> Tensor:
    """The mirror image, half of the time."""
    mirrored = draws.below(2, len(images)).bool()[:, None, None, None]
    return torch.where(mirrored, images.flip(3), images)


def cut(images: Tensor, draws: Draws, size: int) -> Tensor:
    """A square set to zero, its centre anywhere; it may stand over the edge."""
    count = len(images)
    inside = [
        _window(length, draws.below(length, count), size, images.device)
        for length in images.shape[2:]
    ]
    square = inside[0][:, None, :, None] & inside[1][:, None, None, :]
    return images.masked_fill(square, 0.0)


def _window(length: int, centres: Tensor, size: int, device: torch.device) -> Tensor:
    """``(N, length)``: which places lie in a window of ``size`` around each centre."""
    places = torch.arange(length, device=device)
    first = centres[:, None] - size // 2
    return (places >= first) & (places < first + size)
