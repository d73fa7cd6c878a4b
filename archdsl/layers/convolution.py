"""Convolutions and the fully connected layer."""

from fractions import Fraction
from math import gcd, prod

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, Flag, Numbers, Pad, Size, Start, VectorStart
from archdsl.layers.base import (
    Example,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    Weight,
    axes_of,
    differs,
    everything,
    image,
    show_shape,
)
from archdsl.layers.filters import NO_BIAS, Convolution, check_groups, with_bias


class Conv(Convolution):
    """A convolution over 1, 2 or 3 spatial axes, as the input has them.

    Without ``pad`` it keeps the size at a stride of 1 (odd kernels only); ``pad = same`` pads as
    TensorFlow does. Weights ``channels * in/groups * kernel``, and ``channels`` biases unless
    ``bias = false``. ``weight`` fixes the numbers of one filter, for each alike, or of all filters:
    a buffer in the place of a parameter.
    """

    weight: Numbers | None = None

    name = "conv"
    modules = "modules/convolution.py"
    late = ("weight",)
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
        Example("conv(8, 3, stride = 2, pad = same)", ((8, 8, 9),), (8, 4, 5)),
        Example("conv(8, 2, pad = same, bias = false)", ((8, 9),), (8, 9)),
        Example(
            "conv(4, 3, groups = 4, weight = [[1, 2, 1], [0, 0, 0], [-1, -2, -1.5]])",
            ((4, 8, 8),),
            (4, 8, 8),
        ),
    )

    @property
    def module(self) -> str:
        return "nn.Conv" if self.weight is None else "FixedConv"

    def shape(self, *inputs: Shape) -> Shape:
        shape = Convolution.shape(self, *inputs)
        if self.weight is not None:
            each = prod(self.filters(inputs[0])[1:])
            given = len(self.weight)
            if given not in (each, self.channels * each):
                raise Misfit(codes.FIXED_WEIGHTS, given=given, each=each, all=self.channels * each)
            if self.init is not None:
                raise Misfit(codes.NOT_BOTH, layer=self.name, first="init", second="weight")
        return shape

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        learned = Convolution.weights(self, *inputs)
        if self.weight is None:
            return learned
        return *learned[1:], Weight("weight", self.filters(inputs[0]), trainable=False)

    def meaning(self, *inputs: Shape) -> Meaning:
        name, meant = Convolution.meaning(self, *inputs)
        if self.weight is not None:
            one = self.weight[: prod(self.filters(inputs[0])[1:])]
            if one * (len(self.weight) // len(one)) == self.weight:
                meant["weight"] = one
        return name, meant

    def torch(self, *inputs: Shape) -> Module:
        made = Convolution.torch(self, *inputs)
        if self.weight is None:
            return made
        keywords = {"weight": self.weight, **made.keywords}
        return Module(made.target, made.arguments, keywords, made.usual)


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
    bias_init: VectorStart = None

    name = "conv_transpose"
    idle = (NO_BIAS,)
    kind = "conv"
    synonyms = (
        "deconv",
        "conv_transpose2d",
        "convtranspose",
        "up_conv",
        "ConvTranspose2d",
        "Conv2DTranspose",
    )
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
        if any(n < 1 for n in out):
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
        usual: dict[str, object] = {}
        for key, name, value in (
            ("stride", "stride", 1),
            ("pad", "padding", 0),
            ("output_pad", "output_padding", 0),
            ("groups", "groups", 1),
            ("bias", "bias", True),
            ("dilation", "dilation", 1),
        ):
            usual[name] = value
            if differs(getattr(self, key), value):
                keywords[name] = getattr(self, key)
        axes = len(inputs[0]) - 1
        given = inputs[0][0], self.channels, self.kernel
        return Module(f"nn.ConvTranspose{axes}d", given, keywords, usual)


class Linear(Layer):
    """A fully connected layer. It sees its whole input as one vector, as papers draw it."""

    features: Count
    bias: Flag = True
    init: Start = None
    bias_init: VectorStart = None

    name = "linear"
    idle = (NO_BIAS,)
    kind = "linear"
    synonyms = ("Dense", "dense_layer", "fc", "fully_connected", "Linear")
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
