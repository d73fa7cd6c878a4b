"""Whether a network has as many parameters and multiply-adds as PyTorch counts in a module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archdsl.diagnostics import codes
from archdsl.importing.fixed import multiply_adds_apart
from archdsl.importing.graphs import failure
from archdsl.importing.incoming import Inputs
from archdsl.importing.record import Recording, Tied, TracedCall, needed, record
from archdsl.spec import Architecture


def check_counts(
    module: nn.Module, arch: Architecture, mapping: Mapping[str, Tied], inputs: Inputs
) -> None:
    """Raises ``ArchError`` where a network has other parameters than a module (A657, A659), or
    other multiply-adds: those of what results are computed from, and of what the network computes
    in evaluation for results of training, where the module does so, too."""
    trained = {n: p.numel() for n, p in module.named_parameters()}
    used = {tied.key for tied in mapping.values()}
    unused = [name for name in trained if name not in used]
    if unused:
        shown = ", ".join(f"`{n}`" for n in unused[:3]) + ", ..." * (len(unused) > 3)
        raise failure(
            codes.NOTHING_TO_IMPORT, reason=f"no result is computed from {shown}: remove it first"
        )
    if arch.params != sum(trained.values()):
        counts = f"{arch.params:,} parameters, and not {sum(trained.values()):,}"
        raise failure(codes.NOT_THE_SAME, reason=counts)
    counter = FlopCounterMode(display=False)
    with counter:
        recording = record(module, 1, inputs, flops=counter.get_total_flops)
    main = needed(recording, [ref for _, ref in recording.outputs])
    given = {one.number for one in main}
    ahead = {mapping[key].key for key in _ahead(arch) if key in mapping}
    left = [one for one in recording.records if one.number not in given]
    also = [one for one in left if _has(recording, one, ahead)]
    before = [0, *(one.flops for one in recording.records)]  # what it does not give is not counted
    theirs = sum(one.flops - before[one.number] for one in (*main, *also)) // 2
    if theirs != arch.macs and theirs - multiply_adds_apart(recording) != arch.macs:
        reason = f"{arch.macs:,} multiply-adds, and not {theirs:,}"
        raise failure(codes.NOT_THE_SAME, reason=reason)


def _ahead(arch: Architecture) -> Iterator[str]:
    """The keys of weights that a network applies in evaluation, though no result of evaluation is
    computed from them."""
    flat = arch.flat
    todo = [flat.output, *(one.node for one in flat.results)]
    seen: set[int] = set()
    while todo:
        place = todo.pop()
        if place not in seen:
            seen.add(place)
            todo += flat.nodes[place].inputs
    braces = tuple(f"{side.name}." for side in flat.side_outputs)
    for place, node in enumerate(flat.nodes):
        if node.layer is not None and place not in seen and not node.path.startswith(braces):
            shapes = [flat.nodes[n].shape for n in node.inputs]
            yield from (f"{node.module}.{weight.name}" for weight in node.layer.weights(*shapes))


def _has(recording: Recording, one: TracedCall, keys: set[str]) -> bool:
    """Whether a layer of a module has one of these parameters."""
    if one.module is None:
        return False
    return any(recording.keys.get(id(p)) in keys for p in one.module.parameters())
