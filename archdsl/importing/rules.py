"""The rule for the shape of an operation's result, found by runs on other shapes, without
numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from archdsl.importing.calls import TensorExpression
from archdsl.layers.base import Shape

AXES = ("", "c", "cl", "chw", "cdhw", "cdhwv")  # what axes are called in a rule, by their number
MOST_ELEMENTS = 1 << 16  # of a tensor on which it is run with numbers


@dataclass(frozen=True, slots=True)
class Rule:
    """What is known of an operation at the recorded shapes and beside them.

    ``axes`` says each axis of the result, as an expression of those of the input; it is empty where
    the result has the input's shape, and ``None`` where no rule was found that holds. ``pointwise``
    is whether a pixel of the result is computed of that pixel alone. ``macs`` are multiply-adds."""

    axes: tuple[str, ...] | None
    pointwise: bool
    macs: int


def rule_of(code: TensorExpression, inputs: Sequence[Shape], output: Shape) -> Rule:
    """The rule of an operation whose shapes were recorded."""
    macs = _macs(code, inputs)
    first = inputs[0]
    if code.weights or macs or any(s != first for s in inputs) or not 1 <= len(first) < len(AXES):
        return Rule(None, False, macs)
    function = code.function()
    rows = [(first, output)]
    for shape in _others(first):
        found = _run(function, [shape] * code.operands)
        if found is None:
            return Rule(None, False, macs)  # it is not for all shapes
        rows.append((shape, found))
    axes = _axes(rows)
    same = axes == () and len(first) > 1 and _is_pointwise(function, code.operands, first)
    return Rule(axes, same, macs)


def _others(shape: Shape) -> Iterator[Shape]:
    """Shapes beside one: with each axis longer, by one and twice, and with all of them."""
    for axis, n in enumerate(shape):
        for other in (2 * n, n + 1):
            yield (*shape[:axis], other, *shape[axis + 1 :])
    yield tuple(2 * n for n in shape)
    yield tuple(n + 1 for n in shape)
    yield tuple(3 * n + 1 for n in shape)


def _run(function: Any, shapes: Sequence[Shape]) -> Shape | None:
    """The shape that an operation gives, the same for batches of two and three."""
    found = set()
    for batch in (2, 3):
        given = [torch.empty((batch, *shape), device="meta") for shape in shapes]
        try:
            with torch.no_grad():
                made = function(*given)
        except Exception:  # whatever PyTorch says to a shape that does not fit
            return None
        if not isinstance(made, torch.Tensor) or made.shape[:1] != (batch,):
            return None
        found.add(tuple(made.shape[1:]))
    return found.pop() if len(found) == 1 else None


def _macs(code: TensorExpression, inputs: Sequence[Shape]) -> int:
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), torch.device("meta"), counter:
            code.function()(*(torch.empty((1, *shape)) for shape in inputs))
    except Exception:  # of numbers that are no floats, for instance
        return 0
    return int(counter.get_total_flops()) // 2


def _axes(rows: Sequence[tuple[Shape, Shape]]) -> tuple[str, ...] | None:
    if all(given == made for given, made in rows):
        return ()
    made = rows[0][1]
    if len({len(out) for _, out in rows}) != 1 or not made:
        return None
    found = []
    for place, length in enumerate(made):
        wanted = [out[place] for _, out in rows]
        rule = _axis([g for g, _ in rows], wanted, length, place)
        if rule is None:
            return None
        found.append(rule)
    return tuple(found)


def _axis(rows: Sequence[Shape], wanted: Sequence[int], length: int, place: int) -> str | None:
    """An axis of the result by one of the input's, first by that in its place; or a number."""
    if len(set(wanted)) == 1:
        return str(length)
    order = sorted(range(len(rows[0])), key=lambda axis: axis != place)
    for axis in order:
        name, lengths = AXES[len(order)][axis], [row[axis] for row in rows]
        more = length - lengths[0]
        if all(n + more == m for n, m in zip(lengths, wanted, strict=True)):
            return name if not more else f"{name} {'+' if more > 0 else '-'} {abs(more)}"
        times = length // lengths[0]
        if times > 1 and all(n * times == m for n, m in zip(lengths, wanted, strict=True)):
            return f"{times} * {name}"
        for parts in (2, 3, 4, 8, 16):
            if all(n // parts == m for n, m in zip(lengths, wanted, strict=True)):
                return f"{name} // {parts}"
    return None


def _is_pointwise(function: Any, operands: int, shape: Shape) -> bool:
    """Whether pixels of the result change with their own pixels alone, tried with numbers."""
    small = (shape[0], *(5 for _ in shape[1:]))
    if torch.Size(small).numel() > MOST_ELEMENTS:
        return False
    generator = torch.Generator().manual_seed(0)
    given = [torch.randn((1, *small), generator=generator) for _ in range(operands)]
    others = [torch.randn((1, *small), generator=generator) for _ in range(operands)]
    try:
        with torch.no_grad():
            before = function(*given)
            for at in (0, 2, 4):
                pixel = (slice(None), slice(None), *(at for _ in shape[1:]))
                changed = [x.clone() for x in others]
                for x, kept in zip(changed, given, strict=True):
                    x[pixel] = kept[pixel]
                after = function(*changed)
                if not torch.equal(after[pixel].nan_to_num(), before[pixel].nan_to_num()):
                    return False
    except Exception:  # an operation for which this shape is none
        return False
    return True
