"""Whether a graph is what a graph should be."""

from __future__ import annotations

from typing import Any

import networkx as nx

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.graph.build import operands
from archdsl.layers.base import Misfit, shape_of, show_shape
from archdsl.layers.join import Join


def verify(graph: nx.MultiDiGraph[str]) -> None:
    """Raises ``ArchError`` unless the graph is one network.

    That is: it has the inputs that it says; operands are numbered from 0 without gaps; it has no
    cycle; every node can be reached from an input and is needed for an output; only joins have
    several operands; and each shape is what the layer makes of them.
    """
    problem = _problem(graph)
    if problem:
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=problem)])


def _problem(graph: nx.MultiDiGraph[str]) -> str:
    nodes: Any = graph.nodes
    inputs = [n for n in graph if nodes[n].get("layer") is None]
    known = list(graph.graph.get("inputs", ["input"]))
    if sorted(inputs) != sorted(known) or not inputs:
        if len(known) == 1:
            return f"it has {len(inputs)} inputs, not the one called `{known[0]}`"
        return f"its inputs are {inputs}, not {known}"
    results = [
        graph.graph.get("output"),
        *(p for p, _ in graph.graph.get("side_outputs", {}).values()),
        *(p for p, _ in graph.graph.get("results", {}).values()),
    ]
    for result in results:
        if result not in graph:
            return f"its output `{result}` is not a node"
    if not nx.is_directed_acyclic_graph(graph):
        return "it has a cycle"
    for path in graph:
        places = sorted(k for _, _, k in graph.in_edges(path, keys=True))
        if places != list(range(len(places))):
            return f"the operands of `{path}` are numbered {places}"
    reached = set(inputs).union(*(nx.descendants(graph, n) for n in inputs))
    for path in graph:
        if path not in reached:
            return f"`{path}` cannot be reached from the input"
    needed = set(results).union(*(nx.ancestors(graph, r) for r in results))
    for path in graph:
        if path not in needed:
            return f"the result of `{path}` is never used"
    return next(filter(None, (_misfit(graph, path) for path in nx.topological_sort(graph))), "")


def _misfit(graph: nx.MultiDiGraph[str], path: str) -> str:
    """What is wrong with one node, its operands being right."""
    nodes: Any = graph.nodes
    layer, known = nodes[path]["layer"], nodes[path].get("shape")
    if layer is None:
        return "" if known else "its input has no shape"
    shapes = [nodes[source]["shape"] for source in operands(graph, path)]
    if len(shapes) > 1 and not isinstance(layer, Join):
        return f"`{path}` is not a join, but has {len(shapes)} operands"
    try:
        shape = shape_of(layer, shapes)
    except Misfit as misfit:
        return f"`{path}`: {misfit}"
    if shape != known:
        found = show_shape(known) if known else "no shape"
        return f"`{path}` has {found}, but gives {show_shape(shape)}"
    return ""
