"""Two layers of one's own: docs/adding-a-layer.md goes through them."""

from math import prod

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, Flag
from archdsl.layers.base import (
    Example,
    Expression,
    Layer,
    Misfit,
    Module,
    Shape,
    Steps,
    Weight,
    image,
)


class SwishGate(Layer):
    """The first half of the channels times the swish of the second (arXiv:2002.05202)."""

    name = "swish_gate"
    kind = "activation"
    synonyms = ("swiglu",)
    examples = (Example("swish_gate", ((16, 8, 8),), (8, 8, 8)),)

    def shape(self, *inputs: Shape) -> Shape:
        channels, *size = inputs[0]
        if channels % 2:
            raise Misfit(
                codes.NOT_DIVISIBLE, layer=self.name, what="channels", given=channels, by=2
            )
        return (channels // 2, *size)

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}.chunk(2, 1)[0] * F.silu({x}.chunk(2, 1)[1])")


class Patches(Layer):
    """Cuts an image into squares of ``size`` pixels, each of which becomes one pixel."""

    channels: Count
    size: Count = 4
    bias: Flag = True

    name = "patches"
    kind = "conv"
    examples = (Example("patches(96)", ((3, 224, 224),), (96, 56, 56)),)

    def shape(self, *inputs: Shape) -> Shape:
        _, pixels = image(inputs[0], self.name)
        for n in pixels:
            if n % self.size:
                raise Misfit(
                    codes.NOT_DIVISIBLE, layer=self.name, what="pixels", given=n, by=self.size
                )
        return (self.channels, *(n // self.size for n in pixels))

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        square = (self.size,) * (len(inputs[0]) - 1)
        weight = Weight("weight", (self.channels, inputs[0][0], *square))
        return (weight, Weight("bias", (self.channels,))) if self.bias else (weight,)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return prod(output) * inputs[0][0] * self.size ** (len(output) - 1)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        square = (self.size,) * (len(input) - 1)
        return square, square

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {"stride": self.size}
        if not self.bias:
            keywords["bias"] = False
        axes = len(inputs[0]) - 1
        return Module(
            f"nn.Conv{axes}d", (inputs[0][0], self.channels, self.size), keywords, {"bias": True}
        )
