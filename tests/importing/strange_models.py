"""Models that say something in an unusual way."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

CHANNELS = 8


class Around(nn.Module):
    """A part, with what it takes to be a network before it and after it."""

    def __init__(self, body: Callable[[Any, Tensor], Tensor], part: nn.Module) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, CHANNELS, 3, padding=1), nn.Linear(CHANNELS, 5)
        self.part, self.body = part, body

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(self.part, self.stem(x)).mean((2, 3)))


def conv() -> nn.Conv2d:
    return nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)


def applied(part: nn.Module) -> Around:
    return Around(lambda part, x: part(x), part)


def hooked() -> Around:
    part = conv()
    part.register_forward_pre_hook(lambda module, given: (given[0] + 1,))
    part.register_forward_hook(lambda module, given, made: 2 * made)
    return applied(part)


def patched() -> Around:
    part = conv()
    part.forward = F.relu  # type: ignore[method-assign]
    return applied(part)


def normalised() -> Around:
    return applied(parametrizations.weight_norm(conv()))


def scripted() -> Around:
    with warnings.catch_warnings():  # it is deprecated
        warnings.simplefilter("ignore")
        return applied(torch.jit.script(conv()))


class Double(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


class Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        chance = torch.sigmoid(x)
        return gradient * (chance * (1 + x * (1 - chance)))


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return -gradient


def scaled(by: float, **options: Any) -> Around:
    return Around(lambda part, x: part(F.interpolate(x, scale_factor=by, **options)), conv())


def dropped(part: nn.Module, x: Tensor) -> Tensor:
    x = F.dropout(part(x), 0.3, part.training)
    return F.dropout2d(x, 0.2, training=part.training)


def dealt(part: nn.Module, x: Tensor) -> Tensor:
    images, channels, height, width = x.shape
    x = x.reshape(images, 2, channels // 2, height, width).permute(0, 2, 1, 3, 4)
    return x.reshape(images, channels, height, width)


def pooled_back(part: nn.Module, x: Tensor) -> Tensor:
    x, places = part(x)
    return F.max_unpool2d(x, places, 2)


def in_place(part: nn.Module, x: Tensor) -> Tensor:
    y = part(x)
    return part(F.relu(y, inplace=True)) + y


def several(part: nn.Module, x: Tensor) -> Tensor:
    return sum((one(x) for one in part.values()), x)  # type: ignore[operator]


class Often:
    """Does another thing each time it is called, as what is drawn at random does."""

    def __init__(self, only: str = "") -> None:
        self.only, self.calls = only, 0

    def __call__(self, part: nn.Module, x: Tensor) -> Tensor:
        if self.only and part.training != (self.only == "training"):
            return part(x)
        self.calls += 1
        return part(x) if self.calls % 3 else x


def in_other_order(parts: nn.ModuleList, x: Tensor) -> Tensor:
    """Two equal layers, the other way round in training."""
    first, second = reversed(parts) if parts.training else parts
    return second(F.relu(first(x)))
