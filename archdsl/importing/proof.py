"""Whether two graphs are the same network, layer for layer.

The digest of a node is of its layer's meaning, its shape and the digests of what it takes: equal
digests of the results mean that both compute the same. Then the two are walked together from their
results, which pairs their layers, and with them their weights; a layer that one has once and the
other twice is found there. How weights start is left out: most modules do not say it.
"""

from __future__ import annotations

import hashlib
from typing import Any

from archdsl.importing.record import Tied
from archdsl.importing.values import Graph, Vertex
from archdsl.ir.flat import Flat, FlatNode, FlatOutput
from archdsl.layers.base import Layer, Shape
from archdsl.layers.init import Init

STARTS = ("init", "bias_init")  # arguments that say how weights start
ONLY_START = {"scale": "value", "prelu": "slope"}
LEARNED = ("times", "plus")  # whose value is a start where it is learned


def flat_of(graph: Graph, name: str) -> Flat:
    """A graph of vertices as a network that is spelled out."""
    places = {v.number: i for i, v in enumerate(graph.vertices)}
    nodes = [
        FlatNode(v.path or v.op, v.layer, tuple(places[i.number] for i in v.inputs), v.shape)
        for v in graph.vertices
    ]
    for node, vertex in zip(nodes, graph.vertices, strict=True):
        node.module = next((tied.key for tied in vertex.weights.values()), node.path)
    sides = [FlatOutput(n, places[v.number], 1.0) for n, v in graph.asides]
    results = [FlatOutput(n, places[v.number], 1.0) for n, v in graph.results]
    return Flat(name, nodes, places[graph.output.number], sides, len(graph.inputs), results)


def meaning(layer: Layer, shapes: tuple[Shape, ...]) -> str:
    """A layer's meaning without how its weights start; numbers to twelve digits."""
    name, arguments = layer.meaning(*shapes)
    left = [*STARTS, ONLY_START.get(layer.name, "")]
    if layer.name in LEARNED and arguments["learned"]:
        left.append("value")
    plain = {k: _plain(v) for k, v in arguments.items() if k not in left}
    if name == "avgpool" and plain.get("pad") == 0:
        plain["count_pad"] = True  # nothing is padded that could count
    return f"{name} {sorted(plain.items())!r}"


def _plain(value: Any) -> Any:
    return float(f"{value:.10g}") if isinstance(value, float) else value


class Digests:
    """The digest of each node of a network, and what it takes, without those that do nothing.

    Sums and products are of all that is added or multiplied, in any order; a concatenation is of
    all that is joined, in order. With ``named`` a layer is the tensors that it has, too: two
    recordings of one module have the same."""

    def __init__(self, flat: Flat, named: bool = False) -> None:
        self.flat = flat
        self.digest: list[bytes] = []
        self.operands: list[tuple[int, ...]] = []
        self._passed: dict[int, int] = {}
        used = [0] * len(flat.nodes)
        for node in flat.nodes:
            for source in node.inputs:
                used[source] += 1
        for place, node in enumerate(flat.nodes):
            inputs = tuple(self.source(n) for n in node.inputs)
            layer = node.layer
            if layer is None:
                self._enter(f"input {place} {node.shape!r}", ())
                continue
            shapes = tuple(flat.nodes[n].shape for n in inputs)
            if layer.does_nothing(*shapes) or layer.is_identity:
                self._passed[place] = inputs[0]
            if layer.is_associative:
                inputs = self._joined(inputs, layer)
                shapes = tuple(flat.nodes[n].shape for n in inputs)
            if layer.commutes():
                inputs = tuple(sorted(inputs, key=self.digest.__getitem__))
                shapes = tuple(flat.nodes[n].shape for n in inputs)
            name = f" {node.module}" if named and _has_weights(flat, place) else ""
            self._enter(f"{meaning(layer, shapes)} {node.shape!r}{name}", inputs)

    def _enter(self, what: str, inputs: tuple[int, ...]) -> None:
        below = b"".join([what.encode(), *(self.digest[n] for n in inputs)])
        self.digest.append(hashlib.sha256(below).digest())
        self.operands.append(inputs)

    def _joined(self, inputs: tuple[int, ...], layer: Layer) -> tuple[int, ...]:
        """The operands of a join with those of equal joins among them in their places."""
        found: list[int] = []
        for n in inputs:
            other = self.flat.nodes[n].layer
            same = other is not None and other.name == layer.name and other.is_sum == layer.is_sum
            found += self.operands[n] if same else [n]
        return tuple(found)

    def source(self, place: int) -> int:
        """The node that a value comes from."""
        return self._passed.get(place, place)

    def results(self) -> list[tuple[str, int]]:
        """The places of the results and of side outputs, by their names."""
        flat = self.flat
        named = sorted([*flat.results, *flat.side_outputs], key=lambda one: one.name)
        sides = [(one.name, self.source(one.node)) for one in named]
        return sides if flat.results else [("", self.source(flat.output)), *sides]


