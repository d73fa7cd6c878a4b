"""Layers of tensors whose axes are cut: what is computed of each pixel, or of each number, is the
same before a cut as after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any

from archdsl.importing.cut import AxisSplit, cut_of, whole
from archdsl.importing.record import Recording, Tied, TracedCall
from archdsl.importing.values import TensorValue

if TYPE_CHECKING:
    from archdsl.importing.lower import Lowering

OF_NUMBERS = frozenset(
    """
    ReLU relu ReLU6 relu6 SiLU silu SELU selu Sigmoid sigmoid Hardswish hardswish Hardsigmoid
    hardsigmoid Mish mish Tanh tanh Softsign softsign LeakyReLU leaky_relu ELU elu CELU celu
    Hardtanh hardtanh GELU gelu Softplus softplus Dropout dropout neg negative square clamp clip
    clamp_min clamp_max Threshold threshold
    """.split()
)
OF_PIXELS = frozenset(
    """
    Linear linear matmul __matmul__ addmm LayerNorm layer_norm RMSNorm RmsNorm rms_norm
    """.split()
)
OF_IMAGES = frozenset("DropPath StochasticDepth".split())
OF_SEVERAL = frozenset(
    """
    add iadd radd __add__ __iadd__ __radd__ sub subtract __sub__ __isub__ mul imul rmul multiply
    __mul__ __imul__ __rmul__ maximum
    """.split()
)


def through(
    lower: Lowering, record: TracedCall, function: Callable[[Lowering, TracedCall], Any]
) -> AxisSplit | None:
    """A layer on a cut tensor: that of the tensor without cuts, which are made again after it.
    Nothing where that is not the same."""
    op = record.op.rstrip("_") if not record.op.endswith("__") else record.op
    refs = list(record.refs())
    cuts = [lower.value(ref) for ref in refs]
    first = cuts[0] if cuts else None
    shape = record.shapes[0]
    if not isinstance(first, AxisSplit) or shape is None or len(record.shapes) != 1:
        return None
    if not all(isinstance(cut, AxisSplit) and _alike(cut, first) for cut in cuts):
        return None
    channels = whole(first.vertex.shape, 0)
    last = first.axes[-1] == channels and shape[:-1] == first.shape[:-1]
    if op in OF_PIXELS or op in OF_SEVERAL:
        tied = [*tied_in(record.args), *tied_in(tuple(record.kwargs.values()))]
        single = op in OF_PIXELS or all(prod(t.shape) in (1, t.shape[-1]) for t in tied)
        if not last or not single:
            return None
    elif op in OF_IMAGES:
        if first.axes[0] != cut_of(first.vertex, (), lower.batch).axes[0]:
            return None
    elif op not in OF_NUMBERS:
        return None
    order = (*range(1, len(first.vertex.shape)), 0)
    inside = replace(record, shapes=[_shape(lower, first, shape[-1] if last else 0)])
    saved = {ref: lower.value(ref) for ref in refs}
    try:
        for ref, cut in zip(refs, cuts, strict=True):
            lower.assign(ref, TensorValue(lower.multiplied(cut, record), order))
        made = function(lower, inside)
    finally:
        for ref, value in saved.items():
            lower.assign(ref, value)
    if not isinstance(made, TensorValue) or made.axes != order:
        return None
    axes = (*first.axes[:-1], whole(made.vertex.shape, 0)) if last else first.axes
    return replace(first, vertex=made.vertex, axes=axes, factor=1.0)


def _shape(lower: Lowering, cut: AxisSplit, channels: int) -> tuple[int, ...]:
    return (lower.batch, *cut.vertex.shape[1:], channels or cut.vertex.shape[0])


def _alike(cut: AxisSplit, other: AxisSplit) -> bool:
    same = cut.axes == other.axes and cut.rolled == other.rolled
    return same and cut.vertex.shape == other.vertex.shape


def tied_in(value: Any) -> list[Tied]:
    """The tensors of the module among arguments."""
    if isinstance(value, Tied):
        return [value]
    return [t for item in value for t in tied_in(item)] if isinstance(value, tuple) else []


def keys_of(recording: Recording, record: TracedCall) -> list[str]:
    """The keys of the parameters that an operation has: of its module, or among its arguments."""
    own = () if record.module is None else record.module.parameters()
    found = [recording.keys[id(p)] for p in own if id(p) in recording.keys]
    given = tied_in((*record.args, *record.kwargs.values()))
    return found + [tied.key for tied in given if tied.trained]
