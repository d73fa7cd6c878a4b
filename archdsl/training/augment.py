"""Augmentation where the images are: none leaves the device, and no step waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.training.recipe import Crop, Cutout, Flip
from archdsl.training.settings import Setting
from archdsl.training.tasks import IGNORED


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
    """Normalised images ``(N, C, ...)``, each changed at random by every kind in turn."""
    for kind in kinds:
        if isinstance(kind, Crop):
            images = cropped(images, draws, kind.pad)
        elif isinstance(kind, Flip):
            images = flipped(images, draws)
        else:
            assert isinstance(kind, Cutout)
            images = cut(images, draws, kind.size)
    return images


def augmented_with_masks(
    images: Tensor, masks: Tensor, kinds: Iterable[Setting], draws: Draws
) -> tuple[Tensor, Tensor]:
    """The same of images and their masks ``(N, ...)``: what moves the one moves the other, and what
    a crop leaves empty is of no class."""
    both = torch.cat([images, masks[:, None].to(images) - IGNORED], 1)
    for kind in kinds:
        if isinstance(kind, (Crop, Flip)):
            both = augmented(both, (kind,), draws)
        else:
            both = torch.cat([augmented(both[:, :-1], (kind,), draws), both[:, -1:]], 1)
    return both[:, :-1], (both[:, -1] + IGNORED).to(masks.dtype)


def cropped(images: Tensor, draws: Draws, pad: int) -> Tensor:
    """A window of the padded image, of its former size; a view of all windows is indexed."""
    count, _, *sizes = images.shape
    windows = F.pad(images, (pad,) * (2 * len(sizes)))
    for axis, size in enumerate(sizes, start=2):
        windows = windows.unfold(axis, size, 1)
    rows = torch.arange(count, device=images.device)
    offsets = tuple(draws.below(2 * pad + 1, count) for _ in sizes)
    where: tuple[Tensor | slice, ...] = (rows, slice(None), *offsets)
    return windows[where]


def flipped(images: Tensor, draws: Draws) -> Tensor:
    """The mirror image along the last axis, half of the time."""
    mirrored = draws.below(2, len(images)).bool().view(-1, *(1,) * (images.dim() - 1))
    return torch.where(mirrored, images.flip(-1), images)


def cut(images: Tensor, draws: Draws, size: int) -> Tensor:
    """A square set to zero, its centre anywhere; it may stand over the edge."""
    count, _, *lengths = images.shape
    square = torch.ones(count, *(1,) * (images.dim() - 1), dtype=torch.bool, device=images.device)
    for axis, length in enumerate(lengths, start=2):
        inside = _window(length, draws.below(length, count), size, images.device)
        square = square & inside.view(
            count, *(length if a == axis else 1 for a in range(1, images.dim()))
        )
    return images.masked_fill(square, 0.0)


def _window(length: int, centres: Tensor, size: int, device: torch.device) -> Tensor:
    """``(N, length)``: which places lie in a window of ``size`` around each centre."""
    places = torch.arange(length, device=device)
    first = centres[:, None] - size // 2
    return (places >= first) & (places < first + size)
