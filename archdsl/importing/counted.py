"""Whether a network has as many parameters and multiply-adds as PyTorch counts in a module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from archdsl.diagnostics import codes
from archdsl.importing.fixed import multiply_adds_apart
from archdsl.importing.graphs import failure, not_alone
from archdsl.importing.incoming import Inputs
from archdsl.importing.record import Recording, Tied, needed, record
from archdsl.importing.through import keys_of
from archdsl.ir.flat import Flat
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
    applied, ahead = _applied(arch.flat)
    keys = {key for place in ahead for key in _keys(arch.flat, place, mapping)}
    left = [one for one in recording.records if one.number not in given]
    also = [one for one in left if not keys.isdisjoint(keys_of(recording, one))]
    before = [0, *(one.flops for one in recording.records)]  # what it does not give is not counted
    theirs = sum(one.flops - before[one.number] for one in (*main, *also)) // 2
    if theirs != arch.macs and theirs - multiply_adds_apart(recording) != arch.macs:
        if (name := _too_often(arch.flat, applied, ahead, recording, mapping)) is not None:
            raise not_alone(name)
        reason = f"{arch.macs:,} multiply-adds, and not {theirs:,}"
        raise failure(codes.NOT_THE_SAME, reason=reason)


def _applied(flat: Flat) -> tuple[list[int], list[int]]:
    """The layers that a network applies in evaluation, by their places: those that results of
    evaluation are computed from, and those ahead of results of training alone."""
    given = _computed(flat, [flat.output, *(one.node for one in flat.results)])
    braces = tuple(f"{side.name}." for side in flat.side_outputs)
    layers = [(place, node.path) for place, node in enumerate(flat.nodes) if node.layer is not None]
    ahead = [p for p, path in layers if p not in given and not path.startswith(braces)]
    return [p for p, _ in layers if p in given], ahead


def _computed(flat: Flat, ends: list[int]) -> set[int]:
    """What some nodes are computed from, and they themselves."""
    todo, seen = [*ends], set[int]()
    while todo:
        place = todo.pop()
        if place not in seen:
            seen.add(place)
            todo += flat.nodes[place].inputs
    return seen


def _keys(flat: Flat, place: int, mapping: Mapping[str, Tied]) -> Iterator[str]:
    """The module's keys of the weights of a layer."""
    node = flat.nodes[place]
    assert node.layer is not None, "a layer"
    for weight in node.layer.weights(*(flat.nodes[n].shape for n in node.inputs)):
        if (tied := mapping.get(f"{node.module}.{weight.name}")) is not None:
            yield tied.key


def _too_often(
    flat: Flat,
    applied: list[int],
    ahead: list[int],
    recording: Recording,
    mapping: Mapping[str, Tied],
) -> str | None:
    """A result of training for which a network applies weights in evaluation more often than the
    module does."""
    mine = Counter(key for place in (*applied, *ahead) for key in _keys(flat, place, mapping))
    theirs = Counter(key for one in recording.records for key in keys_of(recording, one))
    often = {p for p in ahead if any(mine[k] > theirs[k] for k in _keys(flat, p, mapping))}
    sides = (one.name for one in flat.side_outputs if often & _computed(flat, [one.node]))
    return next(sides, None)
