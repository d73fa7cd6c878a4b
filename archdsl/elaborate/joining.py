"""Joins as layers: of several tensors that stand in the place of one."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import Action
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.values import Tensors
from archdsl.ir.network import Op
from archdsl.layers.join import Join


def join_action(make: Callable[[Frame], Op], span: Span) -> Action:
    """Applies the join that ``make`` makes to all of several tensors; of one tensor, or of a join
    that a pattern alone makes, it is a mistake. A layer of several that is no join, as attention to
    another sequence is, says itself how many it takes."""

    def run(frame: Frame) -> None:
        op, x = make(frame), frame.x
        join = op.layer
        if x is None:
            return
        assert isinstance(join, Join)
        items = x.items if isinstance(x, Tensors) else (x,)
        if join.kind == "join" and not (isinstance(x, Tensors) and join.takes_list):
            raise fault(codes.JOIN_AS_LAYER, span, name=join.name)
        if len(items) == 1 and join.one_is_itself:
            frame.x = items[0]
        else:
            frame.m.join(op, frame, items, span)

    return run
