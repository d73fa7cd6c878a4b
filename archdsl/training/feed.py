"""Batches of images, normalised, on the device."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

from archdsl.modelcard import TOKENS
from archdsl.training.data.splits import Images

S = TypeVar("S")
T = TypeVar("T")

SHARE = 0.5  # of a device's free memory that images may fill
AHEAD = 2  # groups of batches that are fetched before they are asked for
TOGETHER = 4 << 20  # bytes of normalised images that are fetched at once
WHOLE = slice(None)


class Feed:
    """The images of one part, by rows. They stay on the device where they fit, and else come to
    it from the host, a thread being ahead."""

    def __init__(
        self,
        images: Images,
        mean: Tensor,
        std: Tensor,
        device: torch.device,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        """``mean`` and ``std`` are those of each channel ``(C,)``, black being 0 and white 1 (see
        ``Images.white``)."""
        self.device = device
        self.memory_format = memory_format
        self.resident = fits(images.images, device)
        place = device if self.resident else torch.device("cpu")
        self.images = images.images.to(place)
        self.image_bytes = 4 * self.images[0].numel()  # normalised, as float32
        self.labels = images.labels.to(place)
        self.is_text = images.values == TOKENS
        ones = () if self.is_text else (1,) * (self.images.dim() - 2)
        self.scale = (1 / (images.white * std)).view(-1, *ones).to(device)
        self.shift = (-mean / std).view(-1, *ones).to(device)

    def __len__(self) -> int:
        return len(self.labels)

    def batches(
        self,
        order: Tensor,
        batch: int,
        share: slice = WHOLE,
        change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Images ``(N, C, ...)`` of float32, or token ids as they are, and their labels: the rows
        of ``order`` in batches, and of each batch a share.

        Small images are fetched, normalised and changed several batches at a time: what that
        costs is then as good as nothing beside the steps.
        """
        groups = self.rows(order, batch, share)
        taken = map(self.take, groups) if self.resident else ahead(self.take, groups)
        size = -(-batch // (share.step or 1))
        for images, labels in taken:
            images = images.to(self.device, non_blocking=True)
            labels = labels.to(self.device, non_blocking=True)
            if not self.is_text:
                images = images.float().mul_(self.scale).add_(self.shift)
                images = images.contiguous(memory_format=self.memory_format)
            if change is not None:
                images, labels = change(images, labels)
            yield from zip(images.split(size), labels.split(size), strict=True)

    def rows(self, order: Tensor, batch: int, share: slice = WHOLE) -> list[Tensor]:
        """The rows that ``batches`` gives, in groups that are fetched together."""
        together = batch * max(1, TOGETHER // (batch * self.image_bytes))
        rows = [group[share] for group in order.to(self.labels.device).split(together)]
        return [group for group in rows if len(group)]

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        images, labels = self.images.index_select(0, rows), self.labels.index_select(0, rows)
        if self.device.type == "cuda" and not self.resident:
            return images.pin_memory(), labels.pin_memory()
        return images, labels


def fits(images: Tensor, device: torch.device) -> bool:
    """Whether images may stay on a device."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= SHARE * free


def ahead(work: Callable[[S], T], items: Iterable[S]) -> Iterator[T]:
    """``map``, some items ahead of what is asked for."""
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[T]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
