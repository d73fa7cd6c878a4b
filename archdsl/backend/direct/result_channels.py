"""The channels that a translated class gives, in what its caller gives it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from archdsl.backend.direct.nested_lines import WORD, Line, walk
from archdsl.backend.direct.terms import INT, TENSORS, Said
from archdsl.backend.terms import ATOM, CHOICE, PRODUCT, SUM
from archdsl.backend.translate import Untranslatable


def in_parameters(text: str, lines: Sequence[Line], finals: Mapping[str, str]) -> str:
    """An expression without the variables that a constructor makes. ``finals`` are the values that
    loops leave."""
    while finals.keys() & set(WORD.findall(text)):
        text = with_values(text, finals)
    given = {
        line.target: line.prefix.removeprefix(f"{line.target} = ") for line in lines if line.target
    }
    names = [line.target for line in walk(lines) if line.target]
    for name in reversed(given):
        if names.count(name) == 1:  # it is the same whatever way was gone
            text = with_values(text, {name: given[name]})
    return text


def read_by(text: str) -> set[str]:
    """The names that an expression reads, but for those of its own loops and of Python."""
    names = [n for n in ast.walk(ast.parse(text, mode="eval")) if isinstance(n, ast.Name)]
    own = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    return {n.id for n in names} - own - COUNTS


def left_by(text: str, lines: Sequence[Line], counter: str, high: str, start: str) -> str:
    """What a variable is after a loop that counts from 1 to ``high``: an expression that its last
    turn gives it, or its ``start`` if there is no turn."""
    last = with_values(in_parameters(text, lines, {}), {counter: high})
    return with_values(f"({last}) if {high} > 0 else ({start})", {})


def with_values(text: str, values: Mapping[str, str]) -> str:
    """An expression with others in the place of names, and what is known of it worked out."""
    nodes = {name: ast.parse(value, mode="eval").body for name, value in values.items()}
    tree = _Filled(nodes).visit(ast.parse(text, mode="eval"))
    return ast.unparse(_Known().visit(tree).body)


def said(text: str, several: bool) -> Said:
    """An expression of channels, with how tightly it holds together; of a list of tensors, those
    of each."""
    if several:
        return Said(text, TENSORS)
    node = ast.parse(text, mode="eval").body
    level = ATOM
    if isinstance(node, ast.BinOp):
        level = SUM if isinstance(node.op, (ast.Add, ast.Sub)) else PRODUCT
    elif not isinstance(node, (ast.Name, ast.Constant, ast.Call, ast.Subscript)):
        level = CHOICE
    if isinstance(node, ast.Constant) and type(node.value) is not int:
        raise Untranslatable
    return Said(text, INT, level)


COUNTS = frozenset(("len", "max", "min", "range", "sum"))
COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class _Filled(ast.NodeTransformer):
    def __init__(self, nodes: Mapping[str, ast.expr]) -> None:
        self.nodes = nodes

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.nodes.get(node.id, node)


class _Known(ast.NodeTransformer):
    """Works out what is written down: sums of numbers, and items of lists."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left, right = node.left, node.right
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            a, b = left.value, right.value
            if type(a) is int and type(b) is int:
                if isinstance(node.op, ast.Add):
                    return ast.Constant(a + b)
                if isinstance(node.op, ast.Sub) and a >= b:
                    return ast.Constant(a - b)
                if isinstance(node.op, ast.Mult):
                    return ast.Constant(a * b)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if len(node.ops) != 1:
            return node
        left, right = node.left, node.comparators[0]
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            way = COMPARED.get(type(node.ops[0]))
            numbers = type(left.value) is type(right.value) is int
            return ast.Constant(way(left.value, right.value)) if way and numbers else node
        same = isinstance(node.ops[0], ast.Eq) and ast.unparse(left) == ast.unparse(right)
        return ast.Constant(True) if same else node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        items, place = node.value, node.slice
        if isinstance(items, (ast.Tuple, ast.List)) and isinstance(place, ast.Constant):
            starred = any(isinstance(e, ast.Starred) for e in items.elts)
            if type(place.value) is int and 0 <= place.value < len(items.elts) and not starred:
                return items.elts[place.value]
        return node
