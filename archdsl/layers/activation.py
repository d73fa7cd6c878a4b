"""Activations. All but the last few work on each element alone."""

from typing import Annotated, ClassVar

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, Flag, NotNegative, NotZero, OneOf, Positive, Real
from archdsl.layers.axes import AXES, along, axis_of
from archdsl.layers.base import (
    Example,
    Expression,
    Layer,
    Meaning,
    Misfit,
    Module,
    Shape,
    Steps,
    Weight,
    differs,
    everything,
    image,
    signature,
)


class Activation(Layer):
    """A layer that is one PyTorch module; ``keywords`` maps its arguments to the module's."""

    kind = "activation"
    module: ClassVar[str]
    keywords: ClassVar[dict[str, str]] = {}

    def torch(self, *inputs: Shape) -> Module | Expression:
        usual = {self.keywords[p.name]: p.default for p in signature(type(self))}
        given = {k: getattr(self, name) for name, k in self.keywords.items()}
        return Module(
            self.module, (), {k: v for k, v in given.items() if differs(v, usual[k])}, usual
        )


def _example(call: str) -> tuple[Example, ...]:
    return (Example(call, ((16, 8, 8),), (16, 8, 8)),)


class ReLU(Activation):
    """max(0, x)."""

    name = "relu"
    module = "nn.ReLU"
    inplace = True
    synonyms = ("ReLU", "rectifier")
    examples = _example("relu")


class ReLU6(Activation):
    """min(max(0, x), 6), the activation of MobileNet (arXiv:1704.04861)."""

    name = "relu6"
    module = "nn.ReLU6"
    inplace = True
    examples = _example("relu6")


class LeakyReLU(Activation):
    """x where positive, slope * x elsewhere."""

    slope: Real = 0.01

    name = "leaky_relu"
    module = "nn.LeakyReLU"
    keywords = {"slope": "negative_slope"}
    inplace = True
    synonyms = ("lrelu", "LeakyReLU")
    examples = _example("leaky_relu(0.1)")


class RReLU(Activation):
    """A leaky ReLU whose slope is drawn anew in training (arXiv:1505.00853)."""

    lower: NotNegative = 0.125
    upper: NotNegative = 1 / 3

    name = "rrelu"
    module = "nn.RReLU"
    keywords = {"lower": "lower", "upper": "upper"}
    inplace = True
    examples = _example("rrelu(0.1, 0.3)")

    def shape(self, *inputs: Shape) -> Shape:
        if self.lower > self.upper:
            raise Misfit(codes.BOUNDS_CROSSED, layer=self.name, low=self.lower, high=self.upper)
        return inputs[0]


class ELU(Activation):
    """x where positive, alpha * (exp(x) - 1) elsewhere (arXiv:1511.07289)."""

    alpha: NotNegative = 1.0

    name = "elu"
    module = "nn.ELU"
    keywords = {"alpha": "alpha"}
    inplace = True
    examples = _example("elu")


class CELU(Activation):
    """The continuously differentiable ELU (arXiv:1704.07483)."""

    alpha: Positive = 1.0

    name = "celu"
    module = "nn.CELU"
    keywords = {"alpha": "alpha"}
    inplace = True
    examples = _example("celu(0.5)")


class SELU(Activation):
    """The self-normalising ELU (arXiv:1706.02515)."""

    name = "selu"
    module = "nn.SELU"
    inplace = True
    examples = _example("selu")


class GELU(Activation):
    """x times the normal distribution function (arXiv:1606.08415)."""

    approximate: Annotated[str, OneOf(("none", "tanh"))] = "none"

    name = "gelu"
    module = "nn.GELU"
    keywords = {"approximate": "approximate"}
    examples = _example("gelu") + _example("gelu(tanh)")


class SiLU(Activation):
    """x * sigmoid(x), also called swish (arXiv:1710.05941)."""

    name = "silu"
    module = "nn.SiLU"
    inplace = True
    synonyms = ("swish", "SiLU")
    examples = _example("silu")


class Mish(Activation):
    """x * tanh(softplus(x)) (arXiv:1908.08681)."""

    name = "mish"
    module = "nn.Mish"
    inplace = True
    examples = _example("mish")


class HardSwish(Activation):
    """The piecewise linear swish of MobileNetV3 (arXiv:1905.02244)."""

    name = "hardswish"
    module = "nn.Hardswish"
    inplace = True
    synonyms = ("hard_swish", "h_swish", "hswish")
    examples = _example("hardswish")


class HardSigmoid(Activation):
    """The piecewise linear sigmoid of MobileNetV3 (arXiv:1905.02244)."""

    name = "hardsigmoid"
    module = "nn.Hardsigmoid"
    inplace = True
    synonyms = ("hard_sigmoid", "h_sigmoid")
    examples = _example("hardsigmoid")


