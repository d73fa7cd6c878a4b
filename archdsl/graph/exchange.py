"""A graph as JSON, out and in."""

from __future__ import annotations

import json
from typing import Any

import networkx as nx

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.graph.build import operands
from archdsl.graph.verify import verify
from archdsl.ir.layer_json import (
    plain,
    plain_shape,
    read_layer,
    read_list,
    read_path,
    read_place,
    read_shape,
)
from archdsl.layers.arguments import Number, Unreadable
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
            "arguments": {k: plain(v) for k, v in node["layer"].given()},
            "inputs": operands(graph, path),
            "shape": list(node["shape"]),
            "blocks": list(node["blocks"]),
        }
        if node["module"] != path:
            item["module"] = node["module"]
        if node["span"] is not None:
            item["place"] = node["span"].place
        listed.append(item)
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": graph.graph["name"],
        "input": plain_shape(graph.graph["input"]),
        "nodes": listed,
        "output": graph.graph["output"],
        "side_outputs": _listed(graph.graph["side_outputs"]),
    }
    if graph.graph["results"]:
        document["results"] = _listed(graph.graph["results"])
    if graph.graph["inputs"] != ("input",):
        document["inputs"] = [
            {"path": path, "shape": plain_shape(nodes[path]["shape"])}
            for path in graph.graph["inputs"]
        ]
    return json.dumps(document, indent=1)


def _listed(outputs: dict[str, tuple[str, float]]) -> list[dict[str, Any]]:
    return [{"name": n, "path": p, "weight": w} for n, (p, w) in outputs.items()]


def _named(listed: Any) -> dict[str, tuple[str, float]]:
    return {
        read_path(s["name"]): (read_path(s["path"]), Number(0).read(s["weight"]))
        for s in read_list(listed)
    }


def from_json(text: str, registry: Registry = REGISTRY) -> nx.MultiDiGraph[str]:
    """The graph of a JSON text. Raises ``ArchError`` where it is not one, or not whole.

    The text may come from anywhere: nothing in it is taken on trust.
    """
    try:
        graph = _read(json.loads(text), registry)
    except Unreadable as problem:
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=f"expected {problem}")]) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        reason = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=reason)]) from None
    verify(graph)
    return graph


def _read(document: Any, registry: Registry) -> nx.MultiDiGraph[str]:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    name = read_path(document["name"])
    incoming = {
        read_path(item["path"]): read_shape(item["shape"])
        for item in read_list(document.get("inputs", []))
    } or {"input": read_shape(document["input"])}
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        name=name,
        input=read_shape(document["input"]),
        inputs=tuple(incoming),
        output=read_path(document["output"]),
        side_outputs=_named(document["side_outputs"]),
        results=_named(document.get("results", [])),
    )
    for path, shape in incoming.items():
        graph.add_node(path, layer=None, shape=shape, span=None, blocks=(), module=path)
    for item in read_list(document["nodes"]):
        path = read_path(item["path"])
        if path in graph:
            raise ValueError(f"`{path}` is there twice")
        graph.add_node(
            path,
            layer=read_layer(item["layer"], item["arguments"], registry),
            shape=read_shape(item["shape"]),
            span=read_place(item.get("place")),
            blocks=tuple(read_path(b) for b in read_list(item["blocks"])),
            module=read_path(item.get("module", path)),
        )
        for place, source in enumerate(read_list(item["inputs"])):
            if not isinstance(source, str) or source not in graph or source == path:
                raise ValueError(f"`{path}` needs `{source}`, which is not there before it")
            graph.add_edge(source, path, key=place)
    return graph
