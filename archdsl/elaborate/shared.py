"""Layers that are applied several times with the same weights: ``let f = shared { ... }``.

What is shared belongs to the part in which it is written, as one module; each application is a step
of that part or of one within it, and names the module. How a module becomes known to inner parts
is ``Builder.module``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Label, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.builder import PartBuilder
from archdsl.elaborate.code import Getter
from archdsl.elaborate.fits import fit
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.values import Closure, SharedLayer, Tensor, describe, one
from archdsl.ir.network import Op, Part, Shared, numbered
from archdsl.layers.base import Layer, Shape, show_shapes

Run = Callable[[Closure, Frame, Span], None]


def apply_shared(value: SharedLayer, frame: Frame, span: Span, run: Run) -> None:
    """Applies a shared layer to the current tensor; raises a fault where it would not have the
    weights that it has already."""
    machine, x, outer = frame.m, frame.x, frame.b
    if x is None:
        return
    one(x, span)
    made = machine.shared_made.get((value, x.shape))
    if made is None:
        made = _made(value, frame, x, span, run)
        if made is None:
            return
        machine.shared_made[value, x.shape] = made
    else:
        machine.spend(getattr(made[0], "work", 0) + 4, span)
    op, shape, sources, lent = made
    inputs = (x, *sources)
    shapes = tuple([t.shape for t in inputs])
    first = machine.shared_first.get(value)
    if first is None:
        first = machine.shared_first[value] = Shared(value.name, op, shapes, span)
    elif first.op is not op or first.inputs != shapes:
        _check_alike(first, op, shapes, frame, span)
    number = outer.number(value.name)
    module, lends = outer.module(value), tuple(map(outer.module, lent))
    frame.x = outer.add(op, inputs, shape, value.name, number, span, module=module, lends=lends)
    machine.check_size(outer, span)


Made = tuple[Op | Part, Shape, tuple[Tensor, ...], tuple[SharedLayer, ...]]


def _made(value: SharedLayer, frame: Frame, x: Tensor, span: Span, run: Run) -> Made | None:
    """What a shared layer is for a tensor, its shape, the kept tensors and the shared layers that
    it uses. Nothing where it is no step, after a mistake or for an ``identity``."""
    machine, outer = frame.m, frame.b
    start, effects = machine.fuel, machine.effects
    label = numbered(value.name, outer.counts.get(value.name, 0) + 1)
    inner = PartBuilder(outer, label, x.shape)
    frame.b, frame.x = inner, inner.start()
    try:
        with machine.entered(label, span, []):
            run(value.body, frame, span)
            if machine.effects != effects:
                raise fault(codes.SHARED_CHOOSES, value.span)
    finally:
        frame.b = outer
    result = frame.x
    if result is None or one(result, span).builder is not inner:
        return None
    if result.node == 0:
        frame.x = x
        return None
    only = inner.steps[0] if len(inner.steps) == 1 and not inner.several else None
    plain = only is not None and only.inputs == (0,) and only.repeat == 1 and not inner.shared
    if only is not None and plain and only.module is None:
        lent = tuple([inner.borrows[-n - 1] for n in only.lends])
        return only.op, only.shape, (), lent
    part = machine.shared(inner.close("group", value.name, result, first=machine.shared_first))
    part.work = start - machine.fuel
    return part, part.shape, tuple(inner.imports), tuple(inner.borrows)


# --------------------------------------------------------------- whether it is one module

Leaf = tuple[str, object, Op | None, tuple[Shape, ...]]  # path, connections, layer, what comes in


def _leaves(op: Op | Part, inputs: tuple[Shape, ...], path: str) -> Iterator[Leaf]:
    if isinstance(op, Op):
        yield path, (), op, inputs
        return
    for shared in op.shared:
        inner = f"{path}.{shared.name}" if path else shared.name
        yield from _leaves(shared.op, shared.inputs, inner)
    for step in op.steps:
        inner = f"{path}.{step.label}" if path else step.label
        wiring = step.inputs, step.repeat, step.module, step.lends
        shapes = tuple([op.shape_of(n) for n in step.inputs])
        if step.module is not None:
            yield inner, wiring, None, shapes
            continue
        for leaf in _leaves(step.op, shapes, inner):
            yield leaf[0], (wiring, leaf[1]), leaf[2], leaf[3]


def _check_alike(
    first: Shared, op: Op | Part, shapes: tuple[Shape, ...], frame: Frame, span: Span
) -> None:
    """Raises a fault where one module cannot be both: layers, connections or weights differ."""
    frame.m.spend(2 * (op.size if isinstance(op, Part) else 1), span)
    here = _leaves(op, shapes, "")
    for a, b in zip_longest(_leaves(first.op, first.inputs, ""), here):
        reason = _difference(a, b, first.name)
        if reason:
            place = Label(first.span, "applied here first")
            raise fault(codes.SHARED_DIFFERS, span, place, name=first.name, reason=reason)


def _difference(a: Leaf | None, b: Leaf | None, name: str) -> str:
    if a is None or b is None or a[:2] != b[:2]:
        there, here = (x[0] or name if x else "nothing" for x in (a, b))
        return f"where it has `{there}` at first, it has `{here}` here, or other connections"
    what = f"its `{b[0]}`" if b[0] else "it"
    if a[2] is None or b[2] is None:
        return "" if a[2] is b[2] else f"{what} is another layer"
    mine, theirs = a[2].layer, b[2].layer
    if mine != theirs:
        return f"{what} has other arguments here"
    if a[3] == b[3]:
        return ""
    for x, y in zip(mine.weights(*a[3]), theirs.weights(*b[3]), strict=True):
        if x.shape != y.shape:
            was, now = ("x".join(map(str, w.shape)) for w in (x, y))
            return f"{what} has a {x.name} of {was} at first, and of {now} here"
    axes = [[len(shape) for shape in shapes] for shapes in (a[3], b[3])]
    if axes[0] != axes[1] or (mine.has_code() and mine.torch(*a[3]) != theirs.torch(*b[3])):
        was, now = show_shapes(a[3]), show_shapes(b[3])
        return f"{what} is another module for {now} than for {was}"
    return ""


# ---------------------------------------------------------------------- weights of another


def use_tied(layer: type[Layer], get: Getter, place: Span, frame: Frame, span: Span) -> None:
    """Applies a layer that has the weights of a shared one, which has been applied before."""
    value = get(frame)
    machine, x = frame.m, frame.x
    if x is None:
        return
    one(x, span)
    first = machine.shared_first.get(value) if isinstance(value, SharedLayer) else None
    made = None
    if first is not None and isinstance(first.op, Op):
        made = layer.tied_to(first.op.layer, first.inputs[0])
    if made is None:
        given = describe(value)
        raise fault(codes.NOT_TIED, place, layer=layer.name, given=given)
    op = machine.intern(made)
    shape = fit(op.layer, (x.shape,), span)
    builder = frame.b
    number = builder.number(op.name)
    module = builder.module(value)
    frame.x = builder.add(op, (x,), shape, op.name, number, span, module=module)
