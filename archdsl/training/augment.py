"""Augmentation where the images are: none leaves the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from archdsl.training.augmentations import Augmentation, Cutout, Flip, Mixing, RandomCrop
from archdsl.training.packages import need
from archdsl.training.seeds import derived
from archdsl.training.tasks import IGNORED

SEEDS = 1 << 62  # from which each image draws one


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


@dataclass(frozen=True, slots=True)
class Pixels:
    """Normalised images as the bytes that they were, and back; ``mean`` and ``std`` are those of
    each channel ``(C,)``."""

    mean: Tensor
    std: Tensor

    def of(self, images: Tensor) -> Tensor:
        mean, std = self._like(images)
        return ((images * std + mean) * 255).round_().clamp_(0, 255).to(torch.uint8)

    def back(self, images: Tensor) -> Tensor:
        mean, std = self._like(images)
        return (images.float() / 255 - mean) / std

    def _like(self, images: Tensor) -> tuple[Tensor, ...]:
        ones = (1,) * (images.dim() - 2)
        return tuple(t.view(-1, *ones).to(images.device) for t in (self.mean, self.std))


def augmented(
    images: Tensor, kinds: Iterable[Augmentation], draws: Draws, pixels: Pixels | None = None
) -> Tensor:
    """Normalised images ``(N, C, ...)``, each changed at random by every kind in turn. ``pixels``
    is there for kinds that see bytes."""
    for kind in kinds:
        if isinstance(kind, RandomCrop):
            images = cropped(images, draws, kind.pad)
        elif isinstance(kind, Flip):
            images = flipped(images, draws)
        elif isinstance(kind, Cutout):
            images = cut(images, draws, kind.size)
        elif not isinstance(kind, Mixing):
            images, _ = transformed(images, None, kind, draws, pixels)
    return images


def augmented_with_masks(
    images: Tensor,
    masks: Tensor,
    kinds: Iterable[Augmentation],
    draws: Draws,
    pixels: Pixels | None = None,
) -> tuple[Tensor, Tensor]:
    """The same of images and their masks ``(N, ...)``: what moves the one moves the other, and what
    a crop leaves empty is of no class."""
    for kind in kinds:
        if isinstance(kind, (RandomCrop, Flip)):
            both = torch.cat([images, masks[:, None].to(images) - IGNORED], 1)
            both = augmented(both, (kind,), draws)
            images, masks = both[:, :-1], (both[:, -1] + IGNORED).to(masks.dtype)
        elif kind.moves:
            images, masks = transformed(images, masks, kind, draws, pixels)
        else:
            images = augmented(images, (kind,), draws, pixels)
    return images, masks


def transformed(
    images: Tensor, masks: Tensor | None, kind: Augmentation, draws: Draws, pixels: Pixels | None
) -> tuple[Tensor, Any]:
    """Image by image, as torchvision's transforms are made; the random numbers of an image depend
    on no other image, and PyTorch's own generator is left as it was."""
    if not kind.colours:
        return _each(images, masks, kind, draws)
    assert pixels is not None
    changed, masks = _each(pixels.of(images), masks, kind, draws)
    return pixels.back(changed), masks


def _each(
    images: Tensor, masks: Tensor | None, kind: Augmentation, draws: Draws
) -> tuple[Tensor, Any]:
    transform = kind.transform(tuple(images.shape[1:]))
    seeds = draws.below(SEEDS, len(images)).tolist()
    made, moved = [], []
    for place, seed in enumerate(seeds):
        with drawn(seed):
            if masks is not None and kind.moves:
                tv: Any = need("torchvision.tv_tensors", "torchvision")
                image, mask = transform(tv.Image(images[place]), tv.Mask(masks[place]))
                moved.append(mask.as_subclass(Tensor))
            else:
                image = transform(images[place])
            made.append(image)
    stacked = torch.stack([image.as_subclass(Tensor) for image in made])
    if stacked.shape != images.shape or stacked.dtype != images.dtype:
        given, wanted = (f"{t.dtype} {tuple(t.shape)}" for t in (stacked, images))
        raise ValueError(f"`{kind.name}` makes {given} of {wanted}")
    return stacked, torch.stack(moved) if moved else masks


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


@dataclass(frozen=True)
class Mixed:
    """The batches of an epoch, the images of each mixed with each other, and their labels: these
    are shares of classes or labels ``(N, classes)`` then. The processes that train together draw
    the same, and mix their own images."""

    ways: tuple[Mixing, ...]
    classes: int | None
    seed: int

    def __call__(self, number: int, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """A batch, by its number in the epoch."""
        if not self.ways:
            return images, labels
        with drawn(derived(self.seed, number)):
            at = int(torch.randint(len(self.ways), ()))
            found: tuple[Tensor, Tensor] = self.ways[at].mix(self.classes)(images, labels)
        return found


@contextmanager
def drawn(seed: int) -> Iterator[None]:
    """PyTorch's own generator with a seed; afterwards it is as it was."""
    before = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(before)
