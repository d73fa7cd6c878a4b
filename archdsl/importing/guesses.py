"""What stands for the result of an operation that has no layer, so that other such operations are
found, too, and which of those may be no more than what follows from the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archdsl.importing.cut import AxisSplit
from archdsl.importing.values import (
    AttentionScores,
    Bordered,
    OfQueries,
    Repeated,
    TensorValue,
    Vertex,
)
from archdsl.layers.base import Layer, Shape


class Guesses:
    """The vertices whose axes were guessed, by their numbers: those of gaps, and what is computed
    of them."""

    def __init__(self) -> None:
        self._numbers: set[int] = set()

    def has(self, value: Any) -> bool:
        """Whether the axes of a value were guessed."""
        if isinstance(value, AttentionScores):
            return self.has(value.queries) or self.has(value.keys)
        if isinstance(value, OfQueries):
            return any(map(self.has, value.sources.values()))
        value = value.value if isinstance(value, (Repeated, Bordered)) else value
        return isinstance(value, (TensorValue, AxisSplit)) and value.vertex.number in self._numbers

    def result(
        self,
        shape: Shape | None,
        taken: Sequence[Any],
        vertex: Callable[..., Vertex],
    ) -> TensorValue:
        """What stands for a result of this shape that would be computed of some values: laid out as
        the first of them that has its shape, and else with its axes in order. That is a guess
        unless all of them are images, and it is one."""
        inputs = [value.vertex for value in taken if isinstance(value, (TensorValue, AxisSplit))]
        rest = (shape or (1,))[1:] or (1,)
        known = [v for v in taken if isinstance(v, TensorValue) and not self.has(v)]
        like = next((value for value in known if value.shape == rest), None)
        if like is not None:
            return TensorValue(vertex(inputs, shape=like.vertex.shape), like.axes)
        made = vertex(inputs, shape=rest)
        images = [value for value in known if value.plain and len(value.axes) == len(rest)]
        if len(images) < len(taken):
            self._numbers.add(made.number)
        return TensorValue(made, tuple(range(len(rest))))

    def spread(self, vertex: Vertex) -> None:
        """Enters a vertex that is computed of such. A convolution over pixels takes images only,
        and a sum has the axes of each part."""
        layer: Layer | None = vertex.layer
        guessed = [source.number in self._numbers for source in vertex.inputs]
        image = layer is not None and layer.kind == "conv" and len(vertex.shape) > 2
        one_is_known = layer is not None and layer.is_sum and not all(guessed)
        if any(guessed) and not image and not one_is_known:
            self._numbers.add(vertex.number)
