"""Numbers as Python says them: those that are written down, and those that are rounded."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

from archdsl.backend.direct.terms import BOOL, EXACT, INT, INTS, STR, Said
from archdsl.backend.python import quoted
from archdsl.backend.terms import ATOM, PRODUCT, SUM
from archdsl.backend.translate import Untranslatable
from archdsl.syntax import tree


def constant(value: Any) -> Said:
    """A value that is written down."""
    if isinstance(value, bool):
        return Said(str(value), BOOL)
    if isinstance(value, int):
        return Said(str(value), INT, ATOM if value >= 0 else SUM)
    if isinstance(value, Fraction):
        return Said(f"Fraction({value.numerator}, {value.denominator})", EXACT)
    if isinstance(value, str):
        return Said(quoted(value), STR)
    if isinstance(value, tuple) and value and all(type(v) is int for v in value):
        comma = "," if len(value) == 1 else ""
        return Said(f"({', '.join(map(str, value))}{comma})", INTS)
    raise Untranslatable


def folded(left: str, symbol: str, right: str) -> int | Fraction | None:
    """What two numbers that are written down come to."""
    way = FOLDED.get(symbol)
    if way is None or not (left.isdigit() and right.isdigit()):
        return None
    if symbol == "/" and int(right) and int(left) % int(right) == 0:
        return int(left) // int(right)
    return None if symbol == "/" else way(int(left), int(right))


FOLDED: dict[str, Any] = {
    "+": operator.add,
    "*": operator.mul,
    "/": operator.truediv,
}


def rounded(word: str, value: Said) -> Said:
    """``floor`` or ``ceil``: exact, as the spec's numbers are."""
    top, bottom = (value.text, value.bottom) if value.bottom else (value.at(PRODUCT), "1")
    if not value.bottom and value.kind == INT:
        return value
    if word == "floor":
        return Said(f"{top} // {bottom}", INT, PRODUCT)
    return Said(f"-(-{_negated(top)} // {bottom})", INT, SUM)


def _negated(top: str) -> str:
    """A product with what a minus sign takes as a whole: of ``a // b``, it would take ``a``."""
    whole = top.startswith("(") and "//" not in top and "%" not in top
    return top if whole or top.replace("_", "").isalnum() else f"({top})"


def lowest(items: tree.Node) -> int | None:
    """The number that a range starts at, where it is written down."""
    low = items.low if isinstance(items, tree.Range) else None
    return low.value if isinstance(low, tree.Literal) and type(low.value) is int else None
