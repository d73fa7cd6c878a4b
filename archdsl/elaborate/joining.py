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
    that a pattern alone makes, it is a mistake."""

    def run(frame: Frame) -> None:
        op, x = make(frame), frame.x
        join = op.layer
        if x is None:
            return
        assert isinstance(join, Join)
        if not isinstance(x, Tensors) or not join.takes_list:
            raise fault(codes.JOIN_AS_LAYER, span, name=join.name)
        if len(x.items) == 1 and join.one_is_itself:
            frame.x = x.items[0]
        else:
            frame.m.join(op, frame, x.items, span)

    return run
