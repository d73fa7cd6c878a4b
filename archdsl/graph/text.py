"""A graph as text: stable, one line a node, for people and for golden files."""

from __future__ import annotations

from typing import Any

import networkx as nx

from archdsl.graph.build import operands
from archdsl.graph.written import call
from archdsl.layers.base import show_shape


def to_text(graph: nx.MultiDiGraph[str]) -> str:
    """The whole graph: ``path = layer(operands) : shape``, in the order in which it runs."""
    nodes: Any = graph.nodes
    lines = [f"graph {graph.graph['name']}"]
    for path in graph:
        node = nodes[path]
        if node["layer"] is None:
            lines.append(f"{path} : {show_shape(node['shape'])}")
            continue
        sources = ", ".join(operands(graph, path))
        what = call(node["layer"])
        if node["module"] != path:
            what += f" of {node['module']}"
        lines.append(f"{path} = {what} <- {sources} : {show_shape(node['shape'])}")
    for name, (path, weight) in graph.graph["side_outputs"].items():
        lines.append(f"side output {name} = {path} weight {weight:g}")
    results = graph.graph["results"]
    lines += [f"output {n} = {p} weight {w:g}" for n, (p, w) in results.items()]
    if not results:
        lines.append(f"output {graph.graph['output']}")
    return "\n".join(lines) + "\n"


COLORS = {
    "conv": "#4477aa",
    "linear": "#66ccee",
    "norm": "#ccbb44",
    "activation": "#ee6677",
    "attention": "#99ddff",
    "pool": "#228833",
    "drop": "#aa3377",
    "join": "#bbbbbb",
}


def to_dot(graph: nx.MultiDiGraph[str]) -> str:
    """The whole graph in the DOT language of Graphviz."""
    nodes: Any = graph.nodes
    lines = [
        f"digraph {_quoted(graph.graph['name'])} {{",
        "  node [shape=box, style=filled, fillcolor=white];",
    ]
    for path in graph:
        layer = nodes[path]["layer"]
        words = [path, call(layer) if layer else "", show_shape(nodes[path]["shape"])]
        label = _quoted("\n".join(w for w in words if w))
        color = COLORS.get(layer.kind, "#ffffff") if layer else "#ffffff"
        lines.append(f'  {_quoted(path)} [label={label}, fillcolor="{color}55"];')
    several = {path for path, count in graph.in_degree() if count > 1}
    for source, path, place in graph.edges(keys=True):
        tail = f' [label="{place}"]' if path in several else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(path)}{tail};")
    lines.append("}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
