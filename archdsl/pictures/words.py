"""What is written into boxes: layers and blocks in few words."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from archdsl.elaborate.values import is_layer, show
from archdsl.graph.written import value_text
from archdsl.ir.network import Part, Step
from archdsl.layers.base import Layer, Shape, show_shape, signature


def layer_words(layer: Layer, input: Shape) -> str:
    """A layer as papers write it: ``3x3 conv, 64, /2``.

    What is read is what arguments are called, not which layer it is: a kernel stands in front,
    channels after it, a stride after a slash (the kernel's size, where it is not given), groups
    as ``g32``, or ``dw`` where each channel is one, a dilation as ``d2``. Other required
    arguments follow the name, and so does what a dropping drops.
    """
    given = {p.name: getattr(layer, p.name) for p in signature(type(layer))}
    kernel = given.get("kernel")
    if kernel is None:
        return " ".join([layer.name, *_others(layer)])
    axes = max(len(input) - 1, 1)
    sizes = (kernel,) * axes if isinstance(kernel, int) else kernel
    words = f"{show_shape(sizes)} {layer.name}"
    channels, groups, dilation = (given.get(k) for k in ("channels", "groups", "dilation"))
    stride = given.get("stride", 1)
    if channels is not None:
        words += f", {channels}"
    if groups is not None and groups > 1:
        words += ", dw" if groups == channels == input[0] else f", g{groups}"
    if dilation not in (None, 1):
        words += f", d{value_text(dilation)}"
    if stride != 1:
        words += f", /{value_text(kernel if stride is None else stride)}"
    return words


def _others(layer: Layer) -> Iterator[str]:
    for parameter in signature(type(layer)):
        value = getattr(layer, parameter.name)
        leads = parameter.name == layer.leads and value != parameter.default
        if parameter.required or leads or (layer.kind == "drop" and type(value) is float):
            yield f"{value:g}" if type(value) is float else value_text(value)


def step_name(step: Step) -> str:
    """``conv2``, and ``unit2-4`` of one that is repeated."""
    if step.repeat == 1:
        return step.label
    return f"{step.label}-{step.number + step.repeat - 1}"


def call_words(part: Part) -> str:
    """The application of a block, as far as its arguments are short: ``bottleneck(64, 2)``."""
    plain = [v for _, v in part.arguments if not is_layer(v)]
    return f"{part.name}({', '.join(map(_short, plain))})" if plain else part.name


def _short(value: Any) -> str:
    text = f"{float(value):.3g}" if isinstance(value, (float, Fraction)) else show(value)
    return text if len(text) <= 12 else "…"
