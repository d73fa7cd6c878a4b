"""Costs that add up, worked out part by part: a part that occurs again costs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.ir.network import Part, Step

if TYPE_CHECKING:
    from archdsl.costs.base import Cost
    from archdsl.layers.base import Layer, Shape

Row = tuple[Any, ...]  # a number, or a polynomial, for each cost


class Sums:
    """Costs that are added up together. What a part or a layer has is remembered with it."""

    def __init__(self, costs: tuple[Cost, ...]) -> None:
        self.costs = costs
        self.in_sides = tuple(c.in_sides for c in costs)
        self.skips_free = not any(c.of_free_layers for c in costs)
        self.nothing: Row = (0,) * len(costs)

    def of_part(self, part: Part) -> Row:
        """The sums over a part: each step as often as it is repeated."""
        found: Row | None = part.figures.get(self)
        if found is None:
            rows = [self.nothing]
            skips_free = self.skips_free
            for step in part.steps:
                if skips_free and step.op.free:
                    continue
                row = self.of_step(part, step)
                if step.weight is not None:
                    row = tuple([c if s else 0 for c, s in zip(row, self.in_sides, strict=True)])
                if (n := step.repeat) != 1:
                    row = tuple([n * c for c in row])
                rows.append(row)
            found = part.figures[self] = tuple(map(sum, zip(*rows, strict=True)))
        return found

    def of_step(self, part: Part, step: Step) -> Row:
        """The costs of one application of a step."""
        op = step.op
        if isinstance(op, Part):
            return self.of_part(op)
        if len(step.inputs) > 1:
            shapes = tuple([part.shape_of(n) for n in step.inputs])
            return self.of_layer(op.layer, shapes, step.shape)
        shape = part.shape_of(step.inputs[0])
        found: Row | None = op.figures.get((self, shape))
        if found is None:
            found = op.figures[self, shape] = self.of_layer(op.layer, (shape,), step.shape)
        return found

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> Row:
        """The costs of a layer on inputs of these shapes."""
        return tuple([c.of_layer(layer, inputs, output) for c in self.costs])
