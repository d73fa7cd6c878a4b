"""An estimate of the memory that a network needs at its peak."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from archdsl.analysis.figures import figures
from archdsl.costs.base import BYTES, Cost
from archdsl.ir.flat import Flat, flatten
from archdsl.ir.network import Network
from archdsl.layers.base import Layer, Shape

SIZES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes at the peak. ``inference``: weights, and the tensors that are alive at once.
    ``training``: weights, their gradients and one momentum for each, and every tensor that
    the backward pass needs again. Workspaces of kernels and the allocator's rounding are
    not in it."""

    weights: int
    inference: int
    training: int


def memory(flat: Flat, params: int, buffers: int, batch: int = 1, dtype: str = "float32") -> Memory:
    """The estimate for a batch in a dtype. Raises ``ValueError`` for a dtype it does not know."""
    if dtype not in SIZES:
        raise ValueError(f"the dtypes are {', '.join(SIZES)}, not {dtype!r}")
    size = SIZES[dtype]
    weights = (params + buffers) * size
    live, kept = _activations(flat)
    return Memory(
        weights,
        weights + live * batch * size,
        weights + 2 * params * size + kept * batch * size,
    )


def _activations(flat: Flat) -> tuple[int, int]:
    """Elements alive at once in evaluation, and kept for the backward pass in training."""
    nodes = flat.nodes
    owner = list(range(len(nodes)))  # whose storage a node's result is in
    main = _needed(flat)
    uses = [0] * len(nodes)
    for place, node in enumerate(nodes):
        if place in main:
            for n in node.inputs:
                uses[n] += 1
    for place in flat.output, *(result.node for result in flat.results):
        uses[place] += 1
    pending = list(uses)
    size = [prod(node.shape) for node in nodes]
    start = flat.inputs
    live = peak = kept = sum(size[:start])
    refs = [1] * start + [0] * (len(nodes) - start)
    for place, node in enumerate(nodes[start:], start):
        layer = node.layer
        assert layer is not None
        source = node.inputs[0]
        reuses = layer.inplace and uses[source] == 1 and source >= start
        if not reuses:
            kept += size[place]
        if place not in main:
            continue
        if reuses:
            owner[place] = owner[source]
            refs[owner[place]] += 1
        else:
            refs[place] = 1
            live += size[place]
            peak = max(peak, live)
        for n in node.inputs:
            pending[n] -= 1
            if pending[n] == 0:
                refs[owner[n]] -= 1
                if refs[owner[n]] == 0:
                    live -= size[owner[n]]
    return peak, kept


def _needed(flat: Flat) -> set[int]:
    """What the results need: side outputs do not run in evaluation."""
    found = {flat.output, *(result.node for result in flat.results)}
    for place in range(len(flat.nodes) - 1, -1, -1):
        if place in found:
            found.update(flat.nodes[place].inputs)
    return found


class PeakMemory(Cost):
    """The peak of inference for one image in float32. Of a layer: its weights, and its result
    where it does not work in place."""

    name = "memory"
    title = "memory of inference, estimated"
    heading = "memory"
    about = "memory of inference, estimated"
    unit = BYTES

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        result = 0 if layer.inplace else prod(output)
        return SIZES["float32"] * (result + sum(w.elements for w in layer.weights(*inputs)))

    def of(self, network: Network) -> float:
        counts = figures(network)
        return memory(flatten(network), counts.params, counts.buffers).inference
