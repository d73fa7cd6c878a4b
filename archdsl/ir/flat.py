"""A network as one flat list of operations, in the order in which they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archdsl.ir.network import Network, Op, Part, Pick, Step
from archdsl.layers.base import Layer, Shape

if TYPE_CHECKING:
    from archdsl.diagnostics.source import Span


@dataclass(slots=True)
class FlatNode:
    """One layer or join. ``inputs`` are places in the list, which begins with what comes in."""

    path: str
    layer: Layer | None  # None: a tensor that comes in
    inputs: tuple[int, ...]
    shape: Shape
    span: Span | None = None
    blocks: tuple[Part, ...] = ()  # the blocks around it, outermost first
    module: str = ""  # the path of its weights: its own, or that of a shared module


@dataclass(slots=True)
class FlatOutput:
    """An output beside the main one: its name, its node's place, its weight in the loss."""

    name: str
    node: int
    weight: float


@dataclass(slots=True)
class Flat:
    """All operations of a network. ``output`` is the place of its result, ``inputs`` how many
    nodes at the start are tensors that come in."""

    name: str
    nodes: list[FlatNode]
    output: int = 0
    side_outputs: list[FlatOutput] = field(default_factory=list)
    inputs: int = 1
    results: list[FlatOutput] = field(default_factory=list)  # in evaluation, if there are several


def flatten(network: Network) -> Flat:
    """The operations of a network, all repetitions spelled out."""
    nodes = [FlatNode(p, None, (), shape, module=p) for p, shape in network.incoming.items()]
    flat = Flat(network.name, nodes, inputs=len(nodes))
    root, sources = network.root, list(range(len(nodes)))
    values = _values(root, sources, _Place("", ""), (), {}, flat)

    def place(n: int) -> int:
        return values[n][0] if n >= 0 else sources[-n]

    flat.output = place(root.result)
    flat.results = [FlatOutput(r.name, place(r.value), r.weight) for r in root.results]
    return flat


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a part stands: what its paths begin with, and those of its weights; the shared
    modules that it is given, by their paths."""

    prefix: str
    weights: str
    lent: tuple[str, ...] = ()

    def module(self, part: Part, number: int) -> str:
        """The path of a shared module."""
        return self.weights + part.shared[number].name if number >= 0 else self.lent[-number - 1]


def _expand(
    part: Part,
    sources: list[int],
    place: _Place,
    blocks: tuple[Part, ...],
    offsets: Mapping[str, int],
    flat: Flat,
) -> list[int]:
    """Adds a part's operations; ``sources`` are its input and its imports. Its results' places."""
    values = _values(part, sources, place, blocks, offsets, flat)
    given = part.given or (part.result,)
    return [values[n][0] if n >= 0 else sources[-n] for n in given]


def _values(
    part: Part,
    sources: list[int],
    place: _Place,
    blocks: tuple[Part, ...],
    offsets: Mapping[str, int],
    flat: Flat,
) -> list[list[int]]:
    """Adds a part's operations: the places of its input and of its steps' results, of which a part
    that gives several has several."""
    values = [sources[:1]]
    for step in part.steps:
        if isinstance(step.op, Pick):
            values.append([values[step.inputs[0]][step.op.number]])
            continue
        inputs = [values[n][0] if n >= 0 else sources[-n] for n in step.inputs]
        for copy in range(step.repeat):
            made = _expand_step(part, step, copy, inputs, place, blocks, offsets, flat)
            inputs = [*made, *inputs[len(made) :]]
        values.append(made)
    return values


def _expand_step(
    part: Part,
    step: Step,
    copy: int,
    inputs: list[int],
    at: _Place,
    blocks: tuple[Part, ...],
    offsets: Mapping[str, int],
    flat: Flat,
) -> list[int]:
    op = step.op
    number = step.number + offsets.get(step.name, 0)
    name = step.numbered(number + copy)
    path, weights = at.prefix + name, at.weights + name
    if step.module is not None:
        weights = at.module(part, step.module)
    if isinstance(op, Op):
        made = FlatNode(path, op.layer, tuple(inputs), step.shape, step.span, blocks, weights)
        flat.nodes.append(made)
        return [len(flat.nodes) - 1]
    lent = tuple([at.module(part, n) for n in step.lends])
    if op.kind == "turn":
        moved = dict(offsets)
        for name, count in op.counts.items():
            moved[name] = moved.get(name, 0) + copy * count
        inside = _Place(at.prefix, at.weights, lent)
        return _expand(op, inputs, inside, blocks, moved, flat)
    around = (*blocks, op) if op.kind == "block" else blocks
    inside = _Place(path + ".", weights + ".", lent)
    result = _expand(op, inputs, inside, around, {}, flat)
    if step.weight is not None:
        flat.side_outputs.append(FlatOutput(path, result[0], step.weight))
    return result
