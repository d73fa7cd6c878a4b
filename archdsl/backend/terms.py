"""Numbers that know how they were worked out: each is what it is in one instance of a class,
and the Python expression of the constructor's parameters that gives it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import ceil, floor, gcd
from types import MappingProxyType
from typing import Any

from archdsl.backend.python import literal

LONGEST = 80  # characters of an expression; of a longer one the number is given
# How tightly an expression holds together.
CHOICE, EITHER, BOTH, COMPARISON, SUM, PRODUCT, POWER, ATOM = range(-3, 5)


class Num(int):
    """A whole number with its expression. Layers compute with it as with any other, and what
    comes of sums and products of it has an expression again."""

    text: str
    level: int
    base: Num | None  # of a sum with a number: the rest
    offset: int

    @classmethod
    def of(cls, value: int, text: str, level: int = ATOM) -> Num:
        made = cls(value)
        made.text, made.level = text, level
        made.base, made.offset = None, 0
        return made

    @property
    def is_long(self) -> bool:
        """Whether it is more than one operation on names."""
        return "(" in self.text or self.text.count(" ") > 2

    def __add__(self, other: Any) -> Any:
        return _joined(self, "+", other, int.__add__)

    def __radd__(self, other: Any) -> Any:
        return _joined(other, "+", self, int.__add__)

    def __sub__(self, other: Any) -> Any:
        return _joined(self, "-", other, int.__sub__)

    def __rsub__(self, other: Any) -> Any:
        return _joined(other, "-", self, int.__sub__)

    def __mul__(self, other: Any) -> Any:
        return _joined(self, "*", other, int.__mul__)

    def __rmul__(self, other: Any) -> Any:
        return _joined(other, "*", self, int.__mul__)

    def __floordiv__(self, other: Any) -> Any:
        return _joined(self, "//", other, int.__floordiv__)

    def __rfloordiv__(self, other: Any) -> Any:
        return _joined(other, "//", self, int.__floordiv__)


LEVELS = {"+": SUM, "-": SUM, "*": PRODUCT, "//": PRODUCT, "/": PRODUCT}


def shown(value: int | Num, level: int) -> str:
    """A number as an operand of an operator of this level."""
    if not isinstance(value, Num):
        return str(int(value)) if value >= 0 else f"({int(value)})"
    return value.text if value.level >= level else f"({value.text})"


def _joined(a: Any, symbol: str, b: Any, apply: Any) -> Any:
    if type(a) not in (int, Num) or type(b) not in (int, Num):
        return NotImplemented
    value = apply(int(a), int(b))
    if type(b) is int and b == (1 if symbol in ("*", "//") else 0):
        return a
    if symbol == "*" and type(a) is int and a == 1:
        return b
    if symbol == "+" and type(a) is int and a == 0:
        return b
    if isinstance(b, Num) and isinstance(a, Num) and symbol in "+-":
        terms, others = linear(a.text), linear(b.text)
        if not terms.keys().isdisjoint(others.keys() - {""}):
            sign = 1 if symbol == "+" else -1
            merged = {k: terms.get(k, 0) + sign * others.get(k, 0) for k in {**terms, **others}}
            return spelled(value, merged)
    if symbol == "//" and type(b) is int and b > 1 and isinstance(a, Num):
        terms = linear(a.text)
        if not any(n % b for n in terms.values()):
            return spelled(value, {k: n // b for k, n in terms.items()})
    if symbol == "//" and isinstance(a, Num) and isinstance(b, Num):
        terms, others = linear(a.text), linear(b.text)
        shared = gcd(*terms.values(), *others.values())
        if shared > 1:
            top, bottom = (
                spelled(int(n) // shared, {k: m // shared for k, m in each.items()})
                for n, each in ((a, terms), (b, others))
            )
            return top // bottom
    if symbol in "+-" and type(b) is int and isinstance(a, Num):
        return _moved(a, b if symbol == "+" else -b)
    if symbol == "*" and type(b) is int:  # a factor stands first
        a, b = b, a
    level = LEVELS[symbol]
    right = level if symbol in "+*" else level + 1
    if symbol == "*" and isinstance(b, Num) and "//" in b.text:
        right = level + 1  # a * (b // c) is not a * b // c
    text = f"{shown(a, level)} {symbol} {shown(b, right)}"
    if len(text) > LONGEST:
        return value
    return Num.of(value, text, level)


@cache
def linear(text: str) -> Mapping[str, int]:
    """An expression as a sum: how often each of its terms is in it; of a number alone, the
    empty term."""
    return MappingProxyType(_linear(ast.parse(text, mode="eval").body))


def _linear(node: ast.expr) -> dict[str, int]:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return {"": node.value}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return {k: -n for k, n in _linear(node.operand).items()}
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        found = _linear(node.left)
        for key, n in _linear(node.right).items():
            found[key] = found.get(key, 0) + (n if isinstance(node.op, ast.Add) else -n)
        return found
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _linear(node.left), _linear(node.right)
        for factor, other in ((left, right), (right, left)):
            if factor.keys() == {""}:
                return {k: n * factor[""] for k, n in other.items()}
    return {ast.unparse(node): 1}


def spelled(value: int, terms: Mapping[str, int]) -> int:
    """A sum as it is written: what is added first."""
    parts = [(key, n) for key, n in terms.items() if n and key]
    parts = [*(p for p in parts if p[1] > 0), *(p for p in parts if p[1] < 0)]
    if not parts:
        return value
    offset = terms.get("", 0)
    if offset:
        parts.insert(0 if parts[0][1] < 0 < offset else len(parts), ("", offset))
    text = ""
    for key, n in parts:
        size = abs(n)
        whole = ast.parse(key or "0", mode="eval").body
        is_name = isinstance(whole, (ast.Name, ast.Call, ast.Subscript, ast.Constant))
        inner = key if is_name or (size == 1 and isinstance(whole, ast.BinOp)) else f"({key})"
        shown = str(size) if not key else inner if size == 1 else f"{size} * {inner}"
        if text:
            text += f" {'+' if n > 0 else '-'} {shown}"
        else:
            text = shown if n > 0 else f"-{shown}"
    alone = parts[0][1] if len(parts) == 1 else 0
    level = _level(parts[0][0]) if alone == 1 else PRODUCT if alone > 1 else SUM
    if len(text) > LONGEST:
        return value
    made = Num.of(value, text, level)
    rest = spelled(value - offset, {**terms, "": 0}) if offset and parts[-1][0] == "" else value
    if isinstance(rest, Num):
        made.base, made.offset = rest, offset
    return made


def _level(text: str) -> int:
    """How tightly a term that is no sum holds together."""
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.BinOp):
        return POWER if isinstance(node.op, ast.Pow) else PRODUCT
    return ATOM if isinstance(node, (ast.Name, ast.Call, ast.Subscript)) else CHOICE


def _moved(a: Num, by: int) -> Num:
    """A sum with a number; numbers that were added before are one with it."""
    base = a if a.base is None else a.base
    offset = a.offset + by
    if not offset:
        return base
    sign = "+" if offset > 0 else "-"
    made = Num.of(int(a) + by, f"{shown(base, SUM)} {sign} {abs(offset)}", SUM)
    made.base, made.offset = base, offset
    return made


@dataclass(frozen=True, slots=True)
class Ratio:
    """An exact quotient of two whole numbers, either with an expression."""

    top: int
    bottom: int

    @property
    def value(self) -> Fraction:
        return Fraction(int(self.top), int(self.bottom))

    def whole(self) -> int:
        """The number itself, where it is whole."""
        return self.top if self.is_whole else self.top // self.bottom

    @property
    def is_whole(self) -> bool:
        return not isinstance(self.bottom, Num) and self.bottom == 1


def ratio(value: Any) -> Ratio:
    """Any exact number as a quotient."""
    if isinstance(value, Ratio):
        return value
    if isinstance(value, int):
        return Ratio(value, 1)
    return Ratio(value.numerator, value.denominator)


def same(a: int, b: int) -> bool:
    """Whether two numbers have one expression."""
    return int(a) == int(b) and shown(a, ATOM) == shown(b, ATOM)


def added(a: Ratio, b: Ratio, sign: int = 1) -> Ratio:
    if same(a.bottom, b.bottom):
        return Ratio(a.top + b.top if sign > 0 else a.top - b.top, a.bottom)
    left, right = a.top * b.bottom, b.top * a.bottom
    return Ratio(left + right if sign > 0 else left - right, a.bottom * b.bottom)


def multiplied(a: Ratio, b: Ratio) -> Ratio:
    return reduced(a.top * b.top, a.bottom * b.bottom)


def divided(a: Ratio, b: Ratio) -> Ratio:
    return reduced(a.top * b.bottom, a.bottom * b.top)


def reduced(top: int, bottom: int) -> Ratio:
    if same(top, bottom):
        return Ratio(1, 1)
    if not isinstance(top, Num) and not isinstance(bottom, Num):
        exact = Fraction(top, bottom)
        return Ratio(exact.numerator, exact.denominator)
    return Ratio(top, bottom)


def rounded_up(a: Ratio) -> int:
    if a.is_whole:
        return a.top
    text = f"math.ceil({shown(a.top, PRODUCT)} / {shown(a.bottom, PRODUCT + 1)})"
    return Num.of(ceil(a.value), text)


def rounded_down(a: Ratio) -> int:
    if a.is_whole:
        return a.top
    found = a.top // a.bottom
    assert int(found) == floor(a.value)
    return found


class Real(float):
    """A float with its expression."""

    text: str
    level: int = ATOM

    @classmethod
    def of(cls, value: float, text: str) -> Real:
        made = cls(value)
        made.text = text
        return made


@dataclass(frozen=True, slots=True)
class Word:
    """A truth or a word with its expression."""

    value: Any
    text: str
    level: int = ATOM


Term = Num | Real | Word


def written(value: Any, level: int) -> str:
    """Any value as an operand of an operator of this level."""
    if isinstance(value, (Word, Real)):
        return value.text if value.level >= level else f"({value.text})"
    if isinstance(value, int) and not isinstance(value, bool):
        return shown(value, level)
    return literal(value)


def both(conditions: list[Word]) -> Word:
    """All of several conditions."""
    if len(conditions) == 1:
        return conditions[0]
    text = " and ".join(written(c, BOTH) for c in conditions)
    return Word(all(c.value for c in conditions), text, BOTH)


def opposite(condition: Word) -> Word:
    value, text = not condition.value, condition.text
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = ast.get_source_segment(text, node.operand) or text  # without brackets
        return Word(value, inner, level_of_truth(node.operand))
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for a, b in OPPOSITES.items():
            if text.count(f" {a} ") == 1:
                return Word(value, text.replace(f" {a} ", f" {b} "), COMPARISON)
    return Word(value, f"not {written(condition, ATOM)}", COMPARISON)


OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def level_of_truth(node: ast.expr) -> int:
    """How tightly a condition holds together."""
    if isinstance(node, ast.BoolOp):
        return BOTH if isinstance(node.op, ast.And) else EITHER
    return COMPARISON if isinstance(node, (ast.Compare, ast.UnaryOp)) else ATOM


def chosen(condition: Word, then: Any, otherwise: Any) -> Term:
    """``then if condition else otherwise``."""
    found = then if condition.value else otherwise
    parts = written(then, EITHER), written(condition, EITHER), written(otherwise, CHOICE)
    text = f"{parts[0]} if {parts[1]} else {parts[2]}"
    value = getattr(found, "value", found)
    if isinstance(value, int) and not isinstance(value, bool):
        return Num.of(int(value), text, CHOICE)
    if isinstance(value, (float, Fraction)):
        made = Real.of(float(value), text)
        made.level = CHOICE
        return made
    return Word(value, text, CHOICE)


def named(value: Any, text: str) -> Term:
    """A constructor's parameter as a term."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Num.of(value, text)
    if isinstance(value, (float, Fraction)):
        return Real.of(float(value), text)
    return Word(value, text)


def is_plain(value: Any) -> bool:
    """Whether it is a number or a text, or a term for one."""
    return isinstance(value, (int, float, str, Fraction, Word))


def agrees(term: Any, value: Any) -> bool:
    """Whether a term has this value; a number that is no whole one is what Python makes of it."""
    known = getattr(term, "value", term)
    if isinstance(value, Fraction) and isinstance(known, float):
        value = float(value)
    return bool(known == value)
