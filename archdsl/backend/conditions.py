"""What has to hold of the arguments of a class: conditions over its constructor's parameters."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any

from archdsl.backend.python import literal
from archdsl.backend.terms import (
    BOTH,
    COMPARISON,
    EITHER,
    SUM,
    Num,
    Real,
    Word,
    both,
    level_of_truth,
    linear,
    opposite,
    same,
    shown,
    written,
)

FEW = 8  # comparisons in a condition that are tried out


def changes(channels: int, wanted: int, stride: int) -> Word:
    """Whether a body changes the shape of what comes in."""
    parts = []
    if isinstance(stride, Num):
        parts.append(Word(stride != 1, f"{shown(stride, SUM)} != 1", COMPARISON))
    if not same(channels, wanted):
        text = f"{shown(channels, SUM)} != {shown(wanted, SUM)}"
        parts.append(Word(int(channels) != int(wanted), text, COMPARISON))
    text = " or ".join(p.text for p in parts) or "False"
    return Word(any(p.value for p in parts), text, EITHER if len(parts) > 1 else COMPARISON)


def keeps(channels: int, wanted: int, stride: int) -> Word:
    """Whether a body leaves the shape of what comes in as it is."""
    changed = changes(channels, wanted, stride)
    text = changed.text.replace(" or ", " and ").replace(" != ", " == ")
    text = text if changed.text != "False" else "True"
    return Word(not changed.value, text, BOTH if " and " in text else COMPARISON)


OPPOSITE: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Lt: ast.GtE(),
    ast.GtE: ast.Lt(),
    ast.Gt: ast.LtE(),
    ast.LtE: ast.Gt(),
}


@cache
def claims(text: str, holds: bool = True) -> frozenset[str]:
    """What has to hold, each by itself, so that a condition does, or does not: of ``a and b``, or
    of ``not (a or b)``."""
    return frozenset(_claims(ast.parse(text, mode="eval").body, holds))


def _claims(node: ast.expr, holds: bool) -> Iterator[str]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _claims(node.operand, not holds)
    elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) == holds:
        for value in node.values:
            yield from _claims(value, holds)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1 and not holds:
        op = OPPOSITE.get(type(node.ops[0]), node.ops[0])
        yield ast.unparse(ast.Compare(node.left, [op], node.comparators))
    else:
        yield ast.unparse(node) if holds else f"not ({ast.unparse(node)})"


def whichever(cases: Sequence[Sequence[Word]]) -> Word | None:
    """A condition that holds where one of several does, each the sum of what it says: of
    ``a and c`` or ``not a and c`` it is ``c``. Nothing where it takes more words than that."""
    if len(cases) != 2 or not all(cases):
        return None
    (first, *rest), (other, *others) = cases
    told = claims(first.text, False) == claims(other.text)
    alike = [w.text for w in rest] == [w.text for w in others]
    return both(rest) if rest and told and alike else None


def fixed(terms: Sequence[tuple[int, int, int]], sometimes: bool, also: Word | None = None) -> Word:
    """That terms are the numbers that are written in a part; where the part is there only
    ``sometimes``, they may be what they are without it. A term is given with both numbers.
    ``also`` holds without the part."""
    if sometimes and also is not None:
        there = fixed(terms, False)
        without = both([fixed([(term, n, n) for term, _, n in terms], False), also])
        return Word(True, f"{there.text} or ({without.text})", EITHER)
    texts = [shown(term, SUM) for term, _, _ in terms]
    cases = [[without for *_, without in terms]] if sometimes else []
    cases.append([number for _, number, _ in terms])
    several = len(terms) > 1
    said = [f"({', '.join(map(str, case))})" if several else str(case[0]) for case in cases]
    left = f"({', '.join(texts)})" if several else texts[0]
    right = f"in ({', '.join(said)})" if sometimes else f"== {said[0]}"
    return Word(True, f"{left} {right}", COMPARISON)


def numbers(values: Iterable[Any]) -> Iterator[Word]:
    """That values are the numbers, truths and words that are written for them."""
    for value in values:
        if isinstance(value, Word) and isinstance(value.value, bool):
            yield value if value.value else opposite(value)
        elif isinstance(value, (Num, Real)) or (
            isinstance(value, Word) and isinstance(value.value, str)
        ):
            yield _is(value)


def _is(value: Num | Real | Word) -> Word:
    """That a term is what it is: of ``8 if c > 20 else 4``, on which side of 20 ``c`` is."""
    if isinstance(value, Word):
        plain = value.value
    else:
        plain = int(value) if isinstance(value, Num) else float(value)
    node = ast.parse(value.text, mode="eval").body
    if isinstance(node, ast.IfExp):
        ends = [n.value if isinstance(n, ast.Constant) else None for n in (node.body, node.orelse)]
        if None not in ends and sum(end == plain for end in ends) == 1:
            test = ast.get_source_segment(value.text, node.test) or ast.unparse(node.test)
            condition = Word(ends[0] == plain, test, level_of_truth(node.test))
            return condition if condition.value else opposite(condition)
    return Word(True, f"{written(value, SUM)} == {literal(plain)}", COMPARISON)


def cannot_fail(text: str) -> bool:
    """Whether a condition holds whatever its comparisons are: ``not (a and b) or a``."""
    node = ast.parse(text, mode="eval").body
    atoms = sorted(_atoms(node))
    cases = (
        dict(zip(atoms, case, strict=True)) for case in product((False, True), repeat=len(atoms))
    )
    return len(atoms) <= FEW and all(_holds(node, case) for case in cases if _may_be(case))


def _may_be(case: Mapping[str, bool]) -> bool:
    """Whether comparisons can turn out so: nothing is equal to two numbers."""
    numbers: dict[str, str] = {}
    for left, is_equal, right in (atom.partition(" == ") for atom, holds in case.items() if holds):
        if is_equal and left.isdigit() and numbers.setdefault(right, left) != left:
            return False
    return True


def implies(text: str, other: str) -> bool:
    """Whether another condition holds wherever the first does, whatever their comparisons are."""
    return cannot_fail(f"not ({text}) or ({other})")


def partly(text: str, values: Mapping[str, Any], held: Iterable[str] = ()) -> str:
    """A condition of which some names are known, and others that hold: without what these decide,
    or what holds whatever the names stand for."""
    whole = ast.parse(text, mode="eval")
    known = {ast.unparse(ast.parse(one, mode="eval")) for one in held} - {ast.unparse(whole)}
    return ast.unparse(_Decided(values, known).visit(whole).body)


class _Decided(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, Any], held: set[str]) -> None:
        self.values, self.held = values, held

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and self.held and ast.unparse(node) in self.held:
            return ast.Constant(True)
        return super().visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        known = node.id in self.values
        return ast.parse(literal(self.values[node.id]), mode="eval").body if known else node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        apart = _apart(node)
        return node if apart is None else ast.Constant(COMPARED[type(node.ops[0])](apart, 0))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant):
            return ast.Constant(not node.operand.value)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        neutral = isinstance(node.op, ast.And)
        known = [v for v in node.values if isinstance(v, ast.Constant)]
        if any(bool(v.value) != neutral for v in known):
            return ast.Constant(not neutral)
        left = [v for v in node.values if v not in known]
        if len(left) > 1:
            return ast.BoolOp(node.op, left)
        return left[0] if left else ast.Constant(neutral)


def _atom(node: ast.expr) -> tuple[str, bool]:
    """A condition that has no others in it: a text, and whether that is the opposite of it."""
    if not isinstance(node, ast.Compare) or len(node.ops) > 1:
        return ast.unparse(node), False
    op, sides = node.ops[0], [ast.unparse(n) for n in (node.left, node.comparators[0])]
    if isinstance(op, (ast.Eq, ast.NotEq)):
        return " == ".join(sorted(sides)), isinstance(op, ast.NotEq)
    if isinstance(op, (ast.GtE, ast.LtE)):
        op = OPPOSITE[type(op)]
        return f"{sides[0]} {'<' if isinstance(op, ast.Lt) else '>'} {sides[1]}", True
    return ast.unparse(node), False


def _atoms(node: ast.expr) -> set[str]:
    if isinstance(node, ast.BoolOp):
        return set().union(*map(_atoms, node.values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _atoms(node.operand)
    return {_atom(node)[0]}


COMPARED: Mapping[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
    ast.Gt: operator.gt,
    ast.LtE: operator.le,
}


def _apart(node: ast.Compare) -> int | None:
    """How far the sides of a comparison are apart, whatever their names stand for: of ``c + 8`` and
    ``c``, 8."""
    if len(node.ops) > 1 or type(node.ops[0]) not in COMPARED:
        return None
    left, right = (linear(ast.unparse(n)) for n in (node.left, node.comparators[0]))
    terms = {k: left.get(k, 0) - right.get(k, 0) for k in {**left, **right}}
    constant = terms.pop("", 0)
    return None if any(terms.values()) else constant


def _holds(node: ast.expr, known: Mapping[str, bool]) -> bool:
    if isinstance(node, ast.BoolOp):
        join = all if isinstance(node.op, ast.And) else any
        return join(_holds(value, known) for value in node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _holds(node.operand, known)
    if isinstance(node, ast.Compare) and (apart := _apart(node)) is not None:
        return bool(COMPARED[type(node.ops[0])](apart, 0))
    atom, is_opposite = _atom(node)
    return known[atom] != is_opposite
