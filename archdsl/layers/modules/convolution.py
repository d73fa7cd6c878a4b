"""Convolutions that PyTorch has not: padded as TensorFlow does, fixed, standardised."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Same(nn.modules.conv._ConvNd):
    """A convolution that pads as TensorFlow does: ``ceil(n / stride)`` results of ``n``
    pixels; where the padding is odd, the pixel more stands after the image."""

    def forward(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for n, k, s, d in zip(
            x.shape[2:], self.kernel_size, self.stride, self.dilation, strict=True
        ):
            room = max((n - 1) // s * s + d * (k - 1) + 1 - n, 0)
            sides = [room // 2, room - room // 2, *sides]
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        y: Tensor = super().forward(F.pad(x, sides, mode))
        return y


class Fixed(nn.modules.conv._ConvNd):
    """A convolution whose weights are no parameters: the numbers of one filter, for
    each alike, or of all."""

    def __init__(self, *sizes, weight: tuple[float, ...], **options) -> None:
        super().__init__(*sizes, **options)
        shape = self.weight.shape
        del self.weight
        fixed = torch.tensor(weight).view(-1, *shape[1:]).expand(shape)
        self.register_buffer("weight", fixed.clone())


class Standardized(nn.modules.conv._ConvNd):
    """A convolution each of whose filters has a mean of 0 and a variance of 1
    (arXiv:1903.10520). With ``gain`` it is divided by the root of its length, and
    multiplied with this number and a learned one (arXiv:2101.08692)."""

    def __init__(
        self, *sizes, gain: float | None = None, eps: float = 1e-6, **options
    ) -> None:
        super().__init__(*sizes, **options)
        self.eps, self.gain = eps, None
        if gain is not None:
            ones = torch.ones(self.out_channels, *(1,) * (self.weight.dim() - 1))
            self.scale = gain / math.sqrt(self.weight[0].numel())
            self.gain = nn.Parameter(ones)

    def forward(self, x: Tensor) -> Tensor:
        weight = F.layer_norm(self.weight, self.weight.shape[1:], eps=self.eps)
        if self.gain is not None:
            weight = weight * (self.gain * self.scale)
        return self._conv_forward(x, weight, self.bias)


class SameConv1d(Same, nn.Conv1d):
    """A convolution of sequences padded as TensorFlow does."""


class FixedConv1d(Fixed, nn.Conv1d):
    """A convolution of sequences with fixed weights."""


class SameFixedConv1d(Same, Fixed, nn.Conv1d):
    """With fixed weights, of sequences, padded as TensorFlow does."""


class StdConv1d(Standardized, nn.Conv1d):
    """A convolution of sequences with standardised filters."""


class SameStdConv1d(Same, Standardized, nn.Conv1d):
    """With standardised filters, of sequences, padded as TensorFlow does."""


class SameConv2d(Same, nn.Conv2d):
    """A convolution of images padded as TensorFlow does."""


class FixedConv2d(Fixed, nn.Conv2d):
    """A convolution of images with fixed weights."""


class SameFixedConv2d(Same, Fixed, nn.Conv2d):
    """With fixed weights, of images, padded as TensorFlow does."""


class StdConv2d(Standardized, nn.Conv2d):
    """A convolution of images with standardised filters."""


class SameStdConv2d(Same, Standardized, nn.Conv2d):
    """With standardised filters, of images, padded as TensorFlow does."""


class SameConv3d(Same, nn.Conv3d):
    """A convolution of volumes padded as TensorFlow does."""


class FixedConv3d(Fixed, nn.Conv3d):
    """A convolution of volumes with fixed weights."""


class SameFixedConv3d(Same, Fixed, nn.Conv3d):
    """With fixed weights, of volumes, padded as TensorFlow does."""


class StdConv3d(Standardized, nn.Conv3d):
    """A convolution of volumes with standardised filters."""


class SameStdConv3d(Same, Standardized, nn.Conv3d):
    """With standardised filters, of volumes, padded as TensorFlow does."""
