"""The hash of a network: equal for equal graphs, whatever anything in them is called.

It covers the shapes of what comes in and their order, and of all that the outputs need: every
layer with the meaning that it has on its operands (``Layer.meaning``: the operation, all
arguments, how weights start), which operand is which, which results and which weights are shared,
and of several results and side outputs their order and weights.
The order of operands counts where it makes a difference (not in a sum, a mean, a maximum, a
product).

It does not cover names of any kind (of parts, blocks, knobs, side outputs, keys of weights), the
parts that layers are grouped in, places in texts, the order of independent statements, layers
that do nothing on the shape that they meet, nor how PyTorch spells a layer. Sums in another order
may differ in their last bit, and two networks of one hash may have their weights in another
order. Of a layer from a user's file it takes the name and the arguments: what the file says of
them is not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from archdsl.ir.flat import Flat, flatten
from archdsl.ir.network import Network
from archdsl.layers.base import Layer, Shape
from archdsl.layers.init import Init

VERSION = b"archdsl-graph-hash/2\n"


def canonical_hash(network: Network) -> str:
    """32 hexadecimal digits over what is computed."""
    return flat_hash(flatten(network))


def flat_hash(flat: Flat) -> str:
    """``canonical_hash`` of a network that is spelled out."""
    graph = _Graph(flat)
    sides = [*flat.side_outputs, *flat.results]
    outputs = [graph.source(place) for place in (flat.output, *(s.node for s in sides))]
    numbers = graph.numbered(outputs)
    digest = hashlib.sha256(VERSION)
    for place in numbers:
        operands = ",".join(str(numbers[n]) for n in graph.operands[place])
        digest.update(f"{graph.what[place]}({operands}){graph.same(place, numbers)}\n".encode())
    digest.update(f"output {numbers[outputs[0]]}\n".encode())
    kinds = ["side"] * len(flat.side_outputs) + ["result"] * len(flat.results)
    for kind, side, place in zip(kinds, sides, outputs[1:], strict=True):
        digest.update(f"{kind} {numbers[place]} {side.weight!r}\n".encode())
    return digest.hexdigest()[:32]


class _Graph:
    """What each node computes and of what, without those that do nothing.

    ``what`` is a node's own text, and ``below`` a digest of it and of all that it is computed from:
    by that the operands of a sum are put in order.
    """

    def __init__(self, flat: Flat) -> None:
        self.what: list[str] = []
        self.below: list[bytes] = []
        self.operands: list[tuple[int, ...]] = []
        self.passed: dict[int, int] = {}  # nodes that do nothing, and what they give on
        self.modules = [node.module for node in flat.nodes]
        self.together = _with_one_module(flat)
        known: dict[tuple[Layer, tuple[Shape, ...]], str] = {}
        for place, node in enumerate(flat.nodes):
            inputs = tuple([self.source(n) for n in node.inputs])
            layer = node.layer
            if layer is None:
                what = f"input {node.shape!r}" + (f" {place}" if place else "")
            else:
                shapes = tuple([flat.nodes[n].shape for n in inputs])
                if layer.does_nothing(*shapes):
                    self.passed[place] = inputs[0]
                if layer.commutes():
                    inputs = tuple(sorted(inputs, key=self.below.__getitem__))
                    shapes = tuple([flat.nodes[n].shape for n in inputs])
                what = known.get((layer, shapes), "")
                if not what:
                    what = known[layer, shapes] = meaning_text(layer, shapes)
            if len(self.together.get(self.modules[place], ())) > 1:
                what += " shared"
            self.what.append(what)
            self.operands.append(inputs)
            self.below.append(
                hashlib.sha256(b"".join([what.encode(), *(self.below[n] for n in inputs)])).digest()
            )

    def source(self, place: int) -> int:
        """The node that a value comes from."""
        return self.passed.get(place, place)

    def same(self, place: int, numbers: dict[int, int]) -> str:
        """The first node whose weights a node has, where it is not itself."""
        group = self.together.get(self.modules[place], ())
        first = min((numbers[n] for n in group if n in numbers), default=numbers[place])
        return "" if first == numbers[place] else f" as {first}"

    def numbered(self, outputs: Sequence[int]) -> dict[int, int]:
        """The nodes that outputs need, numbered: operands first, in their order."""
        numbers: dict[int, int] = {}
        stack = [(place, False) for place in reversed(outputs)]
        while stack:
            place, ready = stack.pop()
            if place in numbers:
                continue
            if ready:
                numbers[place] = len(numbers)
            else:
                stack.append((place, True))
                stack.extend((n, False) for n in reversed(self.operands[place]))
        return numbers


def _with_one_module(flat: Flat) -> dict[str, list[int]]:
    """The nodes that have weights, by where these lie; nothing where no module is shared."""
    found: dict[str, list[int]] = {}
    if len({node.module for node in flat.nodes}) == len(flat.nodes):
        return found
    for place, node in enumerate(flat.nodes):
        layer = node.layer
        if layer is None:
            continue
        shapes = tuple([flat.nodes[n].shape for n in node.inputs])
        if layer.is_tied or layer.weights(*shapes):
            found.setdefault(node.module, []).append(place)
    return found


def meaning_text(layer: Layer, shapes: tuple[Shape, ...]) -> str:
    """A layer's meaning on operands of these shapes, as a text that is the same everywhere."""
    name, arguments = layer.meaning(*shapes)
    plain = {key: _plain(value) for key, value in arguments.items()}
    return f"{name} {sorted(plain.items())!r}"


def _plain(value: Any) -> Any:
    return (value.name, value.arguments) if isinstance(value, Init) else value
