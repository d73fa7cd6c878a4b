"""What comes into two networks and what they give, where that differs."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.layers.base import show_shape
from archdsl.layers.ids import Ids
from archdsl.spec import Architecture


def ends(a: Architecture, b: Architecture) -> list[tuple[str, str]]:
    """Inputs, results with their weights in the loss, and shared modules that only one of two
    networks has: ``removed`` or ``added``, and a line. Of one result alone the shape is that of the
    last part."""
    mine, theirs = list(_said(a)), list(_said(b))
    found = [("removed", text) for text in mine if text not in theirs]
    return found + [("added", text) for text in theirs if text not in mine]


def _said(arch: Architecture) -> Iterator[str]:
    for name, shape in arch.inputs.items():
        ids = f", ids of {shape.vocabulary:,}" if isinstance(shape, Ids) else ""
        yield f"{'' if name == 'input' else 'input '}{name}: {show_shape(shape)}{ids}"
    for result in arch.network.root.results:
        size = show_shape(arch.outputs[result.name])
        yield f"output {result.name}: {size}, weight {result.weight:g}"
    for name, weight in arch.side_outputs.items():
        yield f"side output {name}: weight {weight:g}"
    for part in arch.network.root.parts():
        for shared in part.shared:
            where = "" if part is arch.network.root else f" in {part.name}"
            yield f"shared {shared.name}{where}"
