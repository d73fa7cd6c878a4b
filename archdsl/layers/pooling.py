"""Pooling."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Annotated, Any, ClassVar

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Flag, OneOf, PadOrSame, Rounding, Size
from archdsl.layers.axes import AXES, along, axis_of
from archdsl.layers.base import (
    Example,
    Expression,
    Idle,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    alike,
    axes_of,
    differs,
    everything,
    image,
    show_shape,
)
from archdsl.layers.same import SAME, is_even, same_sides


class Pool(Layer):
    """What max and average pooling share: where the windows stand."""

    kernel: Size
    stride: Size | None = None
    pad: PadOrSame = 0

    kind = "pool"
    modules = "modules/pooling.py"
    idle = (Idle("mode", "pad", SAME),)  # there every window fits

    @property
    def up(self) -> bool:
        """Whether a last window counts that only partly fits."""
        raise NotImplementedError

    def steps(self) -> int | tuple[int, ...]:
        return self.kernel if self.stride is None else self.stride

    def reach(self, axes: int) -> tuple[int, ...]:
        return axes_of(self.kernel, axes, self.name, "kernel")

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        axes = len(size)
        kernel = axes_of(self.kernel, axes, self.name, "kernel")
        stride = axes_of(self.steps(), axes, self.name, "stride")
        if self.pad == SAME:
            return (channels, *(-(-n // s) for n, s in zip(size, stride, strict=True)))
        pad = axes_of(self.margin, axes, self.name, "pad")
        reach = self.reach(axes)
        if any(2 * p > k for p, k in zip(pad, kernel, strict=True)):
            raise Misfit(
                codes.POOL_PAD_TOO_LARGE,
                layer=self.name,
                pad=show_shape(pad),
                kernel=show_shape(kernel),
            )
        up = self.up
        out = []
        for n, k, s, p in zip(size, reach, stride, pad, strict=True):
            room = n + 2 * p - k
            positions = (-(-room // s) if up else room // s) + 1
            if up and (positions - 1) * s >= n + p:
                positions -= 1  # PyTorch drops a last window that would start outside
            out.append(positions)
        if any(n < 1 for n in out):
            raise Misfit(
                codes.WINDOW_TOO_LARGE,
                layer=self.name,
                kernel=show_shape(reach),
                size=show_shape(size),
            )
        return (channels, *out)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        axes = len(input) - 1
        return self.reach(axes), axes_of(self.steps(), axes, self.name, "stride")

    def meaning(self, *inputs: Shape) -> Meaning:
        name, meant = Layer.meaning(self, *inputs)
        meant = meant | {"stride": self.steps()}
        if self.pad != SAME:
            return name, meant
        size = inputs[0][1:]
        sides = [same_sides(n, r, s) for n, r, s in self.windows(len(size), size)]
        even = all(before == after for before, after in sides)
        pad: Any = alike([before for before, _ in sides]) if even else sides
        return name, meant | {"pad": pad, "mode": "floor"}

    @property
    def margin(self) -> int | tuple[int, ...]:
        """The padding of each side; that of ``same`` depends on the size, and is none here."""
        return 0 if isinstance(self.pad, str) else self.pad

    def windows(self, axes: int, *more: Sequence[int]) -> Iterator[tuple[int, ...]]:
        """For every axis what is given of it, the reach and the stride."""
        steps = axes_of(self.steps(), axes, self.name, "stride")
        return zip(*more, self.reach(axes), steps, strict=True)

    def module(self, kind: str, size: Shape) -> tuple[str, dict[str, object]]:
        """What the PyTorch module is called, and its keywords."""
        axes = len(size)
        target, found = f"nn.{kind}{axes}d", dict[str, object]()
        said = self.stride is not None and type(self.stride) not in (int, tuple)  # an expression
        if said or self.steps() != self.kernel:
            found["stride"] = self.steps()
        pad = self.margin
        if self.pad == SAME:  # no more than the sizes that come in tell how much it is
            windows = list(self.windows(axes))
            half = [r // 2 for r, _ in windows]
            kernel = axes_of(self.kernel, axes, self.name, "kernel")
            fits = all(2 * p <= k for p, k in zip(half, kernel, strict=True))
            fits = fits and (axes < 3 or all(n >= k for n, k in zip(size, kernel, strict=True)))
            if fits and is_even((r, s, 0) for r, s in windows):
                pad = alike(half)
            else:
                target = f"Same{kind}{axes}d"
        if differs(pad, 0):
            found["padding"] = pad
        if self.up and self.pad != SAME:
            found["ceil_mode"] = True
        return target, found

    def made(self, target: str, keywords: dict[str, object], usual: Mapping[str, object]) -> Module:
        """The module; with the one that pads as TensorFlow does whatever the size is."""
        like = None
        if self.pad == SAME:
            more = {k: v for k, v in keywords.items() if k != "padding"}
            name = f"Same{target.removeprefix('nn.').removeprefix('Same')}"
            like = Module(name, (self.kernel,), more, usual)
        return Module(target, (self.kernel,), keywords, usual, general=like)


class MaxPool(Pool):
    """Max pooling. It steps by its kernel and pads nothing unless told.

    ``mode = ceil`` keeps a last window that only partly fits, as Caffe does; ``pad = same`` pads
    as TensorFlow does, and a stride of ``s`` leaves ``ceil(n / s)`` of ``n`` pixels.
    """

    dilation: Size = 1
    mode: Rounding = "floor"

    name = "maxpool"
    synonyms = ("max_pool", "MaxPool2d", "maxpool2d", "MaxPooling2D", "max_pooling")
    examples = (
        Example("maxpool(2)", ((64, 32, 32),), (64, 16, 16)),
        Example("maxpool(3, stride = 2, pad = 1)", ((64, 112, 112),), (64, 56, 56)),
        Example("maxpool(3, stride = 2, mode = ceil)", ((64, 112, 112),), (64, 56, 56)),
        Example("maxpool(2, stride = 2, pad = 1, mode = ceil)", ((4, 5, 5),), (4, 3, 3)),
        Example("maxpool(3, stride = 1, dilation = 2)", ((4, 9, 9),), (4, 5, 5)),
        Example("maxpool(2x1)", ((4, 8, 8),), (4, 4, 8)),
        Example("maxpool(3, stride = 2, pad = same)", ((4, 8, 9),), (4, 4, 5)),
    )

    @property
    def up(self) -> bool:
        return self.mode == "ceil"

    def reach(self, axes: int) -> tuple[int, ...]:
        kernel = axes_of(self.kernel, axes, self.name, "kernel")
        dilation = axes_of(self.dilation, axes, self.name, "dilation")
        return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))

    def torch(self, *inputs: Shape) -> Module:
        target, keywords = self.module("MaxPool", inputs[0][1:])
        if self.dilation != 1:
            keywords["dilation"] = self.dilation
        usual = {"stride": self.kernel, "padding": 0, "dilation": 1, "ceil_mode": False}
        return self.made(target, keywords, usual)


class AvgPool(Pool):
    """Average pooling.

    As in PyTorch, zeros of the padding count in the divisor unless ``count_pad = false``,
    and what ``mode = ceil`` hangs over the edge never does. ``pad = same`` pads as TensorFlow
    does, whose own pooling has ``count_pad = false``.
    """

    mode: Rounding = "floor"
    count_pad: Flag = True

    name = "avgpool"
    synonyms = ("avg_pool", "AvgPool2d", "avgpool2d", "mean_pool", "AveragePooling2D")
    examples = (
        Example("avgpool(2)", ((64, 32, 32),), (64, 16, 16)),
        Example("avgpool(3, stride = 2, mode = ceil)", ((8, 16, 16),), (8, 8, 8)),
        Example("avgpool(3, stride = 1, pad = 1, count_pad = false)", ((8, 7, 7),), (8, 7, 7)),
        Example("avgpool(2, pad = same, count_pad = false)", ((8, 7, 9),), (8, 4, 5)),
        Example("avgpool(3, stride = 2, pad = same)", ((8, 10),), (8, 5)),
    )

    @property
    def up(self) -> bool:
        return self.mode == "ceil"

    def shape(self, *inputs: Shape) -> Shape:
        output = Pool.shape(self, *inputs)
        size = inputs[0][1:]
        # PyTorch wants the whole window inside a volume, with padding or without.
        if len(size) == 3 and self.pad != SAME:
            kernel = axes_of(self.kernel, 3, self.name, "kernel")
            if any(n < k for n, k in zip(size, kernel, strict=True)):
                raise Misfit(
                    codes.WINDOW_TOO_LARGE,
                    layer=self.name,
                    kernel=show_shape(kernel),
                    size=show_shape(size),
                )
        return output

    def torch(self, *inputs: Shape) -> Module:
        target, keywords = self.module("AvgPool", inputs[0][1:])
        if not self.count_pad:
            keywords["count_include_pad"] = False
        usual = {"stride": self.kernel, "padding": 0, "ceil_mode": False, "count_include_pad": True}
        return self.made(target, keywords, usual)


class AdaptivePool(Layer):
    """Pooling to a given size, whatever comes in."""

    kind = "pool"
    module: ClassVar[str]

    def target(self, axes: int) -> tuple[int, ...]:
        return (1,) * axes

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        return (channels, *self.target(len(size)))

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        pairs = list(zip(input[1:], self.target(len(input) - 1), strict=True))
        if all(m == 1 for _, m in pairs):
            return everything(input)
        steps = tuple(Fraction(n, m) for n, m in pairs)
        # Window i is from floor(i * step) to ceil((i + 1) * step): the widest begins latest
        # after a pixel's edge.
        widest = tuple(ceil(s + 1 - Fraction(1, s.denominator)) for s in steps)
        return widest, steps

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.module, {"size": alike(self.target(len(inputs[0]) - 1))}

    def torch(self, *inputs: Shape) -> Module:
        axes = len(inputs[0]) - 1
        target = self.target(axes)
        return Module(f"{self.module}{axes}d", (target[0] if len(set(target)) == 1 else target,))


class AdaptiveAvgPool(AdaptivePool):
    """Average pooling to a given size, whatever comes in."""

    size: Size

    name = "adaptive_avgpool"
    module = "nn.AdaptiveAvgPool"
    synonyms = ("adaptive_avg_pool", "AdaptiveAvgPool2d")
    examples = (Example("adaptive_avgpool(6)", ((256, 13, 13),), (256, 6, 6)),)

    def target(self, axes: int) -> tuple[int, ...]:
        return axes_of(self.size, axes, self.name, "size")


class AdaptiveMaxPool(AdaptivePool):
    """Max pooling to a given size, whatever comes in."""

    size: Size

    name = "adaptive_maxpool"
    module = "nn.AdaptiveMaxPool"
    synonyms = ("adaptive_max_pool", "AdaptiveMaxPool2d")
    examples = (Example("adaptive_maxpool(2x4)", ((8, 13, 13),), (8, 2, 4)),)

    def target(self, axes: int) -> tuple[int, ...]:
        return axes_of(self.size, axes, self.name, "size")


class GlobalAvgPool(AdaptivePool):
    """The mean of each channel: ``CxHxW`` to ``Cx1x1``."""

    name = "global_avgpool"
    module = "nn.AdaptiveAvgPool"
    synonyms = (
        "gap", "global_avg_pool", "avgpool_global", "global_pool", "global_average_pool",
        "GlobalAveragePooling2D",
    )  # fmt: skip
    examples = (Example("global_avgpool", ((512, 7, 7),), (512, 1, 1)),)


class GlobalMaxPool(AdaptivePool):
    """The maximum of each channel: ``CxHxW`` to ``Cx1x1``."""

    name = "global_maxpool"
    module = "nn.AdaptiveMaxPool"
    synonyms = ("gmp", "global_max_pool", "GlobalMaxPooling2D")
    examples = (Example("global_maxpool", ((512, 7, 7),), (512, 1, 1)),)


class ChannelAvgPool(Layer):
    """The mean over channels at each pixel: ``CxHxW`` to ``1xHxW``."""

    name = "channel_avgpool"
    kind = "pool"
    synonyms = ("channel_mean", "mean_channels")
    examples = (Example("channel_avgpool", ((16, 8, 8),), (1, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        image(inputs[0], self.name)
        return (1, *inputs[0][1:])

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}.mean(1, keepdim=True)")


class ChannelMaxPool(Layer):
    """The maximum over channels at each pixel: ``CxHxW`` to ``1xHxW``."""

    name = "channel_maxpool"
    kind = "pool"
    synonyms = ("channel_max", "max_channels")
    examples = (Example("channel_maxpool", ((16, 8, 8),), (1, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        image(inputs[0], self.name)
        return (1, *inputs[0][1:])

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}.amax(1, keepdim=True)")


class GlobalSumPool(Layer):
    """The sum of each channel: ``CxHxW`` to ``Cx1x1``; or that along one axis (``over``), of which
    one is left."""

    over: Annotated[str, OneOf(("space", *AXES[1:]))] = "space"

    name = "global_sumpool"
    kind = "pool"
    late = ("over",)
    synonyms = ("global_sum_pool", "sumpool", "sum_pixels")
    examples = (
        Example("global_sumpool", ((512, 7, 7),), (512, 1, 1)),
        Example("global_sumpool", ((16, 9),), (16, 1)),
        Example("global_sumpool(over = height)", ((16, 7, 9),), (16, 1, 9)),
        Example("global_sumpool(over = tokens)", ((16, 9),), (16, 1)),
    )

    def axes(self, shape: Shape) -> tuple[int, ...]:
        image(shape, self.name)
        if self.over == "space":
            return tuple(range(1, len(shape)))
        return (axis_of(self.over, shape, self.name),)

    def shape(self, *inputs: Shape) -> Shape:
        summed = self.axes(inputs[0])
        return tuple([1 if i in summed else n for i, n in enumerate(inputs[0])])

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.name, {} if len(inputs[0]) == 2 else Layer.meaning(self, *inputs)[1]

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        summed = self.axes(input)
        return everything(input) if len(summed) == len(input) - 1 else along(summed[0], input)

    def torch(self, *inputs: Shape) -> Expression:
        axes = tuple([1 + axis for axis in self.axes(inputs[0])])
        return Expression(f"{{x}}.sum({axes[0] if len(axes) == 1 else axes}, keepdim=True)")


class ChannelSumPool(Layer):
    """The sum over channels at each pixel: ``CxHxW`` to ``1xHxW``."""

    name = "channel_sumpool"
    kind = "pool"
    synonyms = ("channel_sum", "sum_channels")
    examples = (Example("channel_sumpool", ((16, 8, 8),), (1, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        image(inputs[0], self.name)
        return (1, *inputs[0][1:])

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}.sum(1, keepdim=True)")