def pairs(
    mine: Flat, theirs: Flat, *, starts: bool = False, named: bool = False
) -> dict[int, int] | None:
    """Which node of the one is which of the other; nothing where they are not the same. With
    ``starts`` weights have to start alike, too; with ``named`` they have to be the same ones."""
    a, b = Digests(mine, named), Digests(theirs, named)
    first, second = a.results(), b.results()
    if [name for name, _ in first] != [name for name, _ in second]:
        return None
    found: dict[int, int] = {}
    back: dict[int, int] = {}
    bonds: tuple[dict[str, str], dict[str, str]] = {}, {}  # modules that are each other
    todo = [(x, y) for (_, x), (_, y) in zip(first, second, strict=True)]
    while todo:
        x, y = todo.pop()
        if x in found or y in back:
            if found.get(x) != y:
                return None
            continue
        if a.digest[x] != b.digest[y] or len(a.operands[x]) != len(b.operands[y]):
            return None
        found[x], back[y] = y, x
        if _has_weights(mine, x):
            one, other = mine.nodes[x].module, theirs.nodes[y].module
            if starts and _starts(mine, x) != _starts(theirs, y):
                return None
            if bonds[0].setdefault(one, other) != other or bonds[1].setdefault(other, one) != one:
                return None
        todo += zip(a.operands[x], b.operands[y], strict=True)
    return found


def _has_weights(flat: Flat, place: int) -> bool:
    return bool(_starts(flat, place))


def _starts(flat: Flat, place: int) -> list[Init | None]:
    """How the weights of a layer start."""
    node = flat.nodes[place]
    shapes = [flat.nodes[n].shape for n in node.inputs]
    return [] if node.layer is None else [weight.init for weight in node.layer.weights(*shapes)]


def lacking(mine: Flat, theirs: Flat, *, named: bool = False) -> list[int]:
    """The layers of a network that another has none equal to, by their places."""
    a, b = Digests(mine, named), Digests(theirs, named)
    known = set(b.digest)
    places = range(len(mine.nodes))
    return [n for n in places if a.digest[n] not in known and n not in a._passed]


def difference(mine: Flat, theirs: Flat) -> str:
    """The first place at which a network is not the other, in words."""
    places = lacking(mine, theirs)
    if not places:
        return "one shares layers that the other has separately"
    node = mine.nodes[places[0]]
    what = "input" if node.layer is None else f"layer `{node.layer.name}`"
    where = f" in `{node.path}`" if node.layer is not None and node.path != node.layer.name else ""
    return f"its {what}{where} of {'x'.join(map(str, node.shape))} is not there"


def weights_of(graph: Graph, flat: Flat, paired: dict[int, int]) -> dict[str, Tied]:
    """Whose tensors are whose: the module's for each key of the spec's."""
    found: dict[str, Tied] = {}
    for mine, theirs in paired.items():
        vertex: Vertex = graph.vertices[mine]
        if vertex.layer is None or vertex.layer.is_tied:
            continue  # which has the weights of another
        for name, tied in vertex.weights.items():
            found[f"{flat.nodes[theirs].module}.{name}"] = tied
    return found
