"""Exact arithmetic under bounds: what an untrusted spec computes stays small."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Fault, Label, fault
from archdsl.diagnostics.source import Span
from archdsl.elaborate.equality import same
from archdsl.elaborate.values import MAX_LIST, Tensor, describe, exact, is_number, show
from archdsl.layers.init import Init
from archdsl.layers.polynomial import Polynomial, decided

MAX_BITS = 1023  # what a float can hold, too
_BOUND = 2**MAX_BITS


def bounded(value: Any, span: Span) -> Any:
    """The value, made an integer where it is one; raises a fault where it is out of bounds."""
    if type(value) is int:
        if value.bit_length() > MAX_BITS:
            raise fault(codes.NUMBER_TOO_LARGE, span)
        return value
    if type(value) is Fraction:
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise fault(codes.NUMBER_TOO_LARGE, span)
        return exact(value)
    if type(value) is float and not math.isfinite(value):
        raise fault(codes.NUMBER_TOO_LARGE, span)
    if type(value) is Polynomial:
        low, high, _ = value.bounds()
        if low <= -_BOUND or high >= _BOUND:
            raise value.undecided()
    return value


JOINS = {"+": "add", "-": "sub", "*": "mul"}


def numbers(symbol: str, a: Any, b: Any, span: Span) -> None:
    """Raises a fault unless both operands are numbers."""
    for value in (a, b):
        if not is_number(value):
            given = {"operator": symbol, "given": describe(value)}
            raise fault(codes.NEEDS_NUMBER, span, help=_joined(symbol, a, b), fields=given)


def _joined(symbol: str, a: Any, b: Any) -> list[str]:
    """How two tensors or layers are joined, or one repeated, that an operator stands between."""
    parts = [_part(value, word) for value, word in ((a, "x"), (b, "y"))]
    times = next((n for n in (a, b) if isinstance(n, int) and n > 0), None)
    if symbol == "*" and times is not None and (layer := "".join(parts)):
        return [f"a layer several times is `repeat {times} {{ {layer} }}`"]
    if symbol not in JOINS or "" in parts:
        return []
    return [f"tensors are joined in a branch: `branch {JOINS[symbol]} {{ {'; '.join(parts)} }}`"]


def _part(value: Any, word: str) -> str:
    """A tensor or a layer as an arm of a branch; nothing for a value of another kind."""
    if isinstance(value, Tensor):
        return value.named or word
    is_value = is_number(value) or isinstance(value, (bool, str, tuple, range, Init))
    return "" if is_value else show(value)


def blamed(error: Fault, *operands: tuple[Any, Span]) -> Fault:
    """The fault of an operator, at the operand that is not a number if that is what is wrong."""
    if error.diagnostic.kind is codes.NEEDS_NUMBER:
        for value, span in operands:
            if not is_number(value):
                return Fault(replace(error.diagnostic, labels=(Label(span),)))
    return error


def truth(value: Any, span: Span) -> bool:
    if value is True or value is False:
        return bool(value)
    raise fault(codes.NEEDS_BOOLEAN, span, given=describe(value))


def add(a: Any, b: Any, span: Span) -> Any:
    if type(a) is int and type(b) is int:
        total = a + b
        return total if -_BOUND < total < _BOUND else bounded(total, span)
    if isinstance(a, (tuple, range)) and isinstance(b, (tuple, range)):
        if len(a) + len(b) > MAX_LIST:
            raise fault(codes.LIST_TOO_LONG, span, limit=MAX_LIST)
        return (*a, *b)
    numbers("+", a, b, span)
    return bounded(a + b, span)


def _plain(symbol: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Span], Any]:
    def apply(a: Any, b: Any, span: Span) -> Any:
        if type(a) is not int or type(b) is not int:
            numbers(symbol, a, b, span)
        try:
            return bounded(function(a, b), span)
        except OverflowError:
            raise fault(codes.NUMBER_TOO_LARGE, span) from None

    return apply


def _dividing(symbol: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any, Span], Any]:
    plain = _plain(symbol, function)

    def apply(a: Any, b: Any, span: Span) -> Any:
        if is_number(b) and b == 0:
            raise fault(codes.DIVISION_BY_ZERO, span)
        return plain(a, b, span)

    return apply


def _divide(a: Any, b: Any) -> Any:
    if type(a) is int and type(b) is int:
        return a // b if a % b == 0 else Fraction(a, b)
    return a / b


def power(a: Any, b: Any, span: Span) -> Any:
    numbers("^", a, b, span)
    if isinstance(a, Polynomial) or isinstance(b, Polynomial):
        return bounded(a**b, span)
    try:
        if type(b) is int and not isinstance(a, float):
            size = (
                a.bit_length()
                if isinstance(a, int)
                else max(a.numerator.bit_length(), a.denominator.bit_length())
            )
            if abs(b) * (size - 1) > MAX_BITS:
                raise fault(codes.NUMBER_TOO_LARGE, span)
            if a == 0 and b < 0:
                raise fault(codes.DIVISION_BY_ZERO, span)
            return bounded(a**b if b >= 0 else Fraction(a) ** b, span)
        result = math.pow(a, b)
    except OverflowError:
        raise fault(codes.NUMBER_TOO_LARGE, span) from None
    except ValueError:
        raise fault(codes.NOT_DEFINED, span, what=f"({show(a)}) ^ {show(b)}") from None
    return bounded(result, span)


OPERATORS: dict[str, Callable[[Any, Any, Span], Any]] = {
    "+": add,
    "-": _plain("-", operator.sub),
    "*": _plain("*", operator.mul),
    "/": _dividing("/", _divide),
    "//": _dividing("//", operator.floordiv),
    "%": _dividing("%", operator.mod),
    "^": power,
}


def contains(a: Any, b: Any, span: Span) -> bool:
    if isinstance(b, range):
        return type(decided(a)) is int and a in b
    if not isinstance(b, tuple):
        raise fault(codes.NEEDS_LIST, span, what="`in`", given=describe(b))
    return any(same(a, item) for item in b)


ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def compare(symbol: str, a: Any, b: Any, span: Span) -> bool:
    if symbol == "==":
        return same(a, b)
    if symbol == "!=":
        return not same(a, b)
    if symbol == "in":
        return contains(a, b, span)
    if isinstance(a, str) and isinstance(b, str):
        return ORDER[symbol](a, b)
    if type(a) is not int or type(b) is not int:
        numbers(symbol, a, b, span)
    return ORDER[symbol](a, b)
