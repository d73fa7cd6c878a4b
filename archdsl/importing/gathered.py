"""Channels that lie apart, such as the queries of all heads where each head has its queries, keys
and values side by side: a convolution whose filters are in another order has them side by side."""

from __future__ import annotations

from dataclasses import replace

from archdsl.importing.cut import Atom, AxisSplit
from archdsl.importing.layer_of import make
from archdsl.importing.lower import Lowering
from archdsl.importing.record import TracedCall
from archdsl.importing.values import Vertex


def gathered(
    lower: Lowering, record: TracedCall, cut: AxisSplit, atom: Atom, first: int, size: int
) -> tuple[AxisSplit, Atom] | None:
    """Some places of channels that were cut into ``atom`` and others outside of it, as channels of
    their own, and the atom that is left of it. Nothing where they are of no convolution, or do not
    divide the atom."""
    vertex = cut.vertex
    layer, channels = vertex.layer, vertex.shape[0]
    plain = layer is not None and vertex.op == "conv" and dict(layer.given()).get("groups", 1) == 1
    if not plain or cut.factor != 1 or atom.size % size or first % size:
        return None
    block, parts = atom.inner * size, atom.size // size
    key = "gathered", vertex.number, block, parts
    if key not in lower.memo:
        lower.memo[key] = _in_parts(lower, record, vertex, block, parts)
    layer = make("split", parts=parts, part=first // size + 1)
    part = lower.once(layer, lower.memo[key], record)
    assert part.shape[0] * parts == channels, "parts are equal"

    def moved(one: Atom) -> Atom:
        outside = one.axis == 0 and one.inner >= atom.inner * atom.size
        return one._replace(inner=one.inner // parts) if outside else one

    axes = tuple(tuple(map(moved, group)) for group in cut.axes)
    return replace(cut, vertex=part, axes=axes), Atom(0, atom.inner, size)


def _in_parts(
    lower: Lowering, record: TracedCall, vertex: Vertex, block: int, parts: int
) -> Vertex:
    """The convolution whose channels are in so many parts: of each run of ``block * parts``
    channels, the first part has the first block, and so on."""
    channels = vertex.shape[0]
    starts = range(0, channels, block * parts)
    order = tuple(
        start + part * block + n for part in range(parts) for start in starts for n in range(block)
    )
    weights = {
        name: replace(tied, order=tuple(tied.order[n] for n in order) if tied.order else order)
        for name, tied in vertex.weights.items()
    }
    return lower.vertex(vertex.layer, vertex.inputs, record, weights=weights)
