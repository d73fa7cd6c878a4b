"""Resampling: sizes made larger or other than they are, and pixels dealt into channels."""

from fractions import Fraction
from typing import Annotated, Any, ClassVar

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, Flag, OneOf, Size
from archdsl.layers.base import (
    Example,
    Idle,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    axes_of,
    image,
    show_shape,
)


def resampled(mode: str, input: Shape, output: Shape) -> tuple[Steps, Steps]:
    """What a resampled pixel sees: its neighbours, as many as the interpolation takes."""
    seen = {"nearest": 1, "bicubic": 4}.get(mode, 2)
    steps = tuple(Fraction(n, m) for n, m in zip(input[1:], output[1:], strict=True))
    return (seen,) * len(steps), steps


def without_corners(meaning: Meaning) -> dict[str, Any]:
    """The arguments of a layer; nothing is aligned by the corners where pixels are repeated."""
    _, arguments = meaning
    nearest = arguments["mode"] == "nearest"
    return arguments | {"align_corners": False} if nearest else arguments


NEAREST = (Idle("align_corners", "mode", "nearest"),)


class Upsample(Layer):
    """Enlarges by a whole factor.

    ``linear`` is for one spatial axis, ``bilinear`` and ``bicubic`` for two, ``trilinear``
    for three.
    """

    factor: Size
    mode: Annotated[str, OneOf(("nearest", "linear", "bilinear", "bicubic", "trilinear"))] = (
        "nearest"
    )
    align_corners: Flag = False

    name = "upsample"
    idle = NEAREST
    kind = "pool"
    synonyms = ("upsampling", "interpolate", "Upsample", "up")
    examples = (
        Example("upsample(2)", ((8, 7, 7),), (8, 14, 14)),
        Example("upsample(2, mode = bilinear)", ((8, 7, 7),), (8, 14, 14)),
        Example("upsample(2x1)", ((8, 7, 7),), (8, 14, 7)),
    )
    axes: ClassVar[dict[str, tuple[int, ...]]] = {
        "nearest": (1, 2, 3),
        "linear": (1,),
        "bilinear": (2,),
        "bicubic": (2,),
        "trilinear": (3,),
    }

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        if len(size) not in self.axes[self.mode]:
            raise Misfit(
                codes.MODE_NEEDS_AXES, mode=self.mode, axes=self.axes[self.mode][0], given=len(size)
            )
        factor = axes_of(self.factor, len(size), self.name, "factor")
        return (channels, *(n * f for n, f in zip(size, factor, strict=True)))

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return resampled(self.mode, input, self.shape(input))

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.name, without_corners(Layer.meaning(self, *inputs))

    def torch(self, *inputs: Shape) -> Module:
        factor: object = self.factor
        if isinstance(self.factor, tuple):
            factor = tuple(float(f) for f in self.factor)
        keywords: dict[str, object] = {"scale_factor": factor}
        if self.mode != "nearest":
            keywords |= {"mode": self.mode, "align_corners": self.align_corners}
        return Module("nn.Upsample", (), keywords)


class Resize(Layer):
    """Resamples to a given size, whatever comes in."""

    size: Size
    mode: Annotated[str, OneOf(("nearest", "linear", "bilinear", "bicubic", "trilinear"))] = (
        "nearest"
    )
    align_corners: Flag = False

    name = "resize"
    idle = NEAREST
    kind = "pool"
    examples = (
        Example("resize(14)", ((8, 5, 5),), (8, 14, 14)),
        Example("resize(14x28, mode = bilinear)", ((8, 7, 7),), (8, 14, 28)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        if len(size) not in Upsample.axes[self.mode]:
            axes = Upsample.axes[self.mode][0]
            raise Misfit(codes.MODE_NEEDS_AXES, mode=self.mode, axes=axes, given=len(size))
        return (channels, *axes_of(self.size, len(size), self.name, "size"))

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return resampled(self.mode, input, self.shape(input))

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.name, without_corners(Layer.meaning(self, *inputs))

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {
            "size": axes_of(self.size, len(inputs[0]) - 1, self.name, "size")
        }
        if self.mode != "nearest":
            keywords |= {"mode": self.mode, "align_corners": self.align_corners}
        return Module("nn.Upsample", (), keywords)


class PixelShuffle(Layer):
    """Channels to pixels: ``C*r*r x H x W`` to ``C x rH x rW`` (arXiv:1609.05158)."""

    factor: Count

    name = "pixel_shuffle"
    synonyms = ("PixelShuffle",)
    examples = (Example("pixel_shuffle(2)", ((16, 8, 8),), (4, 16, 16)),)

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        if len(size) != 2:
            raise Misfit(codes.NEEDS_AXES, layer=self.name, axes=2, shape=show_shape(inputs[0]))
        if channels % self.factor**2:
            raise Misfit(
                codes.NOT_DIVISIBLE,
                layer=self.name,
                what="channels",
                given=channels,
                by=self.factor**2,
            )
        return (channels // self.factor**2, *(n * self.factor for n in size))

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return (1, 1), (Fraction(1, self.factor),) * 2

    def torch(self, *inputs: Shape) -> Module:
        return Module("nn.PixelShuffle", (self.factor,))


class PixelUnshuffle(Layer):
    """Pixels to channels: ``C x rH x rW`` to ``C*r*r x H x W``."""

    factor: Count

    name = "pixel_unshuffle"
    synonyms = ("PixelUnshuffle",)
    examples = (Example("pixel_unshuffle(2)", ((4, 16, 16),), (16, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        if len(size) != 2:
            raise Misfit(codes.NEEDS_AXES, layer=self.name, axes=2, shape=show_shape(inputs[0]))
        for n in size:
            if n % self.factor:
                raise Misfit(
                    codes.NOT_DIVISIBLE,
                    layer=self.name,
                    what="pixels a side",
                    given=n,
                    by=self.factor,
                )
        return (channels * self.factor**2, *(n // self.factor for n in size))

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return (self.factor,) * 2, (self.factor,) * 2

    def torch(self, *inputs: Shape) -> Module:
        return Module("nn.PixelUnshuffle", (self.factor,))
