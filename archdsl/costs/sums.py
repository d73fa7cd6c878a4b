"""Costs that add up, worked out part by part: a part that occurs again costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from archdsl.ir.network import Part, Pick, Shared, Step
from archdsl.layers.base import shape_of

if TYPE_CHECKING:
    from archdsl.costs.base import Cost
    from archdsl.layers.base import Layer, Shape

Row = tuple[Any, ...]  # a number, or a polynomial, for each cost
Lent = Mapping[int, Shared]  # modules from outside a part, by their numbers
NONE: Lent = {}


class Sums:
    """Costs that are added up together. What a part or a layer has is remembered with it."""

    def __init__(self, costs: tuple[Cost, ...]) -> None:
        self.costs = costs
        self.in_sides = tuple(c.in_sides for c in costs)
        self.once = tuple(c.once for c in costs)
        self.skips_free = not any(c.of_free_layers for c in costs)
        self.nothing: Row = (0,) * len(costs)

    def of_part(self, part: Part) -> Row:
        """The sums over a part: each step as often as it is repeated, and of a shared module
        what counts once where it belongs. What a part is lent does not count there."""
        found: Row | None = part.figures.get(self)
        if found is None:
            rows = [self.nothing]
            skips_free = self.skips_free
            for step in part.steps:
                if not (isinstance(step.op, Pick) or (skips_free and step.op.free)):
                    rows.append(self.of_uses(part, step))
            rows += [self.of_shared(shared) for shared in part.shared]
            found = part.figures[self] = tuple(map(sum, zip(*rows, strict=True)))
        return found

    def of_uses(self, part: Part, step: Step) -> Row:
        """The costs of all repetitions of a step, but for what counts once of a shared module."""
        row = self.of_step(part, step)
        if step.weight is not None:
            row = tuple([c if s else 0 for c, s in zip(row, self.in_sides, strict=True)])
        if step.module is not None:
            row = tuple([0 if once else c for c, once in zip(row, self.once, strict=True)])
        if (n := step.repeat) != 1:
            row = tuple([n * c for c in row])
        return row

    def of_shared(self, shared: Shared) -> Row:
        """What counts once of a shared module."""
        if isinstance(shared.op, Part):
            row = self.of_part(shared.op)
        else:
            layer = shared.op.layer
            row = self.of_layer(layer, shared.inputs, shape_of(layer, shared.inputs))
        return tuple([c if once else 0 for c, once in zip(row, self.once, strict=True)])

    def of_steps(
        self, part: Part, lent: Lent | None = NONE
    ) -> Iterator[tuple[Step, Row, Lent | None]]:
        """The steps of a part with the costs of all their repetitions. What counts once of a
        shared module counts where it is applied first; ``lent`` are the modules from outside that
        no step before the part has applied, by their numbers, and nothing for a part all of whose
        weights have been counted. With each step is the same of what is within it."""
        fresh = dict(enumerate(part.shared)) | dict(lent or {})
        for step in part.steps:
            if isinstance(step.op, Pick):
                continue
            row = self.of_uses(part, step)
            if lent is None:
                row = tuple([0 if once else c for c, once in zip(row, self.once, strict=True)])
                yield step, row, None
                continue
            within = {-i - 1: fresh.pop(n) for i, n in enumerate(step.lends) if n in fresh}
            first = [*within.values()]
            again = step.module is not None and step.module not in fresh
            if step.module in fresh:
                first.append(fresh.pop(step.module))
            for shared in first:
                row = tuple(map(sum, zip(row, self.of_shared(shared), strict=True)))
            yield step, row, None if again else within

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
