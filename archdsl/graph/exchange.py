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
from archdsl.layers.arguments import Unreadable
from archdsl.layers.base import Layer, Misfit, signature
from archdsl.layers.init import FUNCTIONS, Init
from archdsl.layers.table import TABLE, Table

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


def from_json(text: str, table: Table = TABLE) -> nx.MultiDiGraph[str]:
    """The graph of a JSON text. Raises ``ArchError`` where it is not one, or not whole."""
    try:
        document = json.loads(text)
        if document.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
            name=str(document["name"]),
            input=tuple(document["input"]),
            output=document["output"],
            side_outputs={
                s["name"]: (s["path"], float(s["weight"])) for s in document["side_outputs"]
            },
        )
        graph.add_node("input", layer=None, shape=tuple(document["input"]), span=None, blocks=())
        for item in document["nodes"]:
            layer = _layer(item["layer"], item["arguments"], table)
            shape, blocks = tuple(item["shape"]), tuple(item["blocks"])
            if item["path"] in graph:
                raise ValueError(f"`{item['path']}` stands there twice")
            graph.add_node(item["path"], layer=layer, shape=shape, span=None, blocks=blocks)
            for place, source in enumerate(item["inputs"]):
                if source not in graph:
                    raise ValueError(
                        f"`{item['path']}` needs `{source}`, which is not there before it"
                    )
                graph.add_edge(source, item["path"], key=place)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        reason = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=reason)]) from None
    verify(graph)
    return graph


def _plain(value: Any) -> Any:
    if isinstance(value, Init):
        return {"init": value.name, **dict(value.arguments)}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return float(value) if isinstance(value, Fraction) else value


def _layer(name: str, arguments: dict[str, Any], table: Table) -> Layer:
    cls = table.get(name)
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
        function = FUNCTIONS[value["init"]]
        given: Any = tuple((n, value.get(n, default)) for n, default in function.parameters)
        return Init(function.name, function.call, given)
    if isinstance(value, list):
        return tuple(_value(v) for v in value)
    return value
