"""Norms that a model writes out in single operations: by the root mean square, by the mean and the
variance, or by the length of what stands along one axis.

In a recording, the last operation of such a norm becomes the function of PyTorch that computes it,
or ``AXIS_NORM``, where that has no function. What stood before it is left, and needed no more.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import torch.nn.functional as F

from archdsl.importing.record import Recording, Ref, Tied, TracedCall
from archdsl.importing.reshaping import RESHAPING

RMS, LAYER, LENGTH = "rms_norm", "layer_norm", "normalize"
ALONG = " along an axis"  # after their names, where the axis is not the last one
CASTS = frozenset("float double to type type_as contiguous clone".split())
ALIKE = {  # operations that have several names, by the letters of those
    **dict.fromkeys("multiply imul rmul".split(), "mul"),
    **dict.fromkeys("iadd radd".split(), "add"),
    **dict.fromkeys("isub subtract".split(), "sub"),
    **dict.fromkeys("truediv itruediv divide true_divide idiv".split(), "div"),
    "rtruediv": "rdiv",
}


class WrittenNorm(NamedTuple):
    """A norm along an axis, as far as it is written out: ``kind`` is the function of PyTorch."""

    kind: str
    x: Ref
    axis: int
    eps: float
    weight: Any = None
    bias: Any = None


def norms_written_out(recording: Recording) -> None:
    """Puts layers into a recording, in the place of norms that are written out."""
    moving: set[int] = set()  # what is computed of what comes in
    found: dict[int, WrittenNorm] = {}
    for record in recording.records:
        if record.op == "input" or any(ref.record.number in moving for ref in record.refs()):
            moving.add(record.number)
        norm = _norm(record) or _of_length(record) or _with_parameter(record, found)
        if norm is not None and norm.x.record.number in moving:
            found[record.number] = norm
            if norm.kind != RMS or norm.weight is not None:
                _put(record, norm)


def _put(record: TracedCall, norm: WrittenNorm) -> None:
    shape = _shape(norm.x)
    last = norm.axis == len(shape) - 1
    parameters = (norm.weight,) if norm.kind == RMS else (norm.weight, norm.bias)
    record.kwargs = {}
    if norm.kind == LENGTH:
        record.op, record.args = LENGTH, (norm.x, 2.0, norm.axis, norm.eps)
        record.function, record.compute = f"torch.nn.functional.{LENGTH}", F.normalize
    elif last:
        record.op, record.args = norm.kind, (norm.x, (shape[-1],), *parameters, norm.eps)
        record.function = f"torch.nn.functional.{norm.kind}"
        record.compute = getattr(F, norm.kind)
    else:
        record.op, record.args = norm.kind + ALONG, (norm.x, norm.axis, *parameters, norm.eps)
        record.function, record.compute = "", None


# ------------------------------------------------------------------------------ what a norm is of


def _norm(record: TracedCall) -> WrittenNorm | None:
    """A norm without parameters: a tensor over a root that is computed of it; of a root mean square
    also one that has its factors already."""
    for numerator, divisor in _quotients(record):
        below, eps = _with_eps(divisor)
        if (centered := _centered(numerator)) is not None:
            x, axis = centered
            if _variance(below) == centered:
                return WrittenNorm(LAYER, x, axis, eps)
        mean = _mean(below)
        of = None if mean is None else _squared(mean[0])
        if mean is None or of is None:
            continue
        if _bare(numerator) == of:
            return WrittenNorm(RMS, of, mean[1], eps)
        for factor, x in _both(numerator, "mul"):
            if _bare(x) == of and _is_parameter(factor, of, mean[1]):
                return WrittenNorm(RMS, of, mean[1], eps, factor)
    return None


def _of_length(record: TracedCall) -> WrittenNorm | None:
    """A tensor over its length along an axis, which may be kept from below."""
    for numerator, length in _pair(Ref(record), "div"):
        below, eps = _at_least(length)
        if (of := _length(below)) is not None and of[0] == _bare(numerator):
            return WrittenNorm(LENGTH, *of, eps)
    return None


def _at_least(value: Any) -> tuple[Any, float]:
    """What a value is that is at least a positive number, and the number."""
    value = _bare(value)
    if _op(value) in ("clamp", "clamp_min", "clip"):
        args, kwargs = value.record.args, value.record.kwargs
        low = [*args[1:], *(v for k, v in kwargs.items() if k == "min")]
        alone = len(args) + len(kwargs) == 2 and len(low) == 1
        if alone and isinstance(low[0], float) and low[0] > 0:
            return args[0], low[0]
    return value, 0.0


def _length(value: Any) -> tuple[Ref, int] | None:
    """A tensor whose length along an axis a value is, and the axis."""
    value = _bare(value)
    if _op(value) in ("norm", "vector_norm", "linalg_norm", "linalg_vector_norm"):
        names = dict(zip(("p", "dim", "keepdim", "dtype"), value.record.args[1:], strict=False))
        given = {**names, **value.record.kwargs}
        if given.get("p", given.get("ord", 2)) in (2, None, "fro"):
            return _along(value.record.args[0], given.get("dim"), given.get("keepdim"))
    total = _bare(_under(value))
    summed = _along_of(total.record) if _op(total) == "sum" else None
    square = None if summed is None else _squared(summed[0])
    return None if square is None or summed is None else (square, summed[1])


def _with_parameter(record: TracedCall, found: dict[int, WrittenNorm]) -> WrittenNorm | None:
    """A norm that stands before, with its factors, or with what is added after them."""
    for op in ("mul", "add"):
        for value, parameter in _both(Ref(record), op):
            value = _bare(value)
            norm = found.get(value.record.number) if isinstance(value, Ref) else None
            if (
                norm is None
                or norm.kind == LENGTH
                or not _is_parameter(parameter, norm.x, norm.axis)
            ):
                continue
            if op == "mul" and norm.weight is None:
                return norm._replace(weight=parameter)
            if op == "add" and norm.kind == LAYER and norm.weight is not None and norm.bias is None:
                return norm._replace(bias=parameter)
    return None


def _is_parameter(value: Any, x: Ref, axis: int) -> bool:
    """Whether a value is a learned tensor with a number for each place of an axis."""
    shape = _learned(value)
    if shape is None or len(shape) > len(_shape(x)) or _shape(x)[axis] == 1:
        return False
    shape = (1,) * (len(_shape(x)) - len(shape)) + shape
    return shape[axis] == _shape(x)[axis] == prod(shape)


def _learned(value: Any) -> tuple[int, ...] | None:
    """The shape of a parameter, also of one in another shape."""
    if isinstance(value, Tied):
        return value.shape if value.trained else None
    if not isinstance(value, Ref) or value.record.op not in RESHAPING or not value.record.args:
        return None
    before, after = _learned(value.record.args[0]), _shape(value)
    return after if before is not None and prod(before) == prod(after) else None


def _centered(value: Any) -> tuple[Ref, int] | None:
    """A tensor from which its mean along an axis was taken, and the axis."""
    for x, mean in _pair(value, "sub"):
        x = _bare(x)
        of = _mean(mean)
        if of is not None and of[0] == x:
            return of
    return None


def _variance(value: Any) -> tuple[Ref, int] | None:
    """A tensor whose variance along an axis a value is, and the axis."""
    if (of := _mean(value)) is not None:
        square = _squared(of[0])
        centered = None if square is None else _centered(square)
        return centered if centered is not None and centered[1] == of[1] else None
    value = _bare(value)
    if not isinstance(value, Ref) or _op(value) not in ("var", "var_mean") or value.result:
        return None
    one = value.record
    usual = one.kwargs.get("correction", int(one.kwargs.get("unbiased", True)))
    args, keep = list(one.args[1:]), one.kwargs.get("keepdim", False)
    dim = one.kwargs["dim"] if "dim" in one.kwargs else args.pop(0) if args else None
    if args and isinstance(args[0], bool):
        usual = int(args.pop(0))
    keep = args.pop() if args else keep
    return _along(one.args[0], dim, keep) if usual == 0 and not args else None


def _mean(value: Any) -> tuple[Ref, int] | None:
    """A tensor whose mean along an axis a value is, and the axis."""
    value = _bare(value)
    if not isinstance(value, Ref):
        return None
    one = value.record
    if _op(value) == "var_mean":
        return None if value.result != 1 else _along_of(one)
    return _along_of(one) if _op(value) == "mean" and not value.result else None


def _along_of(record: TracedCall) -> tuple[Ref, int] | None:
    dim = record.args[1] if len(record.args) > 1 else record.kwargs.get("dim")
    keep = record.args[-1] is True or record.kwargs.get("keepdim", False)
    return _along(record.args[0], dim, keep) if record.args else None


def _along(x: Any, dim: Any, keep: Any) -> tuple[Ref, int] | None:
    dim = dim[0] if isinstance(dim, (tuple, list)) and len(dim) == 1 else dim
    x = _bare(x)
    if not isinstance(x, Ref) or type(dim) is not int or keep is not True:
        return None
    axis = dim % len(_shape(x))
    return (x, axis) if axis else None


def _squared(value: Any) -> Ref | None:
    """The tensor whose square a value is."""
    value = _bare(value)
    if not isinstance(value, Ref):
        return None
    args = value.record.args
    of = args[0] if _op(value) == "square" or _is_power(value, 2) else None
    for a, b in _pair(value, "mul"):
        of = a if _bare(a) == _bare(b) else of
    of = _bare(of)
    return of if isinstance(of, Ref) else None


def _with_eps(value: Any) -> tuple[Any, float]:
    """A sum with a number: what the number is added to, and the number."""
    for of, eps in _both(value, "add"):
        if isinstance(eps, float) or type(eps) is int:
            return of, float(eps)
    return value, 0.0


def _quotients(record: TracedCall) -> list[tuple[Any, Any]]:
    """Numerators, and of what they are divided by the root."""
    value = Ref(record)
    found = [(a, _under(b, inverse=True)) for a, b in _both(value, "mul")]
    found += [(a, _under(b)) for a, b in _pair(value, "div")]
    return [(numerator, of) for numerator, of in found if of is not None]


def _under(value: Any, inverse: bool = False) -> Any:
    """Of what a value is the root, or one over the root; nothing where it is none."""
    value = _bare(value)
    if not isinstance(value, Ref):
        return None
    if _op(value) == ("rsqrt" if inverse else "sqrt") or _is_power(value, -0.5 if inverse else 0.5):
        return value.record.args[0]
    if inverse and _op(value) == "reciprocal":
        return _under(value.record.args[0])
    ones = [*_pair(value, "div"), *((b, a) for a, b in _pair(value, "rdiv"))] if inverse else []
    return next(
        (_under(root) for one, root in ones if type(one) in (int, float) and one == 1), None
    )


# ------------------------------------------------------------------------------ single operations


def _op(value: Any) -> str:
    """The operation that a value comes from, by one of its names."""
    if not isinstance(value, Ref) or value.record.module is not None:
        return ""
    name = value.record.op.strip("_")
    return ALIKE.get(name, name)


def _pair(value: Any, op: str) -> list[tuple[Any, Any]]:
    """What a value is the sum, product ... of; nothing where it is none."""
    value = _bare(value)
    if _op(value) != op or len(value.record.args) != 2 or value.record.kwargs:
        return []
    return [value.record.args]


def _both(value: Any, op: str) -> list[tuple[Any, Any]]:
    """The same in both orders."""
    return [pair for a, b in _pair(value, op) for pair in ((a, b), (b, a))]


def _is_power(value: Ref, exponent: float) -> bool:
    args = value.record.args
    given = args[1] if len(args) > 1 else value.record.kwargs.get("exponent")
    return _op(value) == "pow" and type(given) in (int, float) and given == exponent


def _bare(value: Any) -> Any:
    """A value before it was cast, or copied."""
    while _op(value) in CASTS and value.record.args:
        value = value.record.args[0]
    return value


def _shape(value: Ref) -> tuple[int, ...]:
    return value.record.shapes[value.result] or ()
