"""Convolutions and the fully connected layer."""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd, prod
from typing import Annotated, Any

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, Flag, OneOf, Pad, Size, Start
from archdsl.layers.base import (
    Example,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    Weight,
    alike,
    axes_of,
    everything,
    image,
    show_shape,
)

# What PyTorch takes where an argument is left out.
CONV_USUAL: dict[str, object] = {
    "stride": 1,
    "padding": 0,
    "dilation": 1,
    "groups": 1,
    "bias": True,
    "padding_mode": "zeros",
}
Border = Annotated[str, OneOf(("zeros", "reflect", "replicate", "circular"))]


MOST_GROUPS = 64  # that are tried, where a message says which divide


def check_groups(name: str, groups: int, before: int, after: int) -> None:
    if before % groups or after % groups:
        common = gcd(before, after)
        some = [n for n in range(1, min(common, MOST_GROUPS) + 1) if common % n == 0]
        some += [common] if common > MOST_GROUPS else []
        raise Misfit(
            codes.GROUPS_DO_NOT_DIVIDE,
            layer=name,
            groups=groups,
            before=before,
            after=after,
            those=", ".join(map(str, some)),
        )


def check_border(border: str, size: tuple[int, ...], pads: Sequence[tuple[int, int]]) -> None:
    """A border that is made of the image itself takes no more of it than is there."""
    if border not in ("reflect", "circular"):
        return
    edge = 1 if border == "reflect" else 0
    for n, (before, after) in zip(size, pads, strict=True):
        if max(before, after) > n - edge:
            raise Misfit(codes.BORDER_TOO_WIDE, border=border, pad=max(before, after), size=n)


def with_bias(meaning: Meaning) -> dict[str, Any]:
    """The arguments of a layer; how a bias starts is none of them where there is no bias."""
    _, arguments = meaning
    return arguments if arguments["bias"] else arguments | {"bias_init": None}


