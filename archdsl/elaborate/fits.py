"""Which shape a layer gives where it stands, or why it does not fit there."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Fault, Label, diagnose, fault
from archdsl.diagnostics.source import Span
from archdsl.layers.base import Layer, Misfit, Shape, shape_of, show_shape
from archdsl.layers.join import Join
from archdsl.layers.polynomial import Polynomial
from archdsl.syntax import pytorch

MAX_ELEMENTS = 10**15  # of one tensor


def fit(layer: Layer, shapes: tuple[Shape, ...], span: Span) -> Shape:
    """The output shape of a layer, or the fault of its not fitting, at the given place."""
    try:
        shape = shape_of(layer, shapes)
    except Misfit as misfit:
        text = "" if isinstance(layer, Join) else f"the input is {show_shape(shapes[0])}"
        meant = pytorch.meant(span.text) if misfit.in_other_order else []
        help = meant or ([misfit.help] if misfit.help else [])
        found = diagnose(misfit.kind, Label(span, text), help=help, fields=misfit.fields)
        raise Fault(replace(found, instead=bool(meant))) from None
    if shape is shapes[0]:
        return shape
    most: Any = 1
    for n in shape:
        most *= n.bounds()[1] if isinstance(n, Polynomial) else n
    if most > MAX_ELEMENTS and prod(shape) > MAX_ELEMENTS:
        raise fault(codes.TENSOR_TOO_LARGE, span, limit=MAX_ELEMENTS, shape=show_shape(shape))
    return shape
