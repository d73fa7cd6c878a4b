"""Python source, laid out as ruff and black would: expressions that break where they must."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import isfinite
from textwrap import wrap
from typing import Any

WIDTH = 88
INDENT = "    "


class ModuleClass(str):
    """The name of a class of PyTorch's, as a value."""


class Code:
    """An expression. ``flat`` is it on one line; ``lines`` breaks it where it is too long."""

    def flat(self) -> str:
        raise NotImplementedError

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        """The expression with something before and after it, from a column on."""
        one = f"{INDENT * indent}{prefix}{self.flat()}{suffix}"
        return [one]

    @property
    def atomic(self) -> bool:
        """Whether it can stand as an operand without parentheses."""
        return True


@dataclass(frozen=True, slots=True)
class Text(Code):
    """Code that is not broken up. ``loose`` code needs parentheses as an operand."""

    text: str
    loose: bool = False

    def flat(self) -> str:
        return self.text

    @property
    def atomic(self) -> bool:
        return not self.loose


@dataclass(frozen=True, slots=True)
class Const(Code):
    """A literal."""

    value: Any

    def flat(self) -> str:
        return literal(self.value)


@dataclass(frozen=True, slots=True)
class Item:
    """An argument: ``name=value``, a value, or one with what is no name before it: ``**``."""

    value: Code
    name: str = ""

    @property
    def prefix(self) -> str:
        return f"{self.name}=" if self.name.isidentifier() else self.name

    def flat(self) -> str:
        return self.prefix + self.value.flat()


DISPLAYS = frozenset("([{")  # formatters give each item of these a line


@dataclass(frozen=True, slots=True)
class Call(Code):
    """``head item, item tail``: a call, or a list in brackets."""

    head: str
    items: tuple[Item, ...]
    tail: str = ")"

    def flat(self) -> str:
        return f"{self.head}{', '.join(i.flat() for i in self.items)}{self.tail}"

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        one = f"{INDENT * indent}{prefix}{self.flat()}{suffix}"
        if len(one) <= WIDTH or not self.items:
            return [one]
        first = f"{INDENT * indent}{prefix}{self.head}"
        last = f"{INDENT * indent}{self.tail}{suffix}"
        inner = f"{INDENT * (indent + 1)}{', '.join(i.flat() for i in self.items)}"
        if len(inner) <= WIDTH and self.head not in DISPLAYS:
            return [first, inner, last]
        out = [first]
        item = self.items[0]
        alone = len(self.items) == 1 and not item.name
        generator = alone and isinstance(item.value, Comprehension) and not item.value.open
        for item in self.items:
            comma = "" if generator else ","
            out.extend(item.value.lines(indent + 1, item.prefix, comma))
        return [*out, last]


@dataclass(frozen=True, slots=True)
class Operation(Code):
    """``a + b + c``."""

    operands: tuple[Code, ...]
    symbol: str

    @property
    def atomic(self) -> bool:
        return False

    def flat(self) -> str:
        return f" {self.symbol} ".join(operand(o) for o in self.operands)

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        one = f"{INDENT * indent}{prefix}{self.flat()}{suffix}"
        if len(one) <= WIDTH:
            return [one]
        pad = INDENT * (indent + 1)
        first, *others = [operand(o) for o in self.operands]
        last = self.operands[-1]
        if len(others) == 1 and isinstance(last, Call) and last.head == "sum(":
            return last.lines(indent, f"{prefix}{first} {self.symbol} ", suffix)
        inner = [pad + first, *(f"{pad}{self.symbol} {o}" for o in others)]
        return [f"{INDENT * indent}{prefix}(", *inner, f"{INDENT * indent}){suffix}"]


@dataclass(frozen=True, slots=True)
class Comprehension(Code):
    """``{key: value for ...}`` or ``(value for ...)``: what is made, and the loop."""

    open: str
    key: str
    value: Code
    loop: str
    close: str

    def flat(self) -> str:
        return f"{self.open}{self.key}{self.value.flat()} {self.loop}{self.close}"

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        one = f"{INDENT * indent}{prefix}{self.flat()}{suffix}"
        if len(one) <= WIDTH:
            return [one]
        inner = f"{INDENT * (indent + 1)}{self.key}{self.value.flat()} {self.loop}"
        if not self.open:  # a generator: its brackets are those of the call around it
            head = self.value.lines(indent, f"{prefix}{self.key}")
            return [*head, f"{INDENT * indent}{self.loop}"]
        out = [f"{INDENT * indent}{prefix}{self.open}"]
        if len(inner) <= WIDTH:
            out.append(inner)
        else:
            out.extend(self.value.lines(indent + 1, self.key))
            out.append(f"{INDENT * (indent + 1)}{self.loop}")
        return [*out, f"{INDENT * indent}{self.close}{suffix}"]


@dataclass(frozen=True, slots=True)
class Added(Code):
    """``self.add_module(f"conv{i}", code)``; code that is too long gets a ``name`` first."""

    label: str
    code: Code
    name: str

    def flat(self) -> str:
        return self.adding(self.code.flat())

    def adding(self, value: str) -> str:
        return f'self.add_module(f"{self.label}", {value})'

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        one = f"{INDENT * indent}{prefix}{self.flat()}{suffix}"
        if len(one) <= WIDTH:
            return [one]
        made = self.code.lines(indent, f"{self.name} = ")
        return [*made, f"{INDENT * indent}{prefix}{self.adding(self.name)}{suffix}"]


@dataclass(frozen=True, slots=True)
class Deferred(Code):
    """``lambda i: code``."""

    code: Code

    def flat(self) -> str:
        return f"lambda i: {self.code.flat()}"

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        return self.code.lines(indent, f"{prefix}lambda i: ", suffix)


