"""Attention, and what comes with it: tokens are sequences with channels first, ``CxL``."""

from dataclasses import dataclass
from math import prod
from typing import Annotated, Any

from archdsl.diagnostics import codes
from archdsl.layers.arguments import (
    Count,
    Flag,
    Index,
    NotNegative,
    Pad,
    Positive,
    Reader,
    Start,
    Whole,
    per_axis,
)
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
    axes_of,
    everything,
    image,
    show_shape,
)
from archdsl.layers.ids import Ids

INSIDE = "windows", "shift", "grid", "relative", "relative_keys"  # of an image


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


def fewer(heads: int, kv_heads: int | None) -> int | None:
    """How many heads of keys and values queries share: none are where each has its own."""
    return None if kv_heads == heads else kv_heads


class Attend(Layer):
    """Scaled dot-product attention of ``heads`` heads among all pixels (arXiv:1706.03762).

    Queries, keys and values come in side by side, three times the channels that it gives; the
    projections before and after it are convolutions of size 1. Keys and values of fewer heads
    (``kv_heads``, arXiv:2305.13245) are shared by the queries' heads.

    - ``causal``: none sees what comes after it; pixels are in the order of the rows.
    - ``rope``: queries and keys are turned by their place, with this base (arXiv:2104.09864).
    - ``windows``: within squares of an image (arXiv:2103.14030), which are moved by ``shift``,
      where pixels that came round the border do not see the others; ``grid``: within pixels
      that lie apart, a grid of so many (arXiv:2204.01697).
    - ``relative``: learns a bias for each distance between two pixels of a window or an image;
      ``relative_keys``: a vector for each distance down and each to the right, whose product
      with the query is added (arXiv:2101.11605).
    """

    heads: Count
    kv_heads: Annotated[int | None, Whole(1)] = None
    causal: Flag = False
    rope: NotNegative = 0.0
    windows: Pad = 0
    shift: Index = 0
    grid: Pad = 0
    relative: Flag = False
    relative_keys: Flag = False

    name = "attend"
    kind = "attention"
    late = ("relative_keys",)
    modules = "modules/attention.py"
    synonyms = ("sdpa",)
    examples = (
        Example("attend(4)", ((48, 9),), (16, 9)),
        Example("attend(4, kv_heads = 2)", ((32, 9),), (16, 9)),
        Example("attend(2, causal = true, rope = 10000)", ((24, 6),), (8, 6)),
        Example("attend(2)", ((24, 3, 5),), (8, 3, 5)),
        Example("attend(2, windows = 4, relative = true)", ((24, 8, 8),), (8, 8, 8)),
        Example("attend(2, grid = 4x2, relative = true)", ((24, 8, 4),), (8, 8, 4)),
        Example("attend(2, relative_keys = true)", ((24, 8, 4),), (8, 8, 4)),
    )

    def stacks(self) -> int:
        """Into how many parts the channels are cut: heads of queries, keys and values."""
        return self.heads + 2 * (self.kv_heads or self.heads)

    def meaning(self, *inputs: Shape) -> Meaning:
        name, arguments = super().meaning(*inputs)
        whole = bool(inputs) and self.cells(inputs[0][1:]) == tuple(inputs[0][1:])
        one = {"windows": 0, "grid": 0} if whole and not self.shift else {}
        return name, arguments | one | {"kv_heads": fewer(self.heads, self.kv_heads)}

    def cells(self, size: Shape) -> Shape:
        """The size of what attends to itself: a window, a grid, or the whole image."""
        sides = per_axis(self.windows or self.grid, len(size))
        return tuple(side or n for side, n in zip(sides, size, strict=True))

    def shape(self, *inputs: Shape) -> Shape:
        channels, size = image(inputs[0], self.name)
        by = self.stacks()
        if channels % by:
            problem = Misfit(
                codes.NOT_DIVISIBLE, layer=self.name, what="channels", given=channels, by=by
            )
            problem.in_other_order = channels in (self.heads, 3 * self.heads)  # embed_dim
            raise problem
        each = channels // by
        if self.kv_heads and self.heads % self.kv_heads:
            raise Misfit(
                codes.NOT_DIVISIBLE,
                layer=self.name,
                what="heads",
                given=self.heads,
                by=self.kv_heads,
            )
        if self.rope and each % 2:
            raise Misfit(
                codes.NOT_DIVISIBLE, layer=self.name, what="channels a head", given=each, by=2
            )
        self._check_window(inputs[0], size)
        return (self.heads * each, *size)

    def _check_window(self, shape: Shape, size: Shape) -> None:
        wanted = [*self._set(*INSIDE)]
        if not wanted:
            return
        if len(size) != 2:
            raise Misfit(codes.NEEDS_AXES, layer=self.name, axes=2, shape=show_shape(shape))
        beside = [*self._set("kv_heads", "causal", "rope")]
        if self.grid:
            beside += self._set("windows", "shift")
        if beside:
            raise Misfit(codes.NOT_BOTH, layer=self.name, first=wanted[-1], second=beside[-1])
        given = "grid" if self.grid else "windows"
        axes_of(getattr(self, given), 2, self.name, given)
        sides = self.cells(size)
        if self.shift and (not self.windows or any(side <= self.shift for side in sides)):
            least = min(sides) if self.windows else 0
            raise Misfit(codes.SHIFT_TOO_FAR, shift=self.shift, windows=least)
        for n, side in zip(size, sides, strict=True):
            if n % side:
                raise Misfit(codes.NOT_DIVISIBLE, layer=self.name, what="pixels", given=n, by=side)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        reaches = [2 * n - 1 for n in self.cells(inputs[0][1:])]
        found = []
        if self.relative:
            found.append(Weight("weight", (prod(reaches), self.heads)))
        if self.relative_keys:
            each = inputs[0][0] // self.stacks()
            ways = zip(("height_rel", "width_rel"), reaches, strict=True)
            found += [Weight(name, (reach, each)) for name, reach in ways]
        return tuple(found)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Of the products of queries with keys, and of their result with values: ``2 L`` for
        each number that comes out, with ``L`` pixels in a window; a mask saves none. Those of
        queries with vectors for distances are ``2 n - 1`` for each side of ``n`` pixels."""
        cells = self.cells(output[1:])
        distances = sum(2 * n - 1 for n in cells) if self.relative_keys else 0
        return (2 * prod(cells) + distances) * prod(output)

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        if not (self.windows or self.grid):
            return everything(input)
        cells = self.cells(input[1:])
        apart = [n // side if self.grid else 1 for n, side in zip(input[1:], cells, strict=True)]
        sees = zip(cells, apart, strict=True)
        return tuple((n - 1) * d + 1 for n, d in sees), (1,) * len(apart)

    def torch(self, *inputs: Shape) -> Module:
        if not self._set(*INSIDE):
            return Module("Attention", (self.heads,), self._set("kv_heads", "causal", "rope"))
        keywords = self._set("shift", "relative")
        if self.grid:
            keywords["grid"] = True
        if self.relative_keys:
            keywords["keys"] = inputs[0][0] // self.stacks()
        usual = {"shift": 0, "relative": False, "grid": False, "keys": 0}
        return Module("WindowAttention", (self.heads, self.cells(inputs[0][1:])), keywords, usual)

    def _set(self, *names: str) -> dict[str, object]:
        return {name: getattr(self, name) for name in names if getattr(self, name)}


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
