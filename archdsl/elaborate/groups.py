"""Named pieces: what a label, an arm of a branch, or a step of a pattern becomes; and
turns of a loop that are alike, folded into one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.builder import PartBuilder, instead_of
from archdsl.elaborate.code import Action
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.values import Tensor, Tensors, each
from archdsl.ir.network import Op, Part, Step, numbered
from archdsl.layers.ids import Ids
from archdsl.layers.polynomial import Polynomial


def run_named(
    action: Action,
    frame: Frame,
    name: str,
    span: Span,
    plain: bool = False,
    noted: bool = False,
    kind: str = "group",
    title: str | None = None,
) -> None:
    """Runs an action as a part of its own under a name.

    A single layer or block takes the name itself, unless what is written could make several
    steps; nothing at all leaves no part.
    ``plain`` leaves the number off the first of that name; ``noted`` lets errors speak of it;
    ``title`` is what the part is called by itself, wherever it stands.
    """
    x = frame.x
    if x is None:
        action(frame)  # for its mistakes
        return
    frame.m.spend(4, span)
    outer = frame.b
    number = outer.number(name)
    label = numbered(name, number, plain)
    inner = PartBuilder(outer, label, x.shape)
    frame.b, frame.x = inner, inner.start()
    try:
        if noted:
            with frame.m.entered(label, span, []):
                action(frame)
        else:
            action(frame)
    finally:
        frame.b = outer
    result = frame.x
    if result is None:
        return
    given = each(result)
    if isinstance(result, Tensors) and not inner.steps:  # those that came in, or kept elsewhere
        frame.x = Tensors(tuple([_before(t, x, inner) for t in given]))
        return
    if not isinstance(result, Tensors) and (result.builder is not inner or result.node <= 0):
        if (step := inner.unused(())) is not None:
            raise fault(codes.UNUSED_RESULT, step.span, other=instead_of(step.span))
        frame.x = _before(result, x, inner)
        return
    sources = [*each(x)[1:], *inner.outside]
    only = _only(inner, result) if not inner.several else None
    if only is not None and only.repeat == 1 and only.weight is None and not inner.shared:
        inputs = [each(x)[0] if n == 0 else sources[-n - 1] for n in only.inputs]
        borrows = inner.borrows
        module = None if only.module is None else outer.module(borrows[-only.module - 1])
        lends = tuple([outer.module(borrows[-n - 1]) for n in only.lends])
        frame.x = outer.add(
            *(only.op, inputs, only.shape, name, number, only.span),
            plain=plain,
            module=module,
            lends=lends,
        )
        return
    frame.x = x
    frame.m.enter(
        frame,
        frame.m.shared(inner.close(kind, title or name, result, first=frame.m.shared_first)),
        inner.outside,
        name,
        number,
        span,
        plain=plain,
        borrows=inner.borrows,
        taken=inner.taken,
    )


def _before(tensor: Tensor, x: Tensor, inner: PartBuilder) -> Tensor:
    """A tensor that a part gives as it is: one of those that came in, or one kept elsewhere."""
    return each(x)[-tensor.node] if tensor.builder is inner else tensor


def _only(inner: PartBuilder, result: Tensor) -> Step | None:
    """The one step of a part that gives what the part gives."""
    if not isinstance(result, Tensors):
        return inner.steps[0] if len(inner.steps) == 1 else None
    count = len(result.items)
    if len(inner.steps) != count + 1 or isinstance(inner.steps[0].op, Op):
        return None
    nodes = [t.node if t.builder is inner else None for t in result.items]
    return inner.steps[0] if nodes == [*range(2, count + 2)] else None


HELD = -(10**9)  # below it: numbers of tensors that go from turn to turn


def carried(x: Tensors, frame: Frame) -> Tensors:
    """Several tensors as a turn begins with them: each has a number that nothing else has, by which
    the turn shows which of them it uses. ``settle`` puts the real ones in their place."""
    made = []
    for tensor in x.items:
        frame.m.held += 1
        made.append(Tensor(tensor.shape, HELD - frame.m.held, frame.b))
    return Tensors(tuple(made))


def settle(frame: Frame, start: int, source: Tensors, real: Tensors) -> None:
    """Puts the real tensors in the place of those that a turn began with."""
    builder = frame.b
    numbers = {c.node: t for c, t in zip(source.items, real.items, strict=True)}
    for step in builder.steps[start:]:
        if any(n in numbers for n in step.inputs):
            step.inputs = tuple(
                [builder.node(numbers[n]) if n in numbers else n for n in step.inputs]
            )
    if frame.x is not None:
        found = [numbers.get(t.node, t) for t in each(frame.x)]
        frame.x = Tensors(tuple(found)) if isinstance(frame.x, Tensors) else found[0]


def moves(before: Any, after: Any) -> bool:
    """Whether a turn leaves another shape than it began with, be it in some candidates of a space
    alone: then the next turn runs too, which is right for all of them."""
    if isinstance(before, Ids) or isinstance(after, Ids):
        return bool(before != after)  # their sizes are numbers
    if isinstance(before, tuple) and isinstance(after, tuple):
        return len(before) != len(after) or any(map(moves, before, after))
    if isinstance(before, Polynomial) and isinstance(after, Polynomial):
        return before.terms != after.terms
    undecided = isinstance(before, Polynomial) or isinstance(after, Polynomial)
    return undecided or bool(before != after)


def fold_turns(
    frame: Frame, start: int, source: Tensor, before: dict[str, int], copies: int, known: int
) -> bool:
    """Makes the steps from ``start`` on stand for ``copies`` more turns like theirs.

    ``source`` is the tensor that the turn began with, ``before`` the numbers given until
    then, ``known`` how many shared modules there were. Says no where the steps use anything else
    from before, or have shared modules of their own: then the turns must run.
    """
    builder, after = frame.b, frame.now()
    steps = builder.steps[start:]
    if not steps:
        return False  # several that change places
    firsts = [t.node for t in each(source)]
    results = [t.node for t in each(after)]
    for step in steps:
        if step.weight is not None or any(n not in firsts and n <= start for n in step.inputs):
            return False
        if any(n >= known for n in (step.module or 0, *step.lends) if n > 0):
            return False
    used = {*results, *(n for step in steps for n in step.inputs)}
    if any(n not in firsts and n <= start for n in results) or not used.issuperset(firsts):
        return False
    counts = {n: c - before.get(n, 0) for n, c in builder.counts.items() if c != before.get(n, 0)}
    size = sum(step.size * step.repeat for step in steps)
    if _is_one(steps, firsts, results, start):
        steps[0].repeat *= copies + 1
    else:
        builder.steps[start:] = []
        builder.size -= size
        _add_turns(builder, steps, source, after, start, copies, counts)
    builder.size += size * copies
    for name, count in counts.items():
        builder.counts[name] += count * copies
    op = builder.steps[start].op
    first = start + (2 if isinstance(op, Part) and op.given else 1)  # after it, its results
    made = [Tensor(t.shape, first + i, builder) for i, t in enumerate(each(source))]
    frame.x = Tensors(tuple(made)) if isinstance(source, Tensors) else made[0]
    frame.m.check_size(builder, steps[0].span)
    frame.m.spend(size * copies, steps[0].span)
    return True


def _is_one(steps: Sequence[Step], firsts: list[int], results: list[int], start: int) -> bool:
    """Whether a turn is one step, on what goes from turn to turn and nothing else."""
    if steps[0].inputs != tuple(firsts):
        return False
    if isinstance(steps[0].op, Part) and steps[0].op.given:
        return results == [*range(start + 2, start + 1 + len(steps))]
    return len(steps) == 1


def _add_turns(
    builder: PartBuilder,
    steps: Sequence[Step],
    source: Tensor,
    after: Tensor,
    start: int,
    copies: int,
    counts: dict[str, int],
) -> None:
    """Adds a part that is a turn, as often as there are turns."""
    used = [
        *(s.module for s in steps if s.module is not None),
        *(n for s in steps for n in s.lends),
    ]
    lends = tuple(dict.fromkeys(used))
    places = {n: -i - 1 for i, n in enumerate(lends)}
    sources, results = each(source), each(after)
    numbers = {t.node: -i for i, t in enumerate(sources)}

    def moved(n: int) -> int:
        return numbers[n] if n in numbers else n - start

    inside = tuple(_moved(step, moved, places) for step in steps)
    shape, imports = sources[0].shape, tuple([t.shape for t in sources[1:]])
    size = sum(step.size * step.repeat for step in steps)
    part = Part("turn", "turn", shape, imports, inside, moved(results[0].node), shape, size)
    if isinstance(after, Tensors):
        part.given = tuple([moved(t.node) for t in results])
    part.counts = counts
    layers = [builder.shared[n] if n >= 0 else builder.borrows[-n - 1] for n in lends]
    part.lent = tuple([layer.name for layer in layers])
    builder.add(part, sources, shape, "turn", 1, steps[0].span, lends=lends)
    builder.steps[start].repeat = copies + 1


def _moved(step: Step, moved: Callable[[int], int], modules: Mapping[int, int]) -> Step:
    """A step within a turn; ``moved`` says which number a value has there, ``modules`` are those
    of shared modules."""
    inputs = tuple(map(moved, step.inputs))
    return Step(
        step.op,
        inputs,
        step.shape,
        step.name,
        step.number,
        step.span,
        step.repeat,
        plain=step.plain,
        module=None if step.module is None else modules[step.module],
        lends=tuple([modules[n] for n in step.lends]),
    )
