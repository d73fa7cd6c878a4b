"""Convolutions whose filters are standardised before they are used."""

from archdsl.layers.arguments import NotNegative, Positive, Start
from archdsl.layers.base import Example, Idle, Meaning, Module, Shape, Weight
from archdsl.layers.filters import CONV_USUAL, NO_BIAS, Convolution


class StdConv(Convolution):
    """A convolution whose filters are standardised: each has a mean of 0 and a variance of 1 when
    it is used (arXiv:1903.10520), as in BiT.

    With ``gain`` each is divided by the root of its length and multiplied with this number and a
    learned one (arXiv:2101.08692), as in NFNets; that starts at 1, or as ``gain_init`` says.
    """

    gain: Positive | None = None
    eps: NotNegative = 1e-6
    gain_init: Start = None

    name = "std_conv"
    idle = (NO_BIAS, Idle("gain_init", "gain", None))
    modules = "modules/convolution.py"
    synonyms = ("StdConv2d", "ScaledStdConv2d", "weight_standardization", "ws_conv")
    examples = (
        Example("std_conv(16, 3, bias = false)", ((8, 9, 9),), (16, 9, 9)),
        Example("std_conv(16, 3, stride = 2, gain = 1.7)", ((8, 9, 9),), (16, 5, 5)),
        Example("std_conv(8, 3, stride = 2, pad = same, groups = 4)", ((8, 8, 8),), (8, 4, 4)),
        Example("std_conv(8, 3)", ((4, 9),), (8, 9)),
    )

    @property
    def module(self) -> str:
        return "StdConv"

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        found = Convolution.weights(self, *inputs)
        if self.gain is None:
            return found
        return *found, Weight("gain", (self.channels, *(1 for _ in inputs[0])), init=self.gain_init)

    def meaning(self, *inputs: Shape) -> Meaning:
        name, meant = Convolution.meaning(self, *inputs)
        return name, meant if self.gain is not None else meant | {"gain_init": None}

    def torch(self, *inputs: Shape) -> Module:
        made = Convolution.torch(self, *inputs)
        keywords = dict(made.keywords)
        if self.gain is not None:
            keywords["gain"] = self.gain
        if self.eps != 1e-6:
            keywords["eps"] = self.eps
        usual = CONV_USUAL | {"gain": None, "eps": 1e-6}
        return Module(made.target, made.arguments, keywords, usual)
