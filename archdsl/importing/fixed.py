"""What a model computes of its parameters and of fixed numbers alone, run: masks, and which number
of a learned table stands where, in whatever way the model computes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from archdsl.importing.record import Recording, Ref, Tied, TracedCall, needed

LARGE = -100.0  # what is added to a score so that it counts for nothing: this, or less
MOST = 1 << 25  # numbers of a tensor that is computed
CHANGED = "a change of a part"
# Operations that are one polynomial, or a quotient of two, of all numbers that they are given: two
# that agree in drawn numbers agree in all. What `clamp` does shows in some numbers alone, what
# `detach` does in gradients, and what `dropout` does by chance.
EXACT = frozenset(
    """
add iadd radd sub subtract isub rsub mul multiply imul rmul div divide true_divide truediv itruediv
neg negative sum mean matmul rmatmul mm bmm baddbmm addmm einsum linear tensordot
cat concat concatenate stack chunk split split_with_sizes tensor_split unbind narrow select getitem
setitem index index_select gather take_along_dim embedding expand expand_as broadcast_to repeat
repeat_interleave tile view view_as reshape flatten unflatten squeeze unsqueeze permute transpose
swapaxes swapdims movedim moveaxis t T mT roll flip pad constant_pad_nd as_strided unfold slice
diagonal tril triu masked_fill where interpolate contiguous clone alias to type type_as float double
copy to_copy unsafe_view zeros_like ones_like full_like new_zeros new_ones new_full
""".split()
) | {CHANGED}
PRODUCTS = frozenset(
    "einsum matmul __matmul__ mm bmm baddbmm addmm tensordot linear conv1d conv2d conv3d".split()
)


@dataclass(frozen=True, slots=True)
class Looked:
    """A tensor of fixed numbers, to each of which a number of a parameter is added: the one at the
    place that ``places`` has, in the order in which the parameter is stored."""

    numbers: torch.Tensor
    tied: Tied | None = None
    places: torch.Tensor | None = None


def looked_up(value: Ref | Tied) -> Looked | None:
    """What a tensor is; nothing where it is computed of parameters in another way, or of buffers
    whose numbers are not there, as on the meta device."""
    records = _records(value)
    if not _is_known(records):
        return None
    tied = _tied(value, records)
    trained = {t.key: t for t in tied if t.trained}
    if len(trained) > 1 or any(prod(t.shape) > MOST for t in tied):
        return None
    if any(prod(shape) > MOST for record in records for shape in record.shapes if shape):
        return None
    try:
        if not trained:
            found = _run(value, records, {})
            return None if found is None else Looked(found)
        ((key, parameter),) = trained.items()
        plain = parameter if parameter.tensor is None else _stored(parameter)
        count = prod(plain.shape)

        def at(numbers: torch.Tensor) -> torch.Tensor | None:
            return _run(value, records, {key: numbers.reshape(plain.shape)})

        base = at(torch.zeros(count, dtype=torch.float64))
        counted = at(torch.arange(1, count + 1, dtype=torch.float64))
        drawn = torch.randn(count, generator=torch.Generator().manual_seed(0)).double()
        again = at(drawn)
        if base is None or counted is None or again is None:
            return None
        places = (counted - base).nan_to_num(1.0).round().long() - 1
        known = base.isfinite()
        if known.any() and (places[known].min() < 0 or places[known].max() >= count):
            return None
        places = places.clamp(0, count - 1)
        if not torch.allclose(drawn[places][known], (again - base)[known], rtol=0, atol=1e-9):
            return None
        return Looked(base, plain, places)
    except Exception:  # whatever the model's functions raise: it is not known then
        return None


def _stored(tied: Tied) -> Tied:
    """A parameter in the shape in which the model has it."""
    assert tied.tensor is not None, "it has one"
    return Tied(tied.key, tuple(tied.tensor.shape), tied.trained, tied.tensor)


def parameters_of(value: Ref, sources: Collection[Ref]) -> dict[str, Tied]:
    """The learned tensors that a tensor is computed of, from some others on, by their keys."""
    tied = _tied(value, _records(value, sources))
    return {one.key: one for one in tied if one.trained}


def run_with(
    value: Ref, parameters: Mapping[str, torch.Tensor], sources: Mapping[Ref, torch.Tensor]
) -> torch.Tensor | None:
    """A tensor that is computed of some others and of learned ones, with these numbers, in double
    precision; nothing where it cannot be run, or drawn numbers prove nothing."""
    records = _records(value, sources)
    if not _is_known(records, sources):
        return None
    if any(prod(shape) > MOST for record in records for shape in record.shapes if shape):
        return None
    tied = parameters_of(value, sources)
    if any(t.tensor is None for t in tied.values()):
        return None
    given = {key: parameters[key].reshape(_stored(t).shape) for key, t in tied.items()}
    try:
        return _run(value, records, given, sources)
    except Exception:  # whatever the model's functions raise: it is not known then
        return None


def _is_known(records: Sequence[TracedCall], sources: Collection[Ref] = ()) -> bool:
    """Whether operations can be run, and what they make of learned tensors, and of some others, is
    known for all numbers where it is known for some."""

    def begins(record: TracedCall) -> bool:
        return any(t.trained for t in _tied(None, [record])) or _takes(record, sources)

    can_run = all(record.compute is not None or record.op == CHANGED for record in records)
    return can_run and all(r.op.strip("_") in EXACT for r in _computed_from(records, begins))


def _takes(record: TracedCall, sources: Collection[Ref]) -> bool:
    return any(ref in sources for ref in record.refs())


def _computed_from(
    records: Iterable[TracedCall], begins: Callable[[TracedCall], bool]
) -> list[TracedCall]:
    """Where something begins, and what is computed from there on."""
    found: dict[int, TracedCall] = {}
    for record in records:
        if begins(record) or any(ref.record.number in found for ref in record.refs()):
            found[record.number] = record
    return list(found.values())


def _records(value: Ref | Tied, sources: Collection[Ref] = ()) -> list[TracedCall]:
    """What a tensor is computed by, from some others on, in order."""
    found: dict[int, TracedCall] = {}
    todo = [value.record] if isinstance(value, Ref) and value not in sources else []
    while todo:
        one = todo.pop()
        if one.number not in found:
            found[one.number] = one
            todo += [ref.record for ref in one.refs() if ref not in sources]
    return [found[number] for number in sorted(found)]


def _tied(value: Ref | Tied | None, records: Sequence[TracedCall]) -> list[Tied]:
    found: list[Any] = [value]
    for record in records:
        _walk((record.args, record.kwargs), found.append)
    return [one for one in found if isinstance(one, Tied)]


def _run(
    value: Ref | Tied,
    records: Sequence[TracedCall],
    given: Mapping[str, torch.Tensor],
    sources: Mapping[Ref, torch.Tensor] = MappingProxyType({}),
) -> torch.Tensor | None:
    done: dict[Ref, Any] = dict(sources)
    fixed: dict[str, torch.Tensor] = {}

    def number(leaf: Any) -> Any:
        if isinstance(leaf, Ref):
            return done[leaf]
        if isinstance(leaf, Tied):
            if leaf.key not in fixed:
                tensor = given[leaf.key] if leaf.trained else leaf.tensor
                assert tensor is not None and not tensor.is_meta, "its numbers are not there"
                fixed[leaf.key] = _double(tensor.detach().clone())
            return fixed[leaf.key]
        if isinstance(leaf, torch.device):
            return torch.device("cpu")
        return leaf

    with torch.no_grad(), torch.device("cpu"):
        for record in records:
            args, kwargs = _walk(record.args, number), _walk(record.kwargs, number)
            if "device" in kwargs:
                kwargs["device"] = "cpu"
            if record.op == CHANGED:
                out = args[0]
            else:
                assert record.compute is not None, "what has none is not run"
                out = record.compute(*args, **kwargs)
                out = args[0] if out is None else out
            for place, result in enumerate(out if isinstance(out, (tuple, list)) else (out,)):
                done[Ref(record, place)] = _double(result)
    found = number(value)
    return found if isinstance(found, torch.Tensor) else None


def _double(value: Any) -> Any:
    floating = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.double() if floating else value


def _walk(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_walk(item, leaf) for item in value)
    if isinstance(value, dict):
        return {key: _walk(item, leaf) for key, item in value.items()}
    return leaf(value)


def unknown(value: Ref | Tied) -> bool:
    """Whether a tensor is computed of buffers whose numbers are not there."""
    tied = _tied(value, _records(value))
    return any(not t.trained and (t.tensor is None or t.tensor.is_meta) for t in tied)


def multiply_adds_apart(recording: Recording) -> int:
    """The multiply-adds, as PyTorch counts them, of what is computed of parameters and of fixed
    numbers alone, however many images come in: those are no network's."""
    records = needed(recording, [ref for _, ref in recording.outputs])
    moving = {one.number for one in _computed_from(records, lambda one: one.op == "input")}
    return _multiply_adds(record for record in records if record.number not in moving)


def multiply_adds_between(values: Iterable[Ref], sources: Collection[Ref]) -> int:
    """The multiply-adds of what some tensors are computed by, from others on."""
    records = {one.number: one for value in values for one in _records(value, sources)}
    inside = [records[number] for number in sorted(records)]
    return _multiply_adds(_computed_from(inside, lambda one: _takes(one, sources)))


def _multiply_adds(records: Iterable[TracedCall]) -> int:
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        for record in records:
            if record.op in PRODUCTS and record.compute is not None:
                record.compute(*_walk(record.args, _meta), **_walk(record.kwargs, _meta))
    return int(counter.get_total_flops()) // 2


def _meta(leaf: Any) -> Any:
    """A tensor of the shape of one, without numbers."""
    if isinstance(leaf, Tied):
        return torch.empty(leaf.shape, device="meta")
    if isinstance(leaf, Ref):
        return torch.empty(leaf.record.shapes[leaf.result] or (), device="meta")
    return leaf
