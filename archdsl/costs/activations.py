"""Activations: the outputs of convolutions and linear layers."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from archdsl.costs.base import Cost

if TYPE_CHECKING:
    from archdsl.layers.base import Layer, Shape


class Activations(Cost):
    """Outputs of convolutions and linear layers for one image, as fvcore and timm count."""

    name = "activations"
    title = "activations"
    heading = "activ."
    about = "activations of convolutions and linear layers, for one image"
    axis = "activations"
    of_free_layers = False

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        return prod(output) if layer.kind in ("conv", "linear") else 0


class ConvActivations(Cost):
    """Outputs of convolutions alone."""

    of_free_layers = False

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        return prod(output) if layer.kind == "conv" else 0
