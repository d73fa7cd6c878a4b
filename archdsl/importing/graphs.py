"""The graph of a module, as it is in training: what has no layer, or depends on the batch or on
training, is refused."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Kind, diagnose
from archdsl.importing import arithmetic, attention, own, pointwise, shaped, weighted  # noqa: F401
from archdsl.importing.custom import NONE, Custom
from archdsl.importing.gaps import gaps
from archdsl.importing.lower import Lowering, Vertex, make, shared
from archdsl.importing.proof import difference, flat_of, pairs
from archdsl.importing.record import record
from archdsl.importing.simplify import live, renumbered, simplify, users
from archdsl.importing.text import Graph
from archdsl.layers.base import Shape

BATCHES = (2, 3)
OTHER_BATCHES = (1, 17)  # in evaluation, where a single image is no rare one
DROPPED = ("dropout", "dropout_channels", "alpha_dropout")


def graph_of(module: nn.Module, shape: Shape, custom: Custom = NONE) -> Graph:
    """The graph of a module, as it is in training: with dropout and side outputs.

    Raises ``ArchError`` for what has no layer (A654), for a graph that depends on the batch
    (A656), or that is another in training (A661)."""
    graphs = [graph_once(module, (batch, *shape), True, custom) for batch in BATCHES]
    evaluated = graph_once(module, (BATCHES[0], *shape), False, custom)
    flats = [flat_of(graph, "") for graph in graphs]
    if pairs(*flats) is None:
        reason = difference(*flats)
        raise failure(codes.DEPENDS_ON_BATCH, reason=reason)
    if any(vertex.op in DROPPED for vertex in evaluated.vertices):
        raise failure(codes.CHANGES_IN_TRAINING, reason="it drops elements in evaluation, too")
    for batch in OTHER_BATCHES:
        other = flat_of(graph_once(module, (batch, *shape), False, custom), "")
        if pairs(flat_of(evaluated, ""), other) is None:
            reason = difference(flat_of(evaluated, ""), other)
            raise failure(codes.DEPENDS_ON_BATCH, reason=reason)
    plain = flat_of(_without_drops(graph_once(module, (BATCHES[0], *shape), True, custom)), "")
    plain.side_outputs = []
    tested = flat_of(_without_drops(evaluated), "")
    tested.side_outputs = []
    if pairs(tested, plain) is None:
        raise failure(codes.CHANGES_IN_TRAINING, reason=difference(tested, plain))
    return graphs[0]


def graph_once(module: nn.Module, shape: Shape, training: bool, custom: Custom) -> Graph:
    lowering = Lowering(record(module, shape, training), custom)
    outputs = [vertex for _, vertex in lowering.outputs]
    missing = list(lowering.missing)
    vertices = lowering.vertices
    if not missing:
        vertices, missing = simplify(vertices, outputs)
    if missing:
        raise ArchError(gaps(missing))
    if not any(v.layer is not None and v.layer.kind in ("conv", "linear") for v in vertices):
        reason = "it has neither a convolution nor a linear layer"
        raise failure(codes.NOTHING_TO_IMPORT, reason=reason)
    for key in shared(vertices):
        raise failure(codes.SHARED_WEIGHTS, key=key)
    (_, main), *asides = lowering.outputs
    named = [(title_of(name), vertex) for name, vertex in asides]
    graph = Graph(vertices, main, sorted(named), lowering.root, custom.registry)
    return _with_asides(graph)


def _with_asides(graph: Graph) -> Graph:
    """Puts a mark where each side output begins: on the way to the main result, a value of which
    it is computed."""
    main = {v.number for v in live(graph.vertices, [graph.output])}
    for name, result in graph.asides:
        apart = [v for v in live(graph.vertices, [result]) if v.number not in main]
        begins = {s.number: s for v in apart for s in v.inputs if s.number in main}
        if len(begins) != 1:
            raise failure(
                codes.MODEL_FAILS,
                reason=f"its result `{name}` is not computed of one tensor of the main way",
            )
        source = next(iter(begins.values()))
        mark = Vertex(
            max(v.number for v in graph.vertices) + 1,
            make("identity"),
            [source],
            source.shape,
            graph.root,
            aside=(name, result),
        )
        for user in users(graph.vertices)[source.number]:
            if user.number in main:
                user.inputs = [mark if s is source else s for s in user.inputs]
        graph.vertices.append(mark)
        main.add(mark.number)
    if graph.asides:
        graph.vertices = renumbered(graph.vertices)
    return graph


def _without_drops(graph: Graph) -> Graph:
    """The graph of a network without what happens in training alone."""
    for vertex in graph.vertices:
        if vertex.op in DROPPED:
            vertex.layer = make("identity")
        elif vertex.op == "add" and vertex.drop:
            vertex.layer, vertex.drop = make("add"), 0.0
    return graph


def title_of(name: str) -> str:
    """A name that a spec can have."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    name = re.sub(r"\W", "_", name).lower().strip("_") or "network"
    return f"net_{name}" if name[0].isdigit() or name in RESERVED else name


RESERVED = ("input", "main", "arch", "output")


def failure(kind: Kind, **fields: Any) -> ArchError:
    return ArchError([diagnose(kind, fields=fields)])
