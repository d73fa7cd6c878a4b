"""Layers as they would be written."""

from __future__ import annotations

from typing import Any

from archdsl.elaborate.values import show
from archdsl.layers.base import Layer, show_shape, signature
from archdsl.layers.init import decimal
from archdsl.syntax.pytorch import is_named


def call(layer: Layer) -> str:
    """A layer as it would be written: ``conv(64, 3, stride = 2)``."""
    given = []
    by_place = True
    for parameter in signature(type(layer)):
        value = getattr(layer, parameter.name)
        if not parameter.required and value == parameter.default:
            by_place = False
            continue
        shown = value_text(value)
        by_place = by_place and (parameter.required or parameter.name == layer.leads)
        by_place = by_place and not is_named(layer.name, parameter.name, shown)
        given.append(shown if by_place else f"{parameter.name} = {shown}")
    return f"{layer.name}({', '.join(given)})" if given else layer.name


def value_text(value: Any) -> str:
    """An argument as it would be written."""
    if isinstance(value, tuple) and value and all(type(v) is int for v in value):
        return show_shape(value) if len(value) > 1 else f"[{value[0]}]"
    if isinstance(value, tuple) and value and all(type(v) is float for v in value):
        return f"[{', '.join(map(decimal, value))}]"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return decimal(value)
    return show(value)
