"""Layers by their names, or why there is none."""

from __future__ import annotations

from typing import Any

from archdsl.layers.arguments import Unreadable
from archdsl.layers.axes import SPACE
from archdsl.layers.base import Layer, signature
from archdsl.registry import REGISTRY

NOTHING_LEFT = ": no axis is left beside the batch: keep one, as by `keepdim=True` or `x[:, :1]`"


class Gap(Exception):
    """Why an operation is not a layer: in words that follow its name."""


def make(name: str, **arguments: Any) -> Layer:
    """A layer by its name and arguments, without those that do nothing. Raises ``Gap``."""
    cls = REGISTRY.layers[name]
    for idle in cls.idle:
        if idle.other in arguments and arguments[idle.other] == idle.value:
            arguments.pop(idle.name, None)
    readers = {p.name: p.reader for p in signature(cls)}
    try:
        layer: Layer = cls(**{key: readers[key].read(value) for key, value in arguments.items()})
    except Unreadable as problem:
        raise Gap(f": of `{name}` an argument would have to be {problem.expected}") from None
    return layer


def named(axis: int, rank: int) -> str:
    """What an axis of a tensor of so many, the batch left out, is called in the language."""
    names = ("channels", *SPACE.get(rank, ()))
    if axis >= len(names):
        raise Gap(" along an axis beyond the third spatial one")
    return names[axis]
