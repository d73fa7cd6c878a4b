"""A cost of one's own: docs/extending.md goes through it."""

from math import prod

from archdsl.costs.base import BYTES, Cost
from archdsl.layers.base import Layer, Shape


class BytesMoved(Cost):
    """Bytes that are read and written for one image in float32: weights, inputs and results."""

    name = "bytes_moved"
    title = "moved"
    heading = "moved"
    about = "bytes moved for one image"
    unit = BYTES

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        weights = sum(w.elements for w in layer.weights(*inputs))
        return 4 * (weights + prod(output) + sum(map(prod, inputs)))
