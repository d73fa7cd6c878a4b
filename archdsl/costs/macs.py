"""Multiply-adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.costs.base import Cost

if TYPE_CHECKING:
    from archdsl.layers.base import Layer, Shape


class Macs(Cost):
    """Multiply-adds of convolutions, linear layers and attention for one image in evaluation,
    bias ignored."""

    name = "macs"
    title = "MACs"
    heading = "MACs"
    about = "multiply-adds (MACs) for one image"
    axis = "multiply-adds (MACs)"
    of_free_layers = False

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        return layer.macs(inputs, output)


class AttentionMacs(Macs):
    """Those of attention alone: products of queries with keys, and of their result with values."""

    name = "attention_macs"
    title = "MACs of attention"
    heading = "attn."
    about = "multiply-adds (MACs) of attention, for one image"
    axis = "multiply-adds of attention"

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        return layer.macs(inputs, output) if layer.kind == "attention" else 0


class AllMacs(Macs):
    """The same with those of side outputs, which run in training."""

    in_sides = True