@dataclass(frozen=True, slots=True)
class Either(Code):
    """``later if i else first``."""

    first: Code
    later: Code

    @property
    def atomic(self) -> bool:
        return False

    def flat(self) -> str:
        return f"{self.later.flat()} if i else {self.first.flat()}"


@dataclass(frozen=True, slots=True)
class Conditional(Code):
    """``code if condition else otherwise``."""

    code: Code
    condition: str
    otherwise: Code

    @property
    def atomic(self) -> bool:
        return False

    def flat(self) -> str:
        return f"{self.code.flat()} if {self.condition} else {self.otherwise.flat()}"

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        pad, inner = INDENT * indent, INDENT * (indent + 1)
        if len(f"{pad}{prefix}{self.flat()}{suffix}") <= WIDTH:
            return [f"{pad}{prefix}{self.flat()}{suffix}"]
        body = [f"{inner}{self.flat()}"]
        if len(body[0]) > WIDTH:
            otherwise = self.otherwise.lines(indent + 1, "else ")
            body = [*self.code.lines(indent + 1), f"{inner}if {self.condition}", *otherwise]
        return [f"{pad}{prefix}(", *body, f"{pad}){suffix}"]


def call(target: str, items: Sequence[Item]) -> Call:
    return Call(f"{target}(", tuple(items))


def listed(values: Sequence[Code]) -> Call:
    return Call("[", tuple(Item(v) for v in values), "]")


def operand(code: Code) -> str:
    """Code as part of an expression, in parentheses where it needs them."""
    text = code.flat()
    return text if code.atomic else f"({text})"


LONG = 8  # digits of a number that nobody would have written by hand


def literal(value: Any) -> str:
    """A value as Python writes it; texts as the formatters quote them."""
    if isinstance(value, str):
        return value if isinstance(value, ModuleClass) else quoted(value)
    if isinstance(value, (float, Fraction)):
        return decimal(float(value))
    if isinstance(value, tuple):
        inner = ", ".join(literal(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)


def decimal(value: float) -> str:
    """A number as it would be written: ``0.5``, ``1e-6``, and ``169 / 170`` if it is that."""
    if not isfinite(value):
        return f'float("{value}")'
    if value.is_integer() and abs(value) < 1e15:
        return f"{int(value)}.0"
    shown = repr(value).replace("e-0", "e-")
    if len(shown) > LONG:
        near = Fraction(value).limit_denominator(10**4)
        if float(near) == value:
            return f"{near.numerator} / {near.denominator}"
    return shown


def quoted(text: str) -> str:
    """A text between double quotes; whatever could end it, or move a cursor, is escaped."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{escaped}"'


def docstring(text: str, indent: int) -> list[str]:
    """A text as a docstring. Nothing in it can end the string or be taken for code."""
    pad = INDENT * indent
    width = WIDTH - len(pad)
    lines = wrapped(text, width)
    if len(lines) == 1:  # the quotes after it are on its line, too
        lines = wrapped(text, width - len(QUOTES))
    safe = [line.replace("\\", "\\\\").replace(QUOTES, '\\"' * 3) for line in lines]
    if safe[0].startswith('"'):
        safe[0] = f" {safe[0]}"
    gap = " " if safe[0].endswith('"') else ""
    one = f"{pad}{QUOTES}{safe[0]}{gap}{QUOTES}"
    if len(safe) == 1 and len(one) <= WIDTH:
        return [one]
    return [f"{pad}{QUOTES}{safe[0]}", *(f"{pad}{x}".rstrip() for x in safe[1:]), pad + QUOTES]


QUOTES = '"' * 3


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, of printable characters, with room for quotes before the first. A
    paragraph with a line that is too long is filled anew; the others stay as they were."""
    clean = [
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
        for line in (QUOTES + text.strip()).expandtabs(4).split("\n")
    ]
    lines: list[str] = []
    for blank, group in groupby(clean, key=lambda line: not line.strip()):
        paragraph = [line.rstrip() for line in group]
        if not blank and any(len(line) > width for line in paragraph):
            paragraph = wrap(" ".join(paragraph), width)
        lines += paragraph[:1] if blank else paragraph
    lines[0] = lines[0].removeprefix(QUOTES)
    return lines


SUBSCRIPT = r"\{\w+\}(\.\w+\([^()]*\))*\[[^\[\]]*\]"  # of an operand: no operator around it


def expression(text: str, operands: Sequence[Code]) -> Code:
    """A layer without a module: its text with the operands put in."""
    if text.startswith("torch.cat([") and text.endswith("], 1)"):
        inner = Call("[", tuple(Item(o) for o in operands), "]")
        return Call("torch.cat(", (Item(inner), Item(Text("1"))))
    if sums := re.fullmatch(r"\{0\}( [+*] )\{1\}(?:\1\{\d+\})*", text):
        return Operation(tuple(operands), sums[1].strip())
    loose = " " in text.replace(", ", "") and not text.endswith(")")
    loose = loose and not re.fullmatch(SUBSCRIPT, text)

    def filled(place: re.Match[str]) -> str:
        if place[1] is None:
            return place[0][0]  # a brace is written twice
        code = operands[0 if place[1] == "x" else int(place[1])]
        before, after = text[: place.start()].rstrip(), text[place.end() :]
        alone = before.endswith(("(", ",")) and after.startswith((")", ","))
        return code.flat() if alone else operand(code)

    return Text(re.sub(r"\{\{|\}\}|\{(x|\d+)\}", filled, text), loose=loose)


def dictionary(items: Mapping[str, str]) -> Call:
    """Expressions by their names."""
    return Call("{", tuple(Item(Text(v), f"{quoted(k)}: ") for k, v in items.items()), "}")
