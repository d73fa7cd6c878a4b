"""The built-in functions: pure, of values only."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.arithmetic import OPERATORS, bounded, compare
from archdsl.elaborate.equality import meaning
from archdsl.elaborate.values import MAX_LIST, describe, exact, is_number, show
from archdsl.layers.greatest import greatest
from archdsl.layers.polynomial import Polynomial


@dataclass(frozen=True, slots=True)
class Function:
    """A built-in: how many arguments it takes, and its documentation."""

    name: str
    least: int
    most: int | None
    apply: Callable[[tuple[Any, ...], Span], Any]
    doc: str


def _number(name: str, value: Any, span: Span) -> Any:
    if not is_number(value):
        raise fault(codes.NEEDS_NUMBER, span, operator=name, given=describe(value))
    return value


def _items(name: str, value: Any, span: Span) -> tuple[Any, ...] | range:
    if not isinstance(value, (tuple, range)):
        raise fault(codes.NEEDS_LIST, span, what=f"`{name}`", given=describe(value))
    if len(value) > MAX_LIST:
        raise fault(codes.LIST_TOO_LONG, span, limit=MAX_LIST)
    return value


def _extreme(name: str, better: str) -> Callable[[tuple[Any, ...], Span], Any]:
    def apply(given: tuple[Any, ...], span: Span) -> Any:
        values = _items(name, given[0], span) if len(given) == 1 else given
        if not values:
            raise fault(codes.NOT_DEFINED, span, what=f"the {name} of an empty list")
        best = values[0]
        for value in values:
            _number(name, value, span)
            found = _undecided_greatest(best, value) if better == ">" else None
            if found is not None:
                best = found
            elif compare(better, value, best, span):
                best = value
        return best

    return apply


def _undecided_greatest(a: Any, b: Any) -> Any:
    """The greater of a number and one that a proof has not decided; nothing for others."""
    if isinstance(a, Polynomial) == isinstance(b, Polynomial):
        return None
    return greatest(a, b) if isinstance(a, Polynomial) else greatest(b, a)


def _rounding(name: str, to_whole: Callable[[Any], int]) -> Callable[[tuple[Any, ...], Span], Any]:
    def apply(given: tuple[Any, ...], span: Span) -> Any:
        return bounded(to_whole(_number(name, given[0], span)), span)

    return apply


def _half_up(value: Any) -> int:
    half = 0.5 if isinstance(value, float) else Fraction(1, 2)
    nearest: int = math.floor(value + half)
    return nearest


def _real(name: str, function: Callable[[float], float]) -> Callable[[tuple[Any, ...], Span], Any]:
    def apply(given: tuple[Any, ...], span: Span) -> Any:
        value = _number(name, given[0], span)
        try:
            return bounded(function(value), span)
        except OverflowError:
            raise fault(codes.NUMBER_TOO_LARGE, span) from None
        except ValueError:
            raise fault(codes.NOT_DEFINED, span, what=f"{name}({show(value)})") from None

    return apply


def _sqrt(value: Any) -> Any:
    """Exact where the root is."""
    if isinstance(value, (int, Fraction)) and value >= 0:
        top, bottom = Fraction(value).numerator, Fraction(value).denominator
        root = Fraction(math.isqrt(top), math.isqrt(bottom))
        if root * root == value:
            return exact(root)
    return math.sqrt(value)


def _log(given: tuple[Any, ...], span: Span) -> Any:
    for value in given:
        if _number("log", value, span) <= 0:
            raise fault(codes.NOT_DEFINED, span, what=f"log({show(value)})")
    if len(given) == 2:
        if given[1] == 1 or math.log(given[1]) == 0:
            raise fault(codes.NOT_DEFINED, span, what="a logarithm to the base 1")
        if given[1] == 2 and not isinstance(given[0], float):
            return bounded(math.log2(given[0]), span)
        return bounded(math.log(given[0]) / math.log(given[1]), span)
    return bounded(math.log(given[0]), span)


def _abs(given: tuple[Any, ...], span: Span) -> Any:
    return abs(_number("abs", given[0], span))


def _sum(given: tuple[Any, ...], span: Span) -> Any:
    total: Any = 0
    for value in _items("sum", given[0], span):
        total = OPERATORS["+"](total, _number("sum", value, span), span)
    return total


def _len(given: tuple[Any, ...], span: Span) -> int:
    value = given[0]
    if not isinstance(value, (tuple, range)):
        raise fault(codes.NEEDS_LIST, span, what="`len`", given=describe(value))
    return len(value)


def _zip(given: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
    lists = [_items("zip", value, span) for value in given]
    if len({len(items) for items in lists}) > 1:
        lengths = " and ".join(str(len(items)) for items in lists)
        raise fault(codes.LENGTHS_DIFFER, span, lengths=lengths)
    return tuple(zip(*lists, strict=True))


def _sorted(given: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
    items = _items("sorted", given[0], span)
    texts = all(isinstance(v, str) for v in items)
    if not texts:
        for value in items:
            _number("sorted", value, span)
    return tuple(sorted(items))


def _unique(given: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
    first: dict[Any, Any] = {}
    for value in _items("unique", given[0], span):
        first.setdefault(meaning(value), value)
    return tuple(first.values())


def _reversed(given: tuple[Any, ...], span: Span) -> tuple[Any, ...]:
    return tuple(reversed(_items("reversed", given[0], span)))


FUNCTIONS = {
    f.name: f
    for f in (
        Function("min", 1, None, _extreme("min", "<"), "the least of its arguments, or of a list"),
        Function(
            "max", 1, None, _extreme("max", ">"), "the greatest of its arguments, or of a list"
        ),
        Function(
            "round", 1, 1, _rounding("round", _half_up), "the nearest whole number, halves up"
        ),
        Function("floor", 1, 1, _rounding("floor", math.floor), "rounded down"),
        Function("ceil", 1, 1, _rounding("ceil", math.ceil), "rounded up"),
        Function("sqrt", 1, 1, _real("sqrt", _sqrt), "the square root, exact where it can be"),
        Function("log", 1, 2, _log, "the natural logarithm, or to a base"),
        Function("exp", 1, 1, _real("exp", math.exp), "e to the power"),
        Function("abs", 1, 1, _abs, "without its sign"),
        Function("sum", 1, 1, _sum, "the sum of a list"),
        Function("len", 1, 1, _len, "how many items a list has"),
        Function("zip", 1, None, _zip, "lists of equal length, item by item"),
        Function("sorted", 1, 1, _sorted, "a list in rising order"),
        Function("unique", 1, 1, _unique, "a list without repetitions"),
        Function("reversed", 1, 1, _reversed, "a list backwards"),
    )
}
