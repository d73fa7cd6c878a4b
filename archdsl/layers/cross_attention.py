"""Attention of one sequence to another."""

from collections.abc import Sequence
from math import prod
from typing import Annotated

from archdsl.diagnostics import codes
from archdsl.layers.arguments import Chance, Count, Whole
from archdsl.layers.attention import fewer
from archdsl.layers.base import Example, Meaning, Misfit, Module, Shape, Steps, everything, image
from archdsl.layers.join import Join


class CrossAttend(Join):
    """Scaled dot-product attention of ``heads`` heads between two tensors (arXiv:1706.03762): the
    first has the queries, the second keys and values side by side, as from a projection each.

    Keys have as many channels a head as queries. All further channels are those of the values, and
    the result has theirs: so values may be wider than keys, or narrower (arXiv:2104.01136).
    Keys and values of fewer heads (``kv_heads``) are shared by the queries' heads. In training
    each weight is zero with the probability ``dropout``.
    """

    heads: Count
    kv_heads: Annotated[int | None, Whole(1)] = None
    dropout: Chance = 0.0

    name = "cross_attend"
    kind = "attention"
    verb = "attended to"
    late = ("dropout",)
    modules = "modules/cross_attention.py"
    synonyms = ("attend_to",)
    examples = (
        Example("cross_attend(4)", ((16, 9), (32, 5)), (16, 9)),
        Example("cross_attend(4, kv_heads = 2)", ((16, 3, 4), (16, 5)), (16, 3, 4)),
        Example("cross_attend(2)", ((8, 9), (24, 5)), (16, 9)),
    )

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 2:
            help = "queries, then keys with values: `[conv(c, 1), other -> conv(2 * c, 1)] -> {}`"
            call = f"{self.name}({self.heads})"
            raise Misfit(
                codes.COUNT_OF_TENSORS,
                help.format(call),
                layer=self.name,
                wanted=2,
                given=len(inputs),
            )
        shared = self.kv_heads or self.heads
        channels, size = image(inputs[0], self.name)
        both, _ = image(inputs[1], self.name)
        what = ("channels", channels, self.heads), ("heads", self.heads, shared)
        for noun, given, by in what:
            if given % by:
                raise Misfit(codes.NOT_DIVISIBLE, layer=self.name, what=noun, given=given, by=by)
        keys = channels if shared == self.heads else channels // self.heads * shared
        values = both - keys
        if values <= 0 or values % shared:
            raise Misfit(
                codes.KEYS_AND_VALUES,
                layer=self.name,
                given=both,
                wanted=2 * keys,
                queries=channels,
            )
        return (values if shared == self.heads else values // shared * self.heads, *size)

    def meaning(self, *inputs: Shape) -> Meaning:
        name, arguments = super().meaning(*inputs)
        return name, arguments | {"kv_heads": fewer(self.heads, self.kv_heads)}

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """``M`` for each number of a query, and for each that comes out, with ``M`` keys."""
        return (prod(inputs[0]) + prod(output)) * prod(inputs[1][1:])

    def window_of(self, place: int, inputs: Sequence[Shape]) -> tuple[Steps, Steps]:
        """Each query sees all keys and values, and no other query."""
        return everything(inputs[1]) if place else self.window(inputs[0])

    def torch(self, *inputs: Shape) -> Module:
        keywords: dict[str, object] = {} if self.kv_heads is None else {"kv_heads": self.kv_heads}
        if self.dropout:
            keywords["dropout"] = self.dropout
        return Module("CrossAttention", (self.heads,), keywords)
