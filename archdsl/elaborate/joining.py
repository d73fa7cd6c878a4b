"""Joins as layers: of several tensors that stand in the place of one."""

from __future__ import annotations

from collections.abc import Callable

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.code import Action
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.scope import Scope, Variable
from archdsl.elaborate.values import Tensors
from archdsl.ir.network import Op
from archdsl.layers.join import Join
from archdsl.syntax import tree


def meant_join(node: tree.Call, scope: Scope) -> list[str]:
    """What helps where tensors are given to a join as its arguments, ``add(x, y)``."""
    given = [a.value for a in node.arguments if a.name is None]
    if len(given) == 1 and isinstance(given[0], tree.ListOf):
        given = list(given[0].items)
    entries = [scope.lookup(v.text) if isinstance(v, tree.Name) else None for v in given]
    if not any(isinstance(e, Variable) and e.kind == "tensor" for e in entries):
        return []
    return [f"write `branch {node.callee.text} {{ {'; '.join(v.span.text for v in given)} }}`"]


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
            help = [f"write `branch {join.name} {{ ... }}`"]
            raise fault(codes.JOIN_AS_LAYER, span, help=help, name=join.name)
        if len(items) == 1 and join.one_is_itself:
            frame.x = items[0]
        else:
            frame.m.join(op, frame, items, span)

    return run
