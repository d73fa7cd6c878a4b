"""The layers that give a number for each class: of an image, or of each pixel."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.importing.values import Graph, Vertex


class Classes(int):
    """The number of classes, where it is written: never the same as another number."""

    def __repr__(self) -> str:
        return f"{self} classes"

    def __str__(self) -> str:
        return int.__repr__(self)


class ClassHeads(NamedTuple):
    """How many classes there are, and the convolutions, by their numbers, that give them."""

    classes: int | None = None
    convolutions: frozenset[int] = frozenset()


def heads_of(graph: Graph) -> ClassHeads:
    """The last layers with weights, before the main result and side outputs: linear ones, or 1x1
    convolutions after which nothing mixes channels."""
    main = _last(graph.output)
    if main is None:
        return ClassHeads()
    count = main.shape[0]
    ends = [main, *(_last(vertex) for _, vertex in graph.asides)]
    found = (v.number for v in ends if v is not None and v.op == "conv" and v.shape[0] == count)
    return ClassHeads(count, frozenset(found))


def _last(vertex: Vertex) -> Vertex | None:
    while vertex.layer is not None and len(vertex.inputs) == 1:
        given = dict(vertex.layer.given())
        if vertex.op == "linear":
            return vertex
        if vertex.op == "conv":
            plain = given.get("kernel") in (1, (1, 1)) and given.get("groups", 1) == 1
            return vertex if plain else None
        if vertex.weights or vertex.shape[:1] != vertex.inputs[0].shape[:1]:
            return None
        vertex = vertex.inputs[0]
    return None
