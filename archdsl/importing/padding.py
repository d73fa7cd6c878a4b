"""Layers that pad, and those that pool what was padded."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from numbers import Integral
from typing import Any

from torch import nn

from archdsl.diagnostics.model import ArchError
from archdsl.importing.cut import AxisSplit
from archdsl.importing.incoming import Inputs
from archdsl.importing.layer_of import Gap, make
from archdsl.importing.lower import Lowering, operation
from archdsl.importing.record import Recording, Ref, TracedCall, record
from archdsl.importing.values import Bordered, Moving, TensorValue

LARGER = (1, 2, 4, 8)  # pixels by which images are larger, to see whether a border goes with them


def moving(module: nn.Module, batch: int, inputs: Inputs, recording: Recording) -> Moving:
    """What moves with the size of the image. Nothing is run where nothing is padded so."""
    borders, like = _borders(recording), _like(recording)
    found: set[int] = set()
    moved: set[int] = set()
    for more in LARGER if borders or like else ():
        larger = {
            n: (shape[0], *[side + more for side in shape[1:]]) for n, shape in inputs.items()
        }
        try:
            at = record(module, batch, larger, recording.training)
        except ArchError:
            continue  # it takes none such
        others, likewise = _borders(at), _like(at)
        like = {n: ref for n, ref in like.items() if _same(ref, likewise.get(n))}
        moved |= {n for n in like if _amounts(recording.records[n]) != _amounts(at.records[n])}
        if len(others) != len(borders):  # some are there for some sizes alone
            found = {number for number, _ in borders}
        else:
            pairs = zip(borders, others, strict=True)
            found |= {number for (number, a), (_, b) in pairs if a != b}
    return Moving(frozenset(found), {n: ref for n, ref in like.items() if n in moved})


def _same(ref: Ref, other: Ref | None) -> bool:
    return other is not None and ref.record.number == other.record.number


def _like(recording: Recording) -> dict[int, Ref]:
    """The numbers of the records that pad an image as much at its end as at its begin, or one pixel
    more, so that it is as large as a tensor that it is joined with, and this tensor, which is
    computed before it."""
    found: dict[int, Ref] = {}
    for one in recording.records:
        refs = list(one.refs()) if one.op in JOINS else []
        for ref, other in (refs, refs[::-1]) if len(refs) == 2 else ():
            size, wanted = (r.record.shapes[r.result] or () for r in (ref, other))
            flat = _amounts(ref.record) if ref.record.op == "pad" else ()
            sides = list(zip(flat[::2], flat[1::2], strict=False))
            even = all(0 <= low == (low + high) // 2 for low, high in sides)
            before = other.record.number < ref.record.number
            if sides and even and before and len(sides) == len(size[2:]) and size[2:] == wanted[2:]:
                found[ref.record.number] = other
    return {n: ref for n, ref in found.items() if _of_zeros(recording.records[n])}


JOINS = ("cat", "concat", "concatenate", "add", "__add__", "iadd", "__iadd__")


def _amounts(one: TracedCall) -> tuple[int, ...]:
    """How much a record pads, of the last axis first; nothing where tensors say it."""
    flat = tuple(one.args[1] if len(one.args) > 1 else one.kwargs.get("pad", ()))
    return flat if _are_numbers(flat) else ()


def _are_numbers(flat: Iterable[Any]) -> bool:
    return all(isinstance(amount, Integral) for amount in flat)


def _of_zeros(one: TracedCall) -> bool:
    mode = [*one.args[2:3], one.kwargs.get("mode")]
    value = [*one.args[3:], one.kwargs.get("value")]
    return all(m in (None, "constant") for m in mode) and not any(value)


def _borders(recording: Recording) -> list[tuple[int, Any]]:
    """The numbers of the records with a border of minus infinity, and how much each has."""
    return [
        (one.number, one.args[1] if len(one.args) > 1 else one.kwargs.get("pad"))
        for one in recording.records
        if one.op == "pad" and -inf in (*one.args[3:], one.kwargs.get("value"))
    ]


@operation("pad")
def padded(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit | Bordered:
    mode = lower.argument(record, 2, "mode", "constant")
    value = lower.argument(record, 3, "value", 0) or 0
    amounts = list(lower.argument(record, 1, "pad"))
    if not _are_numbers(amounts):
        raise Gap(" by amounts that are computed with tensors: compute them with Python integers")
    like = lower.moving.like.get(record.number)
    if like is not None and lower.is_known(like):
        other = lower.value(like)
        x = lower.argument(record, 0, "input")
        if all(isinstance(one, TensorValue) and one.plain for one in (x, other)):
            low, high = (tuple(reversed(amounts[side::2])) for side in (0, 1))
            made = lower.apply(make("pad", before=low, after=high), record, x)
            made.vertex.like = other.vertex
            return made
    return _padded(lower, record, amounts, "zeros" if mode == "constant" else mode, value)


@operation("ZeroPad1d", "ZeroPad2d", "ZeroPad3d", "ConstantPad1d", "ConstantPad2d")
@operation("ReflectionPad1d", "ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d")
def padded_module(lower: Lowering, record: TracedCall) -> TensorValue | AxisSplit | Bordered:
    m = record.module
    border = {"Refl": "reflect", "Repl": "replicate"}.get(record.op[:4], "zeros")
    return _padded(lower, record, list(m.padding), border, getattr(m, "value", 0))


def _padded(
    lower: Lowering, record: TracedCall, flat: list[int], border: str, value: float
) -> TensorValue | AxisSplit | Bordered:
    given = lower.argument(record, 0, "input")
    if isinstance(given, AxisSplit) and not any(flat) and value != -inf:
        return given
    x = lower.input(record)
    if not any(flat) and value != -inf:
        return x
    if not x.plain:
        raise Gap(" over tensors whose channels are not first")
    axes = len(x.axes) - 1
    flat += [0] * (2 * (axes + 1) - len(flat))
    low = tuple(flat[2 * i] for i in reversed(range(axes)))
    high = tuple(flat[2 * i + 1] for i in reversed(range(axes)))
    if value == -inf and min(flat) >= 0 and not any(flat[2 * axes :]):
        return Bordered(
            x, tuple(zip(low, high, strict=True)), record.number in lower.moving.borders
        )
    if value != 0:
        raise Gap(f" with {value:g}")
    before, after = flat[2 * axes], flat[2 * axes + 1]
    if before or after:
        if any(flat[: 2 * axes]) or before not in (0, after) or border != "zeros" or after < 0:
            raise Gap(" of channels, in this form")
        to = x.vertex.shape[0] + before + after
        where = {"where": "both"} if before else {}
        return lower.apply(make("pad_channels", to=to, **where), record, x)
    # What is cut off one side alone is made of a crop of both, the other being padded more.
    cut = tuple(max(-a, -b, 0) for a, b in zip(low, high, strict=True))
    if any(cut):
        if border != "zeros":
            raise Gap(" that crops")
        low, high = (tuple(map(sum, zip(side, cut, strict=True))) for side in (low, high))
    vertex = x.vertex
    if any(low) or any(high):
        sides: dict[str, Any] = {"size": low} if low == high else {"before": low, "after": high}
        vertex = lower.vertex(make("pad", border=border, **sides), [vertex], record)
    if any(cut):
        vertex = lower.vertex(make("crop", size=cut), [vertex], record)
    return lower.checked(TensorValue(vertex, x.axes), record)
