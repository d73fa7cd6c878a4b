"""Layers, shapes and names as JSON has them, out and in. What comes in is not taken on trust."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

from archdsl.diagnostics.source import Span, span_at
from archdsl.layers.arguments import MAX_WHOLE, Unreadable, Whole, read_init
from archdsl.layers.base import Layer, Misfit, Shape, signature
from archdsl.layers.ids import Ids
from archdsl.layers.init import FUNCTIONS, Init
from archdsl.registry import Registry


def read_list(value: Any) -> list[Any]:
    """A list. Raises ``ValueError`` for anything else."""
    if not isinstance(value, list):
        raise ValueError(f"{json.dumps(value)[:40]} stands where a list should be")
    return value


def read_path(value: Any) -> str:
    """A name, or names with points between them."""
    if not isinstance(value, str) or not all(piece.isidentifier() for piece in value.split(".")):
        raise ValueError(f"{json.dumps(value)[:40]} is not a name")
    return value


def read_place(value: Any) -> Span | None:
    """Where a layer was written; nothing where that is not said."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError(f"{json.dumps(value)[:40]} is not a place: file:line:column")
    return span_at(value)


def read_shape(value: Any) -> Shape:
    """The shape of a tensor, channels first; of token ids, an object."""
    if isinstance(value, dict):
        return Ids(read_shape(value["shape"]), Whole(1).read(value["ids"]))
    if not value or not all(type(n) is int and 0 < n <= MAX_WHOLE for n in read_list(value)):
        raise ValueError(f"{json.dumps(value)[:40]} is not a shape")
    return tuple(value)


def plain_shape(shape: Shape) -> Any:
    """A shape as JSON has it."""
    if isinstance(shape, Ids):
        return {"shape": list(shape), "ids": shape.vocabulary}
    return list(shape)


def plain(value: Any) -> Any:
    """An argument of a layer as JSON has it."""
    if isinstance(value, Init):
        return {"init": value.name, **dict(value.arguments)}
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    return float(value) if isinstance(value, Fraction) else value


def read_layer(name: str, arguments: dict[str, Any], registry: Registry) -> Layer:
    """A layer by its name and arguments. Raises ``ValueError`` where there is none of it."""
    cls = registry.layers.get(name)
    if cls is None:
        raise ValueError(f"there is no layer `{name}`")
    parameters = {p.name: p for p in signature(cls)}
    read = {}
    for key, value in arguments.items():
        if key not in parameters:
            raise ValueError(f"`{name}` has no argument `{key}`")
        try:
            read[key] = parameters[key].reader.read(_value(value))
        except Unreadable as problem:
            raise ValueError(f"`{key}` of `{name}` must be {problem.expected}") from None
    try:
        return cls(**read)
    except (TypeError, Misfit) as problem:
        raise ValueError(str(problem)) from None


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        return _init(value)
    if isinstance(value, list):
        return tuple(_value(v) for v in value)
    return value


def _init(value: dict[str, Any]) -> Init:
    function = FUNCTIONS[value["init"]]
    given = {k: v for k, v in value.items() if k != "init"}
    for key in given:
        if key not in dict(function.parameters):
            raise ValueError(f"`{function.name}` has no argument `{key}`")
    return read_init(function, given)