class HardTanh(Activation):
    """x kept between two bounds."""

    low: Real = -1.0
    high: Real = 1.0

    name = "hardtanh"
    module = "nn.Hardtanh"
    keywords = {"low": "min_val", "high": "max_val"}
    inplace = True
    synonyms = ("clip", "clamp")
    examples = _example("hardtanh(0, 6)")

    def shape(self, *inputs: Shape) -> Shape:
        if self.low >= self.high:
            raise Misfit(codes.BOUNDS_CROSSED, layer=self.name, low=self.low, high=self.high)
        return inputs[0]


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    name = "sigmoid"
    module = "nn.Sigmoid"
    synonyms = ("logistic",)
    examples = _example("sigmoid")


class Tanh(Activation):
    """The hyperbolic tangent."""

    name = "tanh"
    module = "nn.Tanh"
    examples = _example("tanh")


class Softplus(Activation):
    """log(1 + exp(beta * x)) / beta."""

    beta: NotZero = 1.0

    name = "softplus"
    module = "nn.Softplus"
    keywords = {"beta": "beta"}
    examples = _example("softplus(2)")


class Softsign(Activation):
    """x / (1 + abs(x))."""

    name = "softsign"
    module = "nn.Softsign"
    examples = _example("softsign")


class Absolute(Layer):
    """|x|, as networks that compare two images have it of the difference of their features."""

    name = "absolute"
    kind = "activation"
    synonyms = ("magnitude",)
    examples = _example("absolute")

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}.abs()")


class PReLU(Activation):
    """A leaky ReLU whose slope is learned, one per channel unless ``shared`` (arXiv:1502.01852)."""

    slope: Real = 0.25
    shared: Flag = False

    name = "prelu"
    examples = _example("prelu") + _example("prelu(0.1, shared = true)")

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", (1 if self.shared else inputs[0][0],)),)

    def torch(self, *inputs: Shape) -> Module:
        keywords = {} if self.slope == 0.25 else {"init": self.slope}
        return Module("nn.PReLU", () if self.shared else (inputs[0][0],), keywords)


Over = Annotated[str, OneOf((AXES[0], "space", *AXES[1:]))]


class Softmax(Activation):
    """Softmax over channels, all pixels of each channel (``over = space``), or one axis."""

    over: Over = "channels"

    name = "softmax"
    module = "nn.Softmax"
    function: ClassVar[str] = "softmax"
    late = ("over",)
    examples = (
        *_example("softmax"),
        *_example("softmax(over = space)"),
        Example("softmax(over = space)", ((16, 9),), (16, 9)),
        Example("softmax(over = width)", ((4, 5, 6),), (4, 5, 6)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        if self.over == "space":
            image(inputs[0], self.name)
        else:
            axis_of(self.over, inputs[0], self.name)
        return inputs[0]

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        if self.over == "space":
            return everything(input)
        return along(axis_of(self.over, input, self.name), input)

    def meaning(self, *inputs: Shape) -> Meaning:
        name, meant = Layer.meaning(self, *inputs)
        return name, meant | ({"over": "space"} if self.over == "tokens" else {})

    def torch(self, *inputs: Shape) -> Module | Expression:
        if self.over == "space" and len(inputs[0]) > 2:
            return Expression(f"{{x}}.flatten(2).{self.function}(2).view_as({{x}})")
        axis = 1 if self.over == "space" else axis_of(self.over, inputs[0], self.name)
        return Module(self.module, (), {"dim": 1 + axis})


class LogSoftmax(Softmax):
    """The logarithm of the softmax over channels, all pixels of each channel, or one axis."""

    name = "log_softmax"
    module = "nn.LogSoftmax"
    function = "log_softmax"
    examples = _example("log_softmax")


class GLU(Activation):
    """The first half of the channels times the sigmoid of the second (arXiv:1612.08083)."""

    name = "glu"
    examples = (Example("glu", ((16, 8, 8),), (8, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        if inputs[0][0] % 2:
            raise Misfit(
                codes.NOT_DIVISIBLE, layer=self.name, what="channels", given=inputs[0][0], by=2
            )
        return (inputs[0][0] // 2, *inputs[0][1:])

    def torch(self, *inputs: Shape) -> Module:
        return Module("nn.GLU", (), {"dim": 1})


class CReLU(Activation):
    """ReLU of x beside ReLU of -x: twice the channels (arXiv:1603.05201)."""

    name = "crelu"
    examples = (Example("crelu", ((16, 8, 8),), (32, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        return (2 * inputs[0][0], *inputs[0][1:])

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("F.relu(torch.cat([{x}, -{x}], 1))")


class Maxout(Activation):
    """The maximum of each ``pieces`` neighbouring channels (arXiv:1302.4389)."""

    pieces: Count = 2

    name = "maxout"
    examples = (Example("maxout(4)", ((16, 8, 8),), (4, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        channels = inputs[0][0]
        if channels % self.pieces:
            raise Misfit(
                codes.NOT_DIVISIBLE,
                layer=self.name,
                what="channels",
                given=channels,
                by=self.pieces,
            )
        return (channels // self.pieces, *inputs[0][1:])

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}.unflatten(1, (-1, {pieces})).amax(2)", {"pieces": self.pieces})
