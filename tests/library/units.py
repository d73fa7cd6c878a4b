"""Modules of PyTorch that a block is held against where no library has one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def conv(
    before: int,
    after: int,
    kernel: int,
    act: Callable[[], nn.Module] | None = nn.ReLU,
    **keywords: object,
) -> list[nn.Module]:
    """Convolution, normalisation, activation."""
    keywords = {"padding": kernel // 2, "bias": False, **keywords}
    made: list[nn.Module] = [nn.Conv2d(before, after, kernel, **keywords), nn.BatchNorm2d(after)]
    return made if act is None else [*made, act()]


class Residual(nn.Module):
    def __init__(self, body: Sequence[nn.Module], shortcut: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.body, self.shortcut = nn.Sequential(*body), nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.body(x)


class Concat(nn.Module):
    def __init__(self, *arms: Sequence[nn.Module]) -> None:
        super().__init__()
        self.arms = nn.ModuleList(nn.Sequential(*arm) for arm in arms)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([arm(x) for arm in self.arms], 1)


class Elan(nn.Module):
    """YOLOv7's stage as its repository has it: what each part gives is kept."""

    def __init__(
        self,
        before: int,
        after: int,
        inner: int,
        parts: int,
        n: int,
        act: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.first = nn.Sequential(*conv(before, inner, 1, act))
        self.second = nn.Sequential(*conv(before, inner, 1, act))
        self.parts = nn.ModuleList(
            nn.Sequential(*(m for _ in range(n) for m in conv(inner, inner, 3, act)))
            for _ in range(parts)
        )
        self.last = nn.Sequential(*conv((2 + parts) * inner, after, 1, act))

    def forward(self, x: Tensor) -> Tensor:
        kept = [self.first(x), self.second(x)]
        for part in self.parts:
            kept.append(part(kept[-1]))
        return self.last(torch.cat(kept, 1))


class UNet(nn.Module):
    def __init__(self, before: int, c: int, levels: int, norm: bool, pad: int) -> None:
        super().__init__()
        self.enter = self.double(before, c, norm, pad)
        self.inner = UNet(c, 2 * c, levels - 1, norm, pad) if levels else None
        if levels:
            self.up = nn.ConvTranspose2d(2 * c, c, 2, 2)
            self.leave = self.double(2 * c, c, norm, pad)

    def double(self, before: int, c: int, norm: bool, pad: int) -> nn.Sequential:
        made: list[nn.Module] = []
        for channels in (before, c):
            made.append(nn.Conv2d(channels, c, 3, padding=pad))
            made += [nn.BatchNorm2d(c)] * norm + [nn.ReLU()]
        return nn.Sequential(*made)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.enter(x)
        if self.inner is None:
            return skip
        y = self.up(self.inner(nn.functional.max_pool2d(skip, 2)))
        cut = (skip.shape[2] - y.shape[2]) // 2
        skip = skip[:, :, cut : cut + y.shape[2], cut : cut + y.shape[3]]
        return self.leave(torch.cat([skip, y], 1))


class C2f(nn.Module):
    """YOLOv8's stage as its repository has it: half of the channels go through units in a row."""

    def __init__(self, before: int, after: int, units: Sequence[nn.Module]) -> None:
        super().__init__()
        self.cv1 = nn.Sequential(*conv(before, after, 1, nn.SiLU))
        self.m = nn.ModuleList(units)
        self.cv2 = nn.Sequential(*conv((2 + len(units)) * after // 2, after, 1, nn.SiLU))

    def forward(self, x: Tensor) -> Tensor:
        kept = list(self.cv1(x).chunk(2, 1))
        for unit in self.m:
            kept.append(unit(kept[-1]))
        return self.cv2(torch.cat(kept, 1))


class DenseAspp(nn.Module):
    """DenseASPP's pyramid as its repository has it: the newest channels come last here."""

    def __init__(
        self, before: int, each: int, inner: int, rates: Sequence[int] = (3, 6, 12, 18, 24)
    ) -> None:
        super().__init__()
        self.steps = nn.ModuleList()
        for rate in rates:
            norm = [nn.BatchNorm2d(before)] if self.steps else []
            layers = nn.ReLU(), nn.Conv2d(before, inner, 1), nn.BatchNorm2d(inner), nn.ReLU()
            last = nn.Conv2d(inner, each, 3, padding=rate, dilation=rate), nn.Dropout2d(0.1)
            self.steps.append(nn.Sequential(*norm, *layers, *last))
            before += each

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = torch.cat([x, step(x)], 1)
        return x
