"""How deep a text is nested: bounded, so that all that comes after the parser may recurse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lark import Token

from archdsl.diagnostics.source import Span
from archdsl.syntax import tree
from archdsl.syntax.lines import CLOSE, OPEN

MAX_BRACKETS = 32  # one within another
MAX_OPERATORS = 64  # one above another in the tree: `1 + 2 + 3`, `- - x`, `xs[1][2]`

_OPERATORS = (tree.Unary, tree.Binary, tree.Ternary, tree.Range, tree.Index, tree.Field)


def deepest_bracket(tokens: Iterable[Token]) -> Token | None:
    """The first bracket that stands within more than ``MAX_BRACKETS``."""
    depth = 0
    for token in tokens:
        if token.type in OPEN:
            depth += 1
            if depth > MAX_BRACKETS:
                return token
        elif token.type in CLOSE:
            depth -= 1
    return None


def deepest_operator(nodes: Sequence[tree.Node]) -> Span | None:
    """The place of an operator that has more than ``MAX_OPERATORS`` above it."""
    stack = [(node, 0) for node in reversed(nodes)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, _OPERATORS):
            depth += 1
        elif isinstance(node, tree.Comprehension):
            depth += len(node.clauses)
        if depth > MAX_OPERATORS:
            return node.span
        stack.extend((child, depth) for child in node.children())
    return None
