"""Normalisation of each pixel by the magnitude of its channels, which has no mean to take away."""

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, NotNegative
from archdsl.layers.base import Example, Expression, Layer, Misfit, Module, Shape, Weight


class RMSNorm(Layer):
    """Divides the channels at each pixel by their root mean square, and multiplies them with
    learned factors (Zhang and Sennrich 2019, arXiv:1910.07467).

    The channels of ``heads`` that lie side by side are normalised one head by itself, all with the
    same factors, as Qwen3 does with queries and keys (arXiv:2505.09388).
    """

    eps: NotNegative = 1e-6
    heads: Count = 1

    name = "rms_norm"
    late = ("heads",)
    kind = "norm"
    modules = "modules/rms_norm.py"
    synonyms = ("rmsnorm", "RMSNorm", "root_mean_square_norm")
    examples = (
        Example("rms_norm", ((16, 9),), (16, 9)),
        Example("rms_norm(1e-5)", ((16, 8, 8),), (16, 8, 8)),
        Example("rms_norm", ((16,),), (16,)),
        Example("rms_norm(heads = 4)", ((16, 9),), (16, 9)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        channels = inputs[0][0]
        if channels % self.heads:
            raise Misfit(
                codes.NOT_DIVISIBLE,
                layer=self.name,
                what="channels",
                given=channels,
                by=self.heads,
            )
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", (inputs[0][0] // self.heads,)),)

    def torch(self, *inputs: Shape) -> Module:
        keywords = {} if self.eps == 1e-6 else {"eps": self.eps}
        target = "RMSNorm" if self.heads == 1 else "HeadRMSNorm"
        return Module(target, (inputs[0][0] // self.heads,), keywords)


class L2Norm(Layer):
    """Divides the channels at each pixel by their length (ParseNet, arXiv:1506.04579)."""

    eps: NotNegative = 1e-12

    name = "l2_norm"
    kind = "norm"
    synonyms = ("normalize", "l2norm")
    examples = (Example("l2_norm", ((16, 8, 8),), (16, 8, 8)),)

    def torch(self, *inputs: Shape) -> Expression:
        eps = "" if self.eps == 1e-12 else f", eps={self.eps!r}"
        return Expression("F.normalize({x}, dim=1" + eps + ")")
