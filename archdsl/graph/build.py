"""The networkx graph of a network."""

from __future__ import annotations

from typing import Any

import networkx as nx

from archdsl.ir.flat import flatten
from archdsl.ir.network import Network


def build(network: Network) -> nx.MultiDiGraph[str]:
    """A graph of tensors: a node for every layer and join, named by its path.

    A node has ``layer`` (nothing for what comes in), ``shape``, ``span``, ``blocks`` (the names
    of the blocks around it) and ``module`` (the path of its weights, which is its own but for
    shared modules). An edge's key is the place of the operand, from 0. The graph has
    ``name``, ``input`` (a shape), ``inputs`` (paths), ``output`` (the path of the result) and
    ``side_outputs`` and ``results``, where there are several (a path and a weight by name).
    """
    flat = flatten(network)
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        name=flat.name,
        input=flat.nodes[0].shape,
        inputs=tuple(node.path for node in flat.nodes[: flat.inputs]),
        output=flat.nodes[flat.output].path,
        results={r.name: (flat.nodes[r.node].path, r.weight) for r in flat.results},
        side_outputs={s.name: (flat.nodes[s.node].path, s.weight) for s in flat.side_outputs},
    )
    for node in flat.nodes:
        attributes: dict[str, Any] = {
            "layer": node.layer,
            "shape": node.shape,
            "span": node.span,
            "blocks": tuple(b.name for b in node.blocks),
            "module": node.module,
        }
        graph.add_node(node.path, **attributes)
        for place, source in enumerate(node.inputs):
            graph.add_edge(flat.nodes[source].path, node.path, key=place)
    return graph


def operands(graph: nx.MultiDiGraph[str], path: str) -> list[str]:
    """The inputs of a node, in their order."""
    return [source for source, _, _ in sorted(graph.in_edges(path, keys=True), key=lambda e: e[2])]
