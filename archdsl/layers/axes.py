"""The axes of a tensor by their names, and the layer that exchanges two of them."""

from collections.abc import Sequence
from typing import Annotated

from archdsl.diagnostics import codes
from archdsl.layers.arguments import OneOf
from archdsl.layers.base import (
    Example,
    Expression,
    Layer,
    Meaning,
    Misfit,
    Shape,
    Steps,
    everything,
    show_shape,
)

SPACE = {2: ("tokens",), 3: ("height", "width"), 4: ("depth", "height", "width")}
AXES = ("channels", "tokens", "depth", "height", "width")


def axis_of(name: str, shape: Shape, layer: str) -> int:
    """The place of an axis in a shape, channels being 0; raises ``Misfit`` where there is none."""
    names = ("channels", *SPACE.get(len(shape), ()))
    if name not in names:
        raise Misfit(
            codes.NO_SUCH_AXIS,
            layer=layer,
            name=name,
            shape=show_shape(shape),
            names=", ".join(names),
        )
    return names.index(name)


def along(axis: int, shape: Shape) -> tuple[Steps, Steps]:
    """The window of a layer each of whose outputs sees the whole of one axis."""
    sees = tuple(2 * n - 1 if i == axis else 1 for i, n in enumerate(shape))
    return sees[1:], (1,) * (len(shape) - 1)


class Transpose(Layer):
    """Two axes change roles: channels and tokens unless told, as MLP-Mixer mixes tokens
    (arXiv:2105.01601), ``CxL`` to ``LxC``."""

    first: Annotated[str, OneOf(AXES)] = "channels"
    second: Annotated[str, OneOf(AXES)] = "tokens"

    name = "transpose"
    late = ("first", "second")
    synonyms = ("permute", "swap_axes")
    examples = (
        Example("transpose", ((16, 9),), (9, 16)),
        Example("transpose(height, width)", ((4, 5, 6),), (4, 6, 5)),
        Example("transpose(channels, height)", ((4, 5, 6),), (5, 4, 6)),
    )

    def axes(self, shape: Shape) -> list[int]:
        return sorted(axis_of(name, shape, self.name) for name in (self.first, self.second))

    def shape(self, *inputs: Shape) -> Shape:
        a, b = self.axes(inputs[0])
        found = list(inputs[0])
        found[a], found[b] = found[b], found[a]
        return tuple(found)

    def meaning(self, *inputs: Shape) -> Meaning:
        if len(inputs[0]) == 2:
            return self.name, {}
        return self.name, {"axes": self.axes(inputs[0])}

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        a, b = self.axes(input)
        return along(0 if a else b, input)

    def window_of(self, place: int, inputs: Sequence[Shape]) -> tuple[Steps, Steps]:
        return everything(inputs[0])

    def torch(self, *inputs: Shape) -> Expression:
        a, b = self.axes(inputs[0])
        if b == len(inputs[0]) - 1 and a == b - 1:
            return Expression("{x}.mT")
        return Expression(f"{{x}}.transpose({a + 1}, {b + 1})")
