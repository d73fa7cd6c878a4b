"""A graph as JSON, out and in."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import networkx as nx

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.graph.build import operands
from archdsl.graph.verify import verify
from archdsl.layers.arguments import MAX_WHOLE, Number, OneOf, Unreadable
from archdsl.layers.base import Layer, Misfit, Shape, signature
from archdsl.layers.init import FUNCTIONS, Init
from archdsl.registry import REGISTRY, Registry

FORMAT = "archdsl-graph/1"


def to_json(graph: nx.MultiDiGraph[str]) -> str:
    """The graph as JSON text, in the format ``archdsl-graph/1``."""
    nodes: Any = graph.nodes
    listed = []
    for path in graph:
        node = nodes[path]
        if node["layer"] is None:
            continue
        item: dict[str, Any] = {
            "path": path,
            "layer": node["layer"].name,
            "arguments": {k: _plain(v) for k, v in node["layer"].given()},
            "inputs": operands(graph, path),
            "shape": list(node["shape"]),
            "blocks": list(node["blocks"]),
        }
        if node["span"] is not None:
            item["place"] = node["span"].place
        listed.append(item)
    document = {
        "format": FORMAT,
        "name": graph.graph["name"],
        "input": list(graph.graph["input"]),
        "nodes": listed,
        "output": graph.graph["output"],
        "side_outputs": [
            {"name": n, "path": p, "weight": w} for n, (p, w) in graph.graph["side_outputs"].items()
        ],
    }
    return json.dumps(document, indent=1)


def from_json(text: str, registry: Registry = REGISTRY) -> nx.MultiDiGraph[str]:
    """The graph of a JSON text. Raises ``ArchError`` where it is not one, or not whole.

    The text may come from anywhere: nothing in it is taken on trust.
    """
    try:
        graph = _read(json.loads(text), registry)
    except Unreadable as problem:
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=f"{problem} is wanted")]) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        reason = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=reason)]) from None
    verify(graph)
    return graph


def _read(document: Any, registry: Registry) -> nx.MultiDiGraph[str]:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        name=_path(document["name"]),
        input=_shape(document["input"]),
        output=_path(document["output"]),
        side_outputs={
            _path(s["name"]): (_path(s["path"]), Number(0).read(s["weight"]))
            for s in _list(document["side_outputs"])
        },
    )
    graph.add_node("input", layer=None, shape=graph.graph["input"], span=None, blocks=())
    for item in _list(document["nodes"]):
        path = _path(item["path"])
        if path in graph:
            raise ValueError(f"`{path}` stands there twice")
        graph.add_node(
            path,
            layer=_layer(item["layer"], item["arguments"], registry),
            shape=_shape(item["shape"]),
            span=None,
            blocks=tuple(_path(b) for b in _list(item["blocks"])),
        )
        for place, source in enumerate(_list(item["inputs"])):
            if not isinstance(source, str) or source not in graph or source == path:
                raise ValueError(f"`{path}` needs `{source}`, which is not there before it")
            graph.add_edge(source, path, key=place)
    return graph


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{json.dumps(value)[:40]} stands where a list should be")
    return value


def _path(value: Any) -> str:
    """A name, or names with points between them."""
    if not isinstance(value, str) or not all(piece.isidentifier() for piece in value.split(".")):
        raise ValueError(f"{json.dumps(value)[:40]} is no name")
    return value


def _shape(value: Any) -> Shape:
    if not value or not all(type(n) is int and 0 < n <= MAX_WHOLE for n in _list(value)):
        raise ValueError(f"{json.dumps(value)[:40]} is no shape")
    return tuple(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Init):
        return {"init": value.name, **dict(value.arguments)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return float(value) if isinstance(value, Fraction) else value


def _layer(name: str, arguments: dict[str, Any], registry: Registry) -> Layer:
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
    given: dict[str, Any] = {**dict(function.parameters), **value}
    del given["init"]
    for key, argument in given.items():
        if key not in dict(function.parameters):
            raise ValueError(f"`{function.name}` has no argument `{key}`")
        reader = OneOf(function.words[key]) if key in function.words else Number()
        given[key] = reader.read(argument)
    return Init(function.name, function.call, tuple(given.items()))
