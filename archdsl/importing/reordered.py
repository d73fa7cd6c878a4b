"""Parts of channels that are put together in another order: a convolution whose filters are in that
order has them so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from archdsl.importing.values import Vertex


def reorder_filters(
    vertices: Sequence[Vertex], outputs: Sequence[Vertex], taken: Mapping[int, list[Vertex]]
) -> None:
    """Gives convolutions the order of filters in which all their channels are put together, where
    nothing else takes them or has their weights. ``taken`` has who takes each vertex, by its
    number."""
    uses = Counter(tied.key for vertex in vertices for tied in vertex.weights.values())
    for joined in vertices:
        parts = joined.inputs
        if joined.op != "concat" or any(part.op != "split" for part in parts):
            continue
        source = parts[0].inputs[0]
        places = [_place(part) for part in parts]
        if (
            any(part.inputs[0] is not source for part in parts)
            or sorted(places) != list(range(source.shape[0] // parts[0].shape[0]))
            or places == sorted(places)
            or not _is_plain(source)
            or {*taken[source.number]} != {*parts}
            or any(taken[part.number] != [joined] for part in parts)
            or any(one in outputs for one in (source, *parts, joined))
            or any(uses[tied.key] > 1 for tied in source.weights.values())
        ):
            continue
        each = parts[0].shape[0]
        order = tuple(place * each + n for place in places for n in range(each))
        for name, tied in source.weights.items():
            now = tuple(tied.order[n] for n in order) if tied.order else order
            source.weights[name] = replace(tied, order=now)
        for user in taken[joined.number]:
            user.inputs = [source if one is joined else one for one in user.inputs]


def _place(part: Vertex) -> int:
    assert part.layer is not None, "it is a split"
    return int(dict(part.layer.given())["part"]) - 1


def _is_plain(vertex: Vertex) -> bool:
    """Whether it is a convolution whose filters may stand in any order."""
    if vertex.layer is None or vertex.op != "conv":
        return False
    given = dict(vertex.layer.given())
    fixed = given.get("groups", 1) != 1 or given.get("weight") is not None
    alike = all(not tied.flipped and not tied.turned for tied in vertex.weights.values())
    size = {len(tied.order) for tied in vertex.weights.values()} <= {0, vertex.shape[0]}
    return not fixed and alike and size
