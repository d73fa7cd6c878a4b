"""What a condition says of other arguments: terms in the place of its names."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from archdsl.backend.symbols import spoken, worked_out
from archdsl.backend.terms import ATOM, Word, is_plain, level_of_truth, written


def with_terms(text: str, terms: Mapping[str, Any]) -> Word | None:
    """A condition that holds, of other ``terms`` in the place of its names; nothing where one has
    none, or where it holds of their numbers."""
    if not all(is_plain(terms.get(name)) for name in spoken(text)):
        return None
    node = _Put(terms).visit(ast.parse(text, mode="eval")).body
    if isinstance(node, ast.Constant):
        return None
    return Word(True, ast.unparse(node), level_of_truth(node))


class _Put(ast.NodeTransformer):
    """Puts terms in the place of names, and works out what speaks of numbers alone."""

    def __init__(self, terms: Mapping[str, Any]) -> None:
        self.terms = terms

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.terms:
            return node
        return ast.parse(written(self.terms[node.id], ATOM), mode="eval").body

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if spoken(text := ast.unparse(node)):
            return node
        return ast.Constant(bool(worked_out(text, {})))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        usual = isinstance(node.op, ast.And)  # what says nothing among others
        left = [v for v in node.values if not (isinstance(v, ast.Constant) and v.value is usual)]
        told = [v for v in left if isinstance(v, ast.Constant)]
        if told or not left:
            return ast.Constant(not usual if told else usual)
        return left[0] if len(left) == 1 else ast.BoolOp(node.op, left)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant):
            return ast.Constant(not node.operand.value)
        return node
