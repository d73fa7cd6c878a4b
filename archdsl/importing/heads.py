"""The layers that give a number for each class: of an image, or of each pixel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archdsl.importing.blocks import is_container
from archdsl.importing.record import ModuleCall
from archdsl.importing.simplify import users
from archdsl.importing.terms import ACTIVATIONS
from archdsl.importing.values import Graph, Vertex, chain

POOLS = frozenset("avgpool maxpool global_avgpool global_maxpool adaptive_avgpool".split())
# What may come after a head: layers that take each channel as the others, and learn one number
# at most.
AFTER = (
    POOLS
    | {"times", "plus"}
    | frozenset(
        "resize upsample crop pad softmax log_softmax sigmoid flatten dropout identity".split()
    )
)


class ClassHeads(NamedTuple):
    """How many classes there are, where they may be a knob, and the layers, by their numbers, that
    give them or another number of results: none is a width."""

    classes: int | None = None
    layers: frozenset[int] = frozenset()


def class_heads(graph: Graph) -> ClassHeads:
    """The last layers with weights before the results: linear ones, or 1x1 convolutions, where
    nothing after them mixes channels, nothing else takes them, and their modules are of classes
    that are heads alone. Where the result has as many channels as an image that comes in, it may be
    an image, too; and a convolution that gives one of half the size may be the last of a backbone,
    but for one after a dropout."""
    ends = [graph.output, *(vertex for _, vertex in (*graph.results, *graph.asides))]
    way: list[set[int]] = [set() for _ in ends]
    found = [_heads_of(end, seen) for end, seen in zip(ends, way, strict=True)]
    after = {n for some, seen in zip(found, way, strict=True) if some for n in seen}
    taken = users(graph.vertices)
    for some, seen in zip(found, way, strict=True):
        if any(user.number not in after for number in seen for user in taken[number]):
            some.clear()  # other layers take its channels
    for end, some in zip(ends, found, strict=True):
        if _is_smaller(end, graph) and not all(v.inputs[0].op == "dropout" for v in some):
            some.clear()
    heads = {v.number: v for some in found for v in some}
    while strange := _not_alone(graph, heads):
        heads = {n: v for n, v in heads.items() if n not in strange}
    main = [v for v in found[0] if v.number in heads]
    if not main or len(main) < len(found[0]):
        return ClassHeads()
    image = any(s.shape[:1] == graph.output.shape[:1] for s in graph.inputs if _is_image(s))
    count = None if image and _is_image(graph.output) else main[0].shape[0]
    return ClassHeads(count, frozenset(heads))


def _heads_of(vertex: Vertex, seen: set[int]) -> list[Vertex]:
    """The head that a result comes from, or those of a sum; none where it comes from others. What
    stands on the way is entered in ``seen``."""
    pooled = active = False
    while vertex.layer is not None and vertex.inputs:
        seen.add(vertex.number)
        if vertex.op == "linear":
            return [vertex]
        if vertex.op == "conv":
            given = dict(vertex.layer.given())
            plain = given.get("kernel") in (1, (1, 1)) and given.get("groups", 1) == 1
            plain = plain and given.get("stride", 1) in (1, (1, 1))
            separable = active and vertex.inputs[0].op == "conv"
            return [vertex] if plain and not separable else []
        if vertex.op == "add" and not vertex.drop:
            arms = [_heads_of(arm, seen) for arm in vertex.inputs]
            return [v for arm in arms for v in arm] if all(arms) else []
        pooled = pooled or (vertex.op in POOLS and not _is_image(vertex))
        active = active or vertex.op in ACTIVATIONS
        known = vertex.op in AFTER or (pooled and vertex.op in ACTIVATIONS)
        if not known or vertex.shape[:1] != vertex.inputs[0].shape[:1]:
            return []
        vertex = vertex.inputs[0]
    return []


def _is_image(vertex: Vertex) -> bool:
    return any(side != 1 for side in vertex.shape[1:])


def _is_smaller(vertex: Vertex, graph: Graph) -> bool:
    """Whether a result is an image, at most half as large as all images that come in."""
    images = [source.shape[1:] for source in graph.inputs if _is_image(source)]
    pairs = [(vertex.shape[1:], image) for image in images]
    return _is_image(vertex) and all(
        len(ours) == len(theirs) and all(2 * a <= b for a, b in zip(ours, theirs, strict=True))
        for ours, theirs in pairs
    )


def _not_alone(graph: Graph, heads: dict[int, Vertex]) -> set[int]:
    """The heads in a module of whose class others are that have none."""
    ends = {call for vertex in heads.values() for call in _around(vertex)}
    others = {call.cls for v in graph.vertices for call in _around(v) if call not in ends}
    return {n for n, v in heads.items() if any(call.cls in others for call in _around(v))}


def _around(vertex: Vertex) -> Iterator[ModuleCall]:
    return (c for c in chain(vertex.call) if c.parent is not None and not is_container(c.cls))