class Conv(Layer):
    """A convolution over 1, 2 or 3 spatial axes, as the input has them.

    Without ``pad`` it keeps the size at a stride of 1 (odd kernels only). Weights
    ``channels * in/groups * kernel``, and ``channels`` biases unless ``bias = false``.
    """

    channels: Count
    kernel: Size
    stride: Size = 1
    pad: Pad | None = None
    dilation: Size = 1
    groups: Count = 1
    bias: Flag = True
    border: Border = "zeros"
    init: Start = None
    bias_init: Start = None

    name = "conv"
    summed_in_place = True
    kind = "conv"
    synonyms = ("conv1d", "conv2d", "conv3d", "convolution", "Conv2d")
    examples = (
        Example("conv(64, 3)", ((3, 32, 32),), (64, 32, 32)),
        Example("conv(64, 7, stride = 2)", ((3, 224, 224),), (64, 112, 112)),
        Example("conv(64, 11, stride = 4, pad = 2)", ((3, 224, 224),), (64, 55, 55)),
        Example("conv(32, 3, groups = 8, bias = false)", ((16, 9, 9),), (32, 9, 9)),
        Example("conv(16, 1x7)", ((8, 17, 17),), (16, 17, 17)),
        Example("conv(16, 3, dilation = 2)", ((8, 17, 17),), (16, 17, 17)),
        Example("conv(16, 3, stride = 2, border = reflect)", ((8, 17, 17),), (16, 9, 9)),
        Example("conv(96, 4, stride = 4, pad = 0)", ((3, 32, 32),), (96, 8, 8)),
        Example("conv(16, 9, stride = 2)", ((4, 100),), (16, 50)),
        Example("conv(8, 3)", ((2, 4, 6, 6),), (8, 4, 6, 6)),
    )

    def windows(self, axes: int) -> list[tuple[int, int, int]]:
        """Reach, stride and padding for every axis."""
        kernel, stride, dilation, pad = self.kernel, self.stride, self.dilation, self.pad
        if type(kernel) is type(stride) is type(dilation) is int and not isinstance(pad, tuple):
            return [self.one_window(kernel, stride, dilation, pad)] * axes
        pads = (None,) * axes if pad is None else axes_of(pad, axes, self.name, "pad")
        per_axis = zip(
            axes_of(kernel, axes, self.name, "kernel"),
            axes_of(stride, axes, self.name, "stride"),
            axes_of(dilation, axes, self.name, "dilation"),
            pads,
            strict=True,
        )
        return [self.one_window(k, s, d, p) for k, s, d, p in per_axis]

    def one_window(self, k: int, s: int, d: int, pad: int | None) -> tuple[int, int, int]:
        span = d * (k - 1)
        if pad is None:
            if span % 2:
                kernel = (self.kernel,) if isinstance(self.kernel, int) else self.kernel
                raise Misfit(
                    codes.EVEN_KERNEL, kernel=show_shape(kernel), before=self.uneven_padding()
                )
            pad = d * (k // 2) if k % 2 else span // 2
        return span + 1, s, pad

    def uneven_padding(self) -> str:
        """The layer that pads so that a stride of 1 keeps the size, as it is written."""
        given = (self.kernel, self.dilation)
        axes = max((len(v) for v in given if isinstance(v, tuple)), default=1)
        kernel, dilation = (axes_of(v, axes, self.name, "kernel") for v in given)
        spans = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        sides = {"before": [n // 2 for n in spans], "after": [n - n // 2 for n in spans]}
        shown = [f"{side} = {show_shape(tuple(v))}" for side, v in sides.items() if any(v)]
        return f"pad({', '.join(shown)})"

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        if self.groups != 1:
            check_groups(self.name, self.groups, channels, self.channels)
        try:
            windows = self.windows(len(size))
        except Misfit as problem:
            problem.help = self._in_other_order(problem, channels)
            raise
        if self.border != "zeros":
            check_border(self.border, size, [(p, p) for _, _, p in windows])
        out = [(n + 2 * p - r) // s + 1 for n, (r, s, p) in zip(size, windows, strict=True)]
        if min(out) < 1:
            raise Misfit(
                codes.WINDOW_TOO_LARGE,
                layer=self.name,
                kernel=show_shape(axes_of(self.kernel, len(size), self.name, "kernel")),
                size=show_shape(size),
            )
        return (self.channels, *out)

    def _in_other_order(self, problem: Misfit, channels: int) -> str:
        """What to write, where the arguments look like those of PyTorch: the channels that come
        in, those that go out, the kernel."""
        given = (self.channels, self.kernel, self.stride, channels)
        if problem.kind is not codes.EVEN_KERNEL or any(type(n) is not int for n in given):
            return ""
        if self.channels != channels or self.stride == 1:
            return ""
        meant = f"conv({self.kernel}, {self.stride})"
        return f"what comes in is known: `{meant}` says how many channels go out, and the kernel"

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        kernel = axes_of(self.kernel, len(inputs[0]) - 1, self.name, "kernel")
        weight = Weight(
            "weight", (self.channels, inputs[0][0] // self.groups, *kernel), init=self.init
        )
        if not self.bias:
            return (weight,)
        return weight, Weight("bias", (self.channels,), init=self.bias_init)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        kernel = axes_of(self.kernel, len(output) - 1, self.name, "kernel")
        return prod(output) * (inputs[0][0] // self.groups) * prod(kernel)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        windows = self.windows(len(input) - 1)
        return tuple([r for r, _, _ in windows]), tuple([s for _, s, _ in windows])

    def meaning(self, *inputs: Shape) -> Meaning:
        axes = len(inputs[0]) - 1
        pad = alike([p for _, _, p in self.windows(axes)])
        meant = with_bias(Layer.meaning(self, *inputs)) | {"pad": pad}
        return self.name, meant | ({"border": "zeros"} if pad == 0 else {})

    def torch(self, *inputs: Shape) -> Module:
        axes = len(inputs[0]) - 1
        pad = tuple([p for _, _, p in self.windows(axes)])
        keywords: dict[str, object] = {}
        if self.stride != 1:
            keywords["stride"] = self.stride
        if any(pad):
            keywords["padding"] = pad[0] if len(set(pad)) == 1 else pad
        if self.dilation != 1:
            keywords["dilation"] = self.dilation
        if self.groups != 1:
            keywords["groups"] = self.groups
        if not self.bias:
            keywords["bias"] = False
        if self.border != "zeros":
            keywords["padding_mode"] = self.border
        arguments = (inputs[0][0], self.channels, self.kernel)
        return Module(f"nn.Conv{axes}d", arguments, keywords, CONV_USUAL)


class ConvTranspose(Layer):
    """A transposed convolution ("deconvolution"): ``(n - 1) * stride - 2 * pad + kernel``."""

    channels: Count
    kernel: Size
    stride: Size = 1
    pad: Pad = 0
    output_pad: Pad = 0
    dilation: Size = 1
    groups: Count = 1
    bias: Flag = True
    init: Start = None
    bias_init: Start = None

    name = "conv_transpose"
    kind = "conv"
    synonyms = ("deconv", "conv_transpose2d", "convtranspose", "up_conv", "ConvTranspose2d")
    examples = (
        Example("conv_transpose(16, 2, stride = 2)", ((32, 8, 8),), (16, 16, 16)),
        Example(
            "conv_transpose(16, 3, stride = 2, pad = 1, output_pad = 1)",
            ((32, 8, 8),),
            (16, 16, 16),
        ),
        Example(
            "conv_transpose(16, 4, stride = 2, pad = 1, groups = 4, bias = false)",
            ((32, 7, 7),),
            (16, 14, 14),
        ),
    )

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        axes = len(size)
        check_groups(self.name, self.groups, channels, self.channels)
        kernel = axes_of(self.kernel, axes, self.name, "kernel")
        stride = axes_of(self.stride, axes, self.name, "stride")
        dilation = axes_of(self.dilation, axes, self.name, "dilation")
        pad = axes_of(self.pad, axes, self.name, "pad")
        extra = axes_of(self.output_pad, axes, self.name, "output_pad")
        for e, s, d in zip(extra, stride, dilation, strict=True):
            if e >= max(s, d):
                raise Misfit(codes.OUTPUT_PAD_TOO_LARGE, output_pad=e, stride=s)
        out = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, k, s, p, d, e in zip(size, kernel, stride, pad, dilation, extra, strict=True)
        )
        if min(out) < 1:
            raise Misfit(
                codes.WINDOW_TOO_LARGE,
                layer=self.name,
                kernel=show_shape(kernel),
                size=show_shape(size),
            )
        return (self.channels, *out)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        kernel = axes_of(self.kernel, len(inputs[0]) - 1, self.name, "kernel")
        weight = Weight(
            "weight", (inputs[0][0], self.channels // self.groups, *kernel), init=self.init
        )
        if not self.bias:
            return (weight,)
        return weight, Weight("bias", (self.channels,), init=self.bias_init)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        kernel = axes_of(self.kernel, len(output) - 1, self.name, "kernel")
        return prod(inputs[0]) * (self.channels // self.groups) * prod(kernel)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        axes = len(input) - 1
        kernel = axes_of(self.kernel, axes, self.name, "kernel")
        stride = axes_of(self.stride, axes, self.name, "stride")
        dilation = axes_of(self.dilation, axes, self.name, "dilation")
        # Every (s / g)-th element of the kernel meets one output pixel, from inputs d / g apart.
        seen = tuple(
            d // gcd(d, s) * ((k - 1) // (s // gcd(d, s))) + 1
            for k, s, d in zip(kernel, stride, dilation, strict=True)
        )
        return seen, tuple(Fraction(1, s) for s in stride)

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.name, with_bias(Layer.meaning(self, *inputs))

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {}
        for key, name, usual in (
            ("stride", "stride", 1),
            ("pad", "padding", 0),
            ("output_pad", "output_padding", 0),
            ("groups", "groups", 1),
            ("bias", "bias", True),
            ("dilation", "dilation", 1),
        ):
            if getattr(self, key) != usual:
                keywords[name] = getattr(self, key)
        axes = len(inputs[0]) - 1
        return Module(
            f"nn.ConvTranspose{axes}d", (inputs[0][0], self.channels, self.kernel), keywords
        )


class Linear(Layer):
    """A fully connected layer. It sees its whole input as one vector, as papers draw it."""

    features: Count
    bias: Flag = True
    init: Start = None
    bias_init: Start = None

    name = "linear"
    kind = "linear"
    synonyms = ("dense_layer", "fc", "fully_connected", "Linear")
    examples = (
        Example("linear(10)", ((64,),), (10,)),
        Example("linear(4096)", ((256, 6, 6),), (4096,)),
        Example("linear(10, bias = false)", ((64, 1, 1),), (10,)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        return (self.features,)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        weight = Weight("weight", (self.features, prod(inputs[0])), init=self.init)
        if not self.bias:
            return (weight,)
        return weight, Weight("bias", (self.features,), init=self.bias_init)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return prod(inputs[0]) * self.features

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return everything(input)

    def meaning(self, *inputs: Shape) -> Meaning:
        return self.name, with_bias(Layer.meaning(self, *inputs))

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {} if self.bias else {"bias": False}
        return Module("nn.Linear", (prod(inputs[0]), self.features), keywords, {"bias": True})
