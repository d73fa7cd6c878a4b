"""Parameters: the trainable elements of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.costs.base import Cost

if TYPE_CHECKING:
    from archdsl.layers.base import Layer, Shape


class Params(Cost):
    """Trainable elements, those of side outputs included."""

    name = "params"
    title = "parameters"
    heading = "params"
    about = "parameters"
    in_sides = True
    once = True
    of_free_layers = False

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        return sum([w.elements for w in layer.weights(*inputs) if w.trainable])


class Buffers(Cost):
    """Elements that are kept but not trained: three tensors for each batch normalisation."""

    in_sides = True
    once = True
    of_free_layers = False

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        return sum([w.elements for w in layer.weights(*inputs) if not w.trainable])
