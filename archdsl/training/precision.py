"""Mixed precision and memory formats, as a recipe and a device have them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn

from archdsl.training.recipe import Recipe

FEW = 8  # channels


@dataclass(frozen=True, slots=True)
class Precision:
    """``dtype`` is what autocast computes in; nothing where all is float32."""

    device: torch.device
    dtype: torch.dtype | None

    def autocast(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device.type, self.dtype) if self.dtype else nullcontext()

    def scaler(self) -> torch.amp.GradScaler:
        """Scales the loss, so that small gradients are not lost: float16 alone needs it."""
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype is torch.float16)


def precision(recipe: Recipe, device: torch.device) -> Precision:
    """bfloat16 where mixed precision is on; float16 on a GPU that has no bfloat16."""
    if not _wanted(recipe.amp, device.type == "cuda"):
        return Precision(device, None)
    old = device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
    return Precision(device, torch.float16 if old else torch.bfloat16)


def memory_format(
    recipe: Recipe, device: torch.device, module: nn.Module, axes: int = 2
) -> torch.memory_format:
    """How images of so many axes beside the channels, and the weights of a module for them, lie in
    memory."""
    usual = device.type == "cuda" or (device.type == "cpu" and not _breaks(module))
    if not _wanted(recipe.channels_last, usual):
        return torch.contiguous_format
    known = {2: torch.channels_last, 3: torch.channels_last_3d}
    return known.get(axes, torch.contiguous_format)


def _breaks(module: nn.Module) -> bool:
    """Whether a processor may write beyond its memory with the channels last: seen with PyTorch
    2.14 in the gradient of convolutions of size 1 with a stride, of fewer than 8 channels."""
    return any(
        isinstance(part, nn.Conv2d)
        and set(part.kernel_size) == {1}
        and max(part.stride) > 1
        and part.in_channels // part.groups < FEW
        for part in module.modules()
    )


def _wanted(word: str, usual: bool) -> bool:
    """What ``on``, ``off`` or ``auto`` means."""
    return word == "on" or (word == "auto" and usual)
