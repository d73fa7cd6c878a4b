"""A syntax tree in few words, to be compared with."""

from fractions import Fraction

from archdsl.diagnostics.source import Source
from archdsl.syntax import tree
from archdsl.syntax.parse import parse


def parsed(text: str) -> tuple[tree.Node, ...]:
    return parse(Source("x.arch", text)).statements


def value(text: str) -> tree.Node:
    """The tree of an expression."""
    (node,) = parsed(f"let it = {text}")
    assert isinstance(node, tree.Let)
    return node.value


def shown(node: tree.Node | None) -> str:
    """An expression with parentheses around every operator, its operands in their order."""
    match node:
        case None:
            return "_"
        case tree.Literal(value=bool() | str() | tuple() as it):
            return "x".join(map(str, it)) if isinstance(it, tuple) else repr(it)
        case tree.Literal(value=int() | Fraction() as number):
            return str(number)
        case tree.Name() | tree.Word():
            return node.text
        case tree.Here():
            return f"in.{node.field}"
        case tree.Field():
            return f"({shown(node.object)}.{node.name})"
        case tree.Index():
            return f"({shown(node.object)} at {shown(node.index)})"
        case tree.Unary():
            return f"({node.operator} {shown(node.operand)})"
        case tree.Binary():
            return f"({shown(node.left)} {node.operator} {shown(node.right)})"
        case tree.Compare():
            words = [shown(node.operands[0])]
            for operator, operand in zip(node.operators, node.operands[1:], strict=True):
                words += [operator, shown(operand)]
            return f"({' '.join(words)})"
        case tree.Ternary():
            return f"({shown(node.then)} if {shown(node.condition)} else {shown(node.otherwise)})"
        case tree.Range():
            return f"({shown(node.low)} .. {shown(node.high)} step {shown(node.step)})"
        case tree.ListOf():
            return f"[{', '.join(map(shown, node.items))}]"
        case tree.Chain():
            return f"({' -> '.join(map(shown, node.links))})"
        case tree.Body():
            return f"{{{'; '.join(type(s).__name__ for s in node.statements)}}}"
        case tree.Argument():
            return (
                shown(node.value) if node.name is None else f"{node.name.text}={shown(node.value)}"
            )
        case tree.Call():
            given = f"({', '.join(map(shown, node.arguments))})"
            more = "" if node.qualifier is None else f" {node.qualifier.text}"
            more += "" if node.turn is None else f" as {node.turn.text}"
            body = "" if node.body is None else f" {shown(node.body)}"
            return f"{node.callee.text}{given}{more}{body}"
        case _:
            raise TypeError(type(node))
