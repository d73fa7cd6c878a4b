"""What layers of one's own ask of shapes that ``archdsl import --partial`` recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from archdsl.diagnostics import codes
from archdsl.layers.base import Misfit, Shape, show_shape, show_shapes

T = TypeVar("T")


def recorded(table: Mapping[tuple[Shape, ...], T], inputs: tuple[Shape, ...], name: str) -> T:
    """What was recorded for tensors of these shapes; raises ``Misfit`` (A664) for others.

    The shapes are compared number by number, as ``archdsl check`` has some that are not decided."""
    for given, found in table.items():
        pairs = zip(given, inputs, strict=False)
        if len(given) == len(inputs) and all(
            len(a) == len(b) and all(m == n for m, n in zip(a, b, strict=True)) for a, b in pairs
        ):
            return found
    known = "; ".join(show_shapes(given) for given in table)
    raise Misfit(codes.NOT_RECORDED, layer=name, known=known, given=show_shapes(inputs))


def of_rank(shape: Shape, axes: int, name: str) -> Shape:
    """A shape of so many axes; raises ``Misfit`` (A664) for one of another number."""
    if len(shape) != axes:
        known = "tensors of 1 axis" if axes == 1 else f"tensors of {axes} axes"
        raise Misfit(codes.NOT_RECORDED, layer=name, known=known, given=show_shape(shape))
    return shape


def equal(inputs: tuple[Shape, ...], name: str) -> Shape:
    """The one shape of several tensors; raises ``Misfit`` (A664) where they differ."""
    if any(shape != inputs[0] for shape in inputs):
        known = "tensors of one shape"
        raise Misfit(codes.NOT_RECORDED, layer=name, known=known, given=show_shapes(inputs))
    return inputs[0]
