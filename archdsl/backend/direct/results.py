"""The channels that a translated class gives, in what its caller gives it."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from archdsl.backend.direct.lines import Line, walk
from archdsl.backend.direct.terms import INT, Said
from archdsl.backend.terms import ATOM, CHOICE, PRODUCT, SUM
from archdsl.backend.translate import Untranslatable


def in_parameters(text: str, lines: Sequence[Line]) -> str:
    """An expression without the variables that a constructor makes."""
    given = {
        line.target: line.prefix.removeprefix(f"{line.target} = ") for line in lines if line.target
    }
    names = [line.target for line in walk(lines) if line.target]
    for name in reversed(given):
        if names.count(name) == 1:  # it is the same whatever way was gone
            text = with_values(text, {name: given[name]})
    return text


def with_values(text: str, values: Mapping[str, str]) -> str:
    """An expression with others in the place of names, and what is known of it worked out."""
    nodes = {name: ast.parse(value, mode="eval").body for name, value in values.items()}
    tree = _Filled(nodes).visit(ast.parse(text, mode="eval"))
    return ast.unparse(_Known().visit(tree).body)


def said(text: str) -> Said:
    """An expression of channels, with how tightly it holds together."""
    node = ast.parse(text, mode="eval").body
    level = ATOM
    if isinstance(node, ast.BinOp):
        level = SUM if isinstance(node.op, (ast.Add, ast.Sub)) else PRODUCT
    elif not isinstance(node, (ast.Name, ast.Constant, ast.Call, ast.Subscript)):
        level = CHOICE
    if isinstance(node, ast.Constant) and type(node.value) is not int:
        raise Untranslatable
    return Said(text, INT, level)


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

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        items, place = node.value, node.slice
        if isinstance(items, (ast.Tuple, ast.List)) and isinstance(place, ast.Constant):
            starred = any(isinstance(e, ast.Starred) for e in items.elts)
            if type(place.value) is int and place.value < len(items.elts) and not starred:
                return items.elts[place.value]
        return node
