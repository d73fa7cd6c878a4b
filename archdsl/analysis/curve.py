"""What a network costs over the values of one of its knobs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.knobs import Knob

if TYPE_CHECKING:
    from archdsl.spec import Architecture


def curve(
    arch: Architecture, knob: Knob, costs: Iterable[str], most: int
) -> Iterator[dict[str, Any]]:
    """A row for each of so many values at most: the value as it is written, the costs by their
    names and the depth; or, as ``error``, why there is no network."""
    costs = list(costs)
    for value in some_values(arch, knob, most):
        row: dict[str, Any] = {"value": knob.show(value)}
        try:
            other = arch.with_knobs(**{knob.name: value})
            row |= {cost: other.cost(cost) for cost in costs} | {"depth": other.depth}
        except ArchError as error:
            row["error"] = error.diagnostics[0].message
        yield row


def some_values(arch: Architecture, knob: Knob, most: int) -> list[Any]:
    """All values of a small domain, else some from end to end."""
    if knob.domain is None:
        return [arch.network.knobs[knob.name]]
    count = knob.domain.count
    if count is not None and count <= most:
        return list(knob.domain.enumerate())
    return list(dict.fromkeys(knob.domain.at(i / (most - 1)) for i in range(most)))
