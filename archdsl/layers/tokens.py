"""Layers of tokens, which are sequences with channels first, ``CxL``."""

from dataclasses import dataclass
from math import prod
from typing import Annotated, Any

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Count, Positive, Reader, Start, Whole
from archdsl.layers.base import (
    Example,
    Expression,
    Layer,
    Misfit,
    Module,
    Shape,
    Steps,
    Weight,
    everything,
    image,
    show_shape,
)
from archdsl.layers.ids import Ids


def _sequence(shape: Shape, name: str) -> tuple[int, int]:
    """Channels and tokens; raises ``Misfit`` for anything but a sequence."""
    if len(shape) != 2:
        raise Misfit(codes.NEEDS_SEQUENCE, layer=name, shape=show_shape(shape))
    return shape[0], shape[1]


def _words(shape: Shape, name: str) -> int:
    """How many token ids there are; raises ``Misfit`` for a tensor of numbers."""
    if not isinstance(shape, Ids):
        raise Misfit(codes.NEEDS_IDS, layer=name, shape=show_shape(shape))
    return shape.vocabulary


class Embed(Layer):
    """A learned vector of ``channels`` numbers for each token id, as the input tells how many
    there are: ``input words(ids = 50257): 1024``."""

    channels: Count
    init: Start = None

    name = "embed"
    takes_ids = True
    modules = "modules/embedding.py"
    synonyms = ("embedding", "Embedding", "wte", "token_embedding", "lookup")
    examples = (Example("embed(16)", (Ids((9,), 100),), (16, 9)),)

    def shape(self, *inputs: Shape) -> Shape:
        _words(inputs[0], self.name)
        return (self.channels, *inputs[0])

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        words = _words(inputs[0], self.name)
        return (Weight("weight", (words, self.channels), init=self.init),)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return (1,) * (len(input) - 1), (1,) * (len(input) - 1)

    def torch(self, *inputs: Shape) -> Module:
        return Module("Embedding", (_words(inputs[0], self.name), self.channels))


@dataclass(frozen=True)
class SharedEmbedding(Reader):
    """A shared `embed`, which is kept as how many words it has."""

    @property
    def expected(self) -> str:
        return "a shared embedding"

    def read(self, value: Any) -> int:
        return Whole(1).read(value)


class Unembed(Layer):
    """A number for each word of a vocabulary, at each place: the products with the vectors of a
    shared ``embed``, whose weights it has (arXiv:1608.05859)."""

    words: Annotated[int, SharedEmbedding()]

    name = "unembed"
    kind = "conv"
    is_tied = True
    synonyms = ("lm_head", "tied_head", "untie", "logits")

    @classmethod
    def tied_to(cls, layer: Layer, input: Shape) -> Layer | None:
        return cls(_words(input, cls.name)) if isinstance(layer, Embed) else None

    def shape(self, *inputs: Shape) -> Shape:
        return (self.words, *inputs[0][1:])

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return inputs[0][0] * prod(output)

    def torch(self, *inputs: Shape) -> Expression:
        if len(inputs[0]) == 1:
            return Expression("F.linear({x}, {module}.weight)")
        axes = "mT", "mT"
        if len(inputs[0]) > 2:
            axes = "movedim(1, -1)", "movedim(-1, 1)"
        return Expression(f"F.linear({{x}}.{axes[0]}, {{module}}.weight).{axes[1]}")


class Positions(Layer):
    """A learned vector for each token, or pixel, added to it (arXiv:2010.11929)."""

    init: Start = None

    name = "positions"
    kind = "norm"
    modules = "modules/positions.py"
    synonyms = ("pos_embed", "position_embedding", "positional_encoding", "position")
    examples = (
        Example("positions", ((16, 9),), (16, 9)),
        Example("positions(init = zeros)", ((16, 3, 4),), (16, 3, 4)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        image(inputs[0], self.name)
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        channels, *size = inputs[0]
        shape = (1, *size, channels) if len(size) == 1 else (1, channels, *size)
        return (Weight("weight", shape, init=self.init),)

    def torch(self, *inputs: Shape) -> Module:
        channels, *size = inputs[0]
        return Module("Positions", (channels, *size))


class Sinusoids(Layer):
    """Sines and cosines of each token's place, added to its channels in pairs
    (arXiv:1706.03762): no weights, and any length."""

    base: Positive = 10000.0

    name = "sinusoids"
    kind = "norm"
    modules = "modules/sinusoids.py"
    synonyms = ("sinusoidal", "sinusoidal_positions", "sin_cos")
    examples = (Example("sinusoids", ((16, 9),), (16, 9)),)

    def shape(self, *inputs: Shape) -> Shape:
        channels, _ = _sequence(inputs[0], self.name)
        if channels % 2:
            raise Misfit(
                codes.NOT_DIVISIBLE, layer=self.name, what="channels", given=channels, by=2
            )
        return inputs[0]

    def torch(self, *inputs: Shape) -> Module:
        return Module("Sinusoids", () if self.base == 10000 else (self.base,))


class Prepend(Layer):
    """Learned tokens before the others: a class token (arXiv:2010.11929), or registers
    (arXiv:2309.16588)."""

    tokens: Count = 1
    init: Start = None

    name = "prepend"
    modules = "modules/prepend.py"
    synonyms = ("class_token", "cls_token", "register_tokens", "cls")
    examples = (
        Example("prepend", ((16, 9),), (16, 10)),
        Example("prepend(4, init = zeros)", ((16, 9),), (16, 13)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        channels, length = _sequence(inputs[0], self.name)
        return (channels, self.tokens + length)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (Weight("weight", (1, self.tokens, inputs[0][0]), init=self.init),)

    def torch(self, *inputs: Shape) -> Module:
        keywords = {} if self.tokens == 1 else {"tokens": self.tokens}
        return Module("Prepend", (inputs[0][0],), keywords)


class Token(Layer):
    """The vector of one token, counted from 1: the class token's, as a rule."""

    place: Count = 1

    name = "token"
    synonyms = ("take_token", "select")
    examples = (Example("token", ((16, 9),), (16,)), Example("token(3)", ((16, 9),), (16,)))

    def shape(self, *inputs: Shape) -> Shape:
        channels, length = _sequence(inputs[0], self.name)
        if self.place > length:
            raise Misfit(codes.NO_SUCH_TOKEN, place=self.place, count=length)
        return (channels,)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return everything(input)

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}[:, :, {place}]", {"place": self.place - 1})


class FlattenSpace(Layer):
    """The pixels of an image, row by row, as a sequence of tokens: ``CxHxW`` becomes ``CxL``."""

    name = "flatten_space"
    synonyms = ("tokens", "to_sequence", "flatten_pixels")
    examples = (
        Example("flatten_space", ((16, 3, 5),), (16, 15)),
        Example("flatten_space", ((4, 2, 3, 4),), (4, 24)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        return (channels, prod(size))

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        return everything(input)

    def torch(self, *inputs: Shape) -> Expression:
        return Expression("{x}.flatten(2)")
