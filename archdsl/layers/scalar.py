"""One number for all elements: a constant, or a learned one."""

from archdsl.layers.arguments import Flag, Real
from archdsl.layers.base import Example, Expression, Layer, Module, Shape, Weight


class Times(Layer):
    """Multiplies with one number, or with a learned one that starts there (``learned = true``), as
    SkipInit (arXiv:2002.10444) and ReZero (arXiv:2003.04887) have it."""

    value: Real
    learned: Flag = False

    name = "times"
    modules = "modules/scalar.py"
    kind = "norm"
    synonyms = ("multiply", "mul_scalar", "gain")
    examples = (
        Example("times(0.5)", ((16, 8, 8),), (16, 8, 8)),
        Example("times(0, learned = true)", ((16,),), (16,)),
    )

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", ()),) if self.learned else ()

    def torch(self, *inputs: Shape) -> Module | Expression:
        if self.learned:
            return Module("Times", (self.value,))
        return Expression("{x} * {value}", {"value": self.value})


class Plus(Layer):
    """Adds one number, or a learned one that starts there (``learned = true``)."""

    value: Real
    learned: Flag = False

    name = "plus"
    modules = "modules/scalar.py"
    kind = "norm"
    synonyms = ("offset", "add_scalar")
    examples = (
        Example("plus(-1)", ((16, 8, 8),), (16, 8, 8)),
        Example("plus(0, learned = true)", ((16,),), (16,)),
    )

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (Weight("bias", ()),) if self.learned else ()

    def torch(self, *inputs: Shape) -> Module | Expression:
        if self.learned:
            return Module("Plus", (self.value,))
        return Expression("{x} + {value}", {"value": self.value})
