"""How a weight starts: values of the language, arguments of layers."""

from dataclasses import dataclass
from typing import ClassVar


def decimal(value: float) -> str:
    """A number as short as it can be without becoming another: ``0.1``, ``1``, ``1e-06``."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


@dataclass(frozen=True, slots=True)
class Init:
    """An initialisation: a function of ``torch.nn.init`` and its arguments.

    ``call`` is the text of the call on a tensor named ``{w}``.
    """

    name: str
    call: str
    arguments: tuple[tuple[str, float | str], ...] = ()

    def __str__(self) -> str:
        """As it would be written: defaults left out, the first argument by position."""
        usual = FUNCTIONS[self.name].parameters
        given = []
        for place, (key, value) in enumerate(self.arguments):
            if value != usual[place][1]:
                shown = value if isinstance(value, str) else decimal(value)
                given.append(shown if place == 0 else f"{key} = {shown}")
        return f"{self.name}({', '.join(given)})" if given else self.name


@dataclass(frozen=True, slots=True)
class InitFunction:
    """A built-in that makes an ``Init``: its parameters with their defaults.

    A parameter whose default is a word takes one of ``words``. ``of_matrices``: it asks how many
    numbers go in and out, which a vector does not say.
    """

    name: str
    call: str
    parameters: tuple[tuple[str, float | str | None], ...] = ()
    of_matrices: bool = False
    words: ClassVar[dict[str, tuple[str, ...]]] = {
        "mode": ("fan_in", "fan_out"),
        "gain_of": ("relu", "linear", "leaky_relu", "sigmoid", "tanh", "selu"),
    }


FUNCTIONS = {
    f.name: f
    for f in (
        InitFunction(
            "kaiming_normal",
            'nn.init.kaiming_normal_({w}, mode="{mode}", nonlinearity="{gain_of}")',
            (("mode", "fan_in"), ("gain_of", "relu")),
            of_matrices=True,
        ),
        InitFunction(
            "kaiming_uniform",
            'nn.init.kaiming_uniform_({w}, mode="{mode}", nonlinearity="{gain_of}")',
            (("mode", "fan_in"), ("gain_of", "relu")),
            of_matrices=True,
        ),
        *(
            InitFunction(name, f"nn.init.{name}_({{w}}, gain={{gain}})", (("gain", 1.0),), True)
            for name in ("xavier_normal", "xavier_uniform", "orthogonal")
        ),
        InitFunction(
            "normal", "nn.init.normal_({w}, mean={mean}, std={std})", (("std", 1.0), ("mean", 0.0))
        ),
        InitFunction(
            "uniform", "nn.init.uniform_({w}, a={low}, b={high})", (("low", 0.0), ("high", 1.0))
        ),
        InitFunction(
            "trunc_normal",
            "nn.init.trunc_normal_({w}, mean={mean}, std={std}, a={low}, b={high})",
            (("std", 1.0), ("mean", 0.0), ("low", -2.0), ("high", 2.0)),
        ),
        InitFunction("constant", "nn.init.constant_({w}, {value})", (("value", None),)),
        InitFunction("zeros", "nn.init.zeros_({w})"),
        InitFunction("ones", "nn.init.ones_({w})"),
    )
}
