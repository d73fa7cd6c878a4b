"""The hash of a network: equal for equal graphs, whatever anything in them is called."""

from __future__ import annotations

import hashlib

from archdsl.ir.flat import Flat, flatten
from archdsl.ir.network import Network
from archdsl.layers.base import Expression, Layer, Shape, signature


def canonical_hash(network: Network) -> str:
    """32 hexadecimal digits over what is computed.

    That is the input shape, every layer with its PyTorch code and initialisation, and the
    order of operands; not names, knobs, blocks, or the order of independent statements.
    """
    flat = flatten(network)
    order, numbers = _order(flat)
    digest = hashlib.sha256(b"archdsl-graph-hash/1\n")
    for place in order:
        node = flat.nodes[place]
        shapes = tuple(flat.nodes[n].shape for n in node.inputs)
        what = repr(node.shape) if node.layer is None else _identity(node.layer, shapes)
        operands = ",".join(str(numbers[n]) for n in node.inputs)
        digest.update(f"{what}({operands})\n".encode())
    for side in flat.side_outputs:
        digest.update(f"side {numbers[side.node]} {side.weight!r}\n".encode())
    return digest.hexdigest()[:32]


def _order(flat: Flat) -> tuple[list[int], dict[int, int]]:
    """Nodes as the outputs need them: operands first, in their order."""
    order: list[int] = []
    numbers: dict[int, int] = {}
    stack = [
        (place, False) for place in reversed([flat.output, *(s.node for s in flat.side_outputs)])
    ]
    while stack:
        place, ready = stack.pop()
        if place in numbers:
            continue
        if ready:
            numbers[place] = len(order)
            order.append(place)
        else:
            stack.append((place, True))
            stack.extend((n, False) for n in reversed(flat.nodes[place].inputs) if n not in numbers)
    return order, numbers


def _identity(layer: Layer, shapes: tuple[Shape, ...]) -> str:
    """What a layer computes: its PyTorch code, which spells out what was left to a default;
    its name and arguments, where it has no code."""
    if not layer.has_code():
        return f"{layer.name}{[(p.name, getattr(layer, p.name)) for p in signature(type(layer))]!r}"
    code = layer.torch(*shapes)
    if isinstance(code, Expression):
        return code.filled()
    starts = [f"{w.name}={w.init}" for w in layer.weights(*shapes) if w.init is not None]
    keywords = sorted((k, repr(v)) for k, v in code.keywords.items())
    return f"{code.target}{code.arguments!r}{keywords!r}{starts!r}"
