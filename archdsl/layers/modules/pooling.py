"""Poolings that PyTorch has not: padded as TensorFlow does."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def padded_same(x: Tensor, pool, value: float) -> Tensor:
    """An image padded as TensorFlow does: ``ceil(n / stride)`` windows fit on ``n``
    pixels; where the padding is odd, the pixel more stands after the image."""
    size = x.shape[2:]
    spans = pool.kernel_size, pool.stride, getattr(pool, "dilation", 1)
    windows = [v if isinstance(v, tuple) else (v,) * len(size) for v in spans]
    sides: list[int] = []
    for n, k, s, d in zip(size, *windows, strict=True):
        room = max((n - 1) // s * s + d * (k - 1) + 1 - n, 0)
        sides = [room // 2, room - room // 2, *sides]
    return F.pad(x, sides, value=value)


class SameMax(nn.modules.pooling._MaxPoolNd):
    """A max pooling that pads as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(padded_same(x, self, -torch.inf))
        return y


class SameMean(nn.modules.pooling._AvgPoolNd):
    """An average pooling that pads as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = super().forward(padded_same(x, self, 0.0))
        if not self.count_include_pad:  # the share of each window that the image has
            y = y / super().forward(padded_same(torch.ones_like(x[:1, :1]), self, 0.0))
        return y


class SameMaxPool1d(SameMax, nn.MaxPool1d):
    """A max pooling of sequences padded as TensorFlow does."""


class SameAvgPool1d(SameMean, nn.AvgPool1d):
    """An average pooling of sequences padded as TensorFlow does."""


class SameMaxPool2d(SameMax, nn.MaxPool2d):
    """A max pooling of images padded as TensorFlow does."""


class SameAvgPool2d(SameMean, nn.AvgPool2d):
    """An average pooling of images padded as TensorFlow does."""


class SameMaxPool3d(SameMax, nn.MaxPool3d):
    """A max pooling of volumes padded as TensorFlow does."""


class SameAvgPool3d(SameMean, nn.AvgPool3d):
    """An average pooling of volumes padded as TensorFlow does."""
