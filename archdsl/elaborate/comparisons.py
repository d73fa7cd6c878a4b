"""Comparisons, and those of a loop's counter, which note where their answer changes."""

from __future__ import annotations

from typing import Any

from archdsl.diagnostics.model import Fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.arithmetic import blamed, compare, numbers
from archdsl.elaborate.code import Getter
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.scope import Scope, Variable
from archdsl.elaborate.values import COSTLY, HOLDERS, is_number, weigh
from archdsl.syntax import tree

WEIGHTY = HOLDERS | COSTLY

MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def comparison(node: tree.Compare, scope: Scope) -> Getter:
    if len(node.operators) == 1:
        turn = _turn_comparison(node, scope)
        if turn is not None:
            return turn
    operands = [scope.value(o) for o in node.operands]
    span = node.span
    if len(operands) == 2:
        left, right = operands
        symbol = node.operators[0]
        left_span, right_span = (o.span for o in node.operands)

        def compare_two(frame: Frame) -> bool:
            a, b = left(frame), right(frame)
            try:
                return measured(symbol, a, b, frame, span)
            except Fault as error:
                raise blamed(error, (a, left_span), (b, right_span)) from None

        return compare_two
    operators = node.operators

    def get(frame: Frame) -> bool:
        value = operands[0](frame)
        for symbol, operand in zip(operators, operands[1:], strict=True):
            after = operand(frame)
            if not measured(symbol, value, after, frame, span):
                return False
            value = after
        return True

    return get


def measured(symbol: str, a: Any, b: Any, frame: Frame, span: Span) -> bool:
    """A comparison; going through lists, and comparing fractions, is counted as work."""
    if a.__class__ in WEIGHTY or b.__class__ in WEIGHTY:
        frame.m.spend(weigh((a, b), span) // 2, span)
    return compare(symbol, a, b, span)


def _turn_comparison(node: tree.Compare, scope: Scope) -> Getter | None:
    """A loop's counter compared with something: the loop notes where the answer changes."""
    symbol = node.operators[0]
    if symbol not in MIRRORED:
        return None
    left, right = node.operands
    for operand, other, operator in ((left, right, symbol), (right, left, MIRRORED[symbol])):
        entry = scope.lookup(operand.text) if isinstance(operand, tree.Name) else None
        if isinstance(entry, Variable) and entry.kind == "turn" and entry.unit is scope.unit:
            entry.used = True
            return _compare_turn(entry.slot, operator, scope.value(other), node.span)
    return None


def _compare_turn(slot: int, operator: str, get_other: Getter, span: Span) -> Getter:
    def get(frame: Frame) -> bool:
        turn = frame.v[slot]
        value = get_other(frame)
        if not is_number(value):
            numbers(operator, turn.value, value, span)
        floor = int(value // 1)
        turn.change_at(floor)
        turn.change_at(floor + 1)
        return compare(operator, turn.value, value, span)

    return get
