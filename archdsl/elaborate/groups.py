"""Named pieces: what a label, an arm of a branch, or a step of a pattern becomes; and
turns of a loop that are alike, folded into one."""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.diagnostics.source import Span
from archdsl.elaborate.builder import Builder
from archdsl.elaborate.code import Action
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.values import Tensor
from archdsl.ir.network import Part, Step, numbered


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
    inner = Builder(outer, label, x.shape)
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
    if result is None or result.builder is not inner:
        return  # a mistake, or a tensor that was kept elsewhere
    if result.node == 0:
        frame.x = x
        return
    sources = inner.imports
    only = inner.steps[0] if len(inner.steps) == 1 and not inner.several else None
    if only is not None and only.repeat == 1 and only.weight is None and not inner.shared:
        inputs = [x if n == 0 else sources[-n - 1] for n in only.inputs]
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
        sources,
        name,
        number,
        span,
        plain=plain,
        borrows=inner.borrows,
    )


def fold_turns(
    frame: Frame, start: int, source: Tensor, before: dict[str, int], copies: int, known: int
) -> bool:
    """Makes the steps from ``start`` on stand for ``copies`` more turns like theirs.

    ``source`` is the tensor that the turn began with, ``before`` the numbers given until
    then, ``known`` how many shared modules there were. Says no where the steps use anything else
    from before, or have shared modules of their own: then the turns must run.
    """
    builder = frame.b
    steps = builder.steps[start:]
    first = source.node
    result = frame.here().node
    for step in steps:
        if step.weight is not None or any(n != first and n <= start for n in step.inputs):
            return False
        if any(n >= known for n in (step.module or 0, *step.lends) if n > 0):
            return False
    counts = {n: c - before.get(n, 0) for n, c in builder.counts.items() if c != before.get(n, 0)}
    size = sum(step.size * step.repeat for step in steps)
    if len(steps) == 1 and steps[0].inputs == (first,):
        steps[0].repeat *= copies + 1
    else:
        used = [
            *(s.module for s in steps if s.module is not None),
            *(n for s in steps for n in s.lends),
        ]
        lends = tuple(dict.fromkeys(used))
        places = {n: -i - 1 for i, n in enumerate(lends)}
        inside = tuple(_moved(step, first, start, places) for step in steps)
        part = Part("turn", "turn", source.shape, (), inside, result - start, source.shape, size)
        part.counts = counts
        layers = [builder.shared[n] if n >= 0 else builder.borrows[-n - 1] for n in lends]
        part.lent = tuple([layer.name for layer in layers])
        span = steps[0].span
        folded = Step(part, (first,), source.shape, "turn", 1, span, copies + 1, lends=lends)
        builder.steps[start:] = [folded]
    builder.size += size * copies
    for name, count in counts.items():
        builder.counts[name] += count * copies
    frame.x = Tensor(source.shape, start + 1, builder)
    frame.m.check_size(builder, steps[0].span)
    frame.m.spend(size * copies, steps[0].span)
    return True


def _moved(step: Step, source: int, start: int, modules: Mapping[int, int]) -> Step:
    """A step within a turn; ``modules`` are the numbers that shared modules have there."""
    inputs = tuple(0 if n == source else n - start for n in step.inputs)
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
