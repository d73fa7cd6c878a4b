"""Attention among the pixels of a tensor, or among its channels."""

from math import prod
from typing import Annotated

from archdsl.diagnostics import codes
from archdsl.layers.arguments import (
    Chance,
    Count,
    Flag,
    Index,
    NotNegative,
    OneOf,
    Pad,
    Whole,
    per_axis,
)
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
    everything,
    image,
    show_shape,
)

AMONG = "kv_heads", "causal", "rope"  # all pixels
INSIDE = "windows", "shift", "grid", "relative", "relative_keys"  # of an image


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
    - ``over = channels``: each head's channels see each other instead, as vectors of all pixels
      (arXiv:2204.03645).
    - ``relative``: learns a bias for each distance between two pixels of a window or an image;
      ``relative_keys``: a vector for each distance down and each to the right, whose product
      with the query is added (arXiv:2101.11605).
    - ``dropout``: in training each weight is zero with this probability.
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
    over: Annotated[str, OneOf(("space", "channels"))] = "space"
    dropout: Chance = 0.0

    name = "attend"
    kind = "attention"
    late = "relative_keys", "over", "dropout"
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
        Example("attend(2, over = channels)", ((24, 3, 5),), (8, 3, 5)),
        Example("attend(2, dropout = 0.1)", ((24, 9),), (8, 9)),
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
        if self.over == "channels" and (other := [*wanted, *self._set(*AMONG)]):
            raise Misfit(codes.NOT_BOTH, layer=self.name, first="over", second=other[0])
        if not wanted:
            return
        if len(size) != 2:
            raise Misfit(codes.NEEDS_AXES, layer=self.name, axes=2, shape=show_shape(shape))
        beside = [*self._set(*AMONG)]
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
        queries with vectors for distances are ``2 n - 1`` for each side of ``n`` pixels. Among
        channels, ``L`` is the channels of a head."""
        if self.over == "channels":
            return 2 * (output[0] // self.heads) * prod(output)
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
        if self.over == "channels":
            return Module("ChannelAttention", (self.heads,), self._set("dropout"))
        if not self._set(*INSIDE):
            return Module("Attention", (self.heads,), self._set(*AMONG, "dropout"))
        keywords = self._set("shift", "relative", "dropout")
        if self.grid:
            keywords["grid"] = True
        if self.relative_keys:
            keywords["keys"] = inputs[0][0] // self.stacks()
        usual = {"shift": 0, "relative": False, "dropout": 0.0, "grid": False, "keys": 0}
        return Module("WindowAttention", (self.heads, self.cells(inputs[0][1:])), keywords, usual)

    def _set(self, *names: str) -> dict[str, object]:
        return {name: getattr(self, name) for name in names if getattr(self, name)}
