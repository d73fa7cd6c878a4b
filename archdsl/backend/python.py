"""Python source, laid out as ruff and black would: expressions that break where they must."""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

WIDTH = 88
INDENT = "    "


class Code:
    """An expression. ``flat`` is it on one line; ``lines`` breaks it where it is too long."""

    def flat(self) -> str:
        raise NotImplementedError

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        """The expression with something before and behind it, from a column on."""
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
class Value(Code):
    """A literal."""

    value: Any

    def flat(self) -> str:
        return literal(self.value)


@dataclass(frozen=True, slots=True)
class Item:
    """An argument: ``name=value``, a value, or (``name`` is ``**`` or ``*``) one unpacked."""

    value: Code
    name: str = ""

    @property
    def prefix(self) -> str:
        return self.name if self.name in ("", "*", "**") else f"{self.name}="

    def flat(self) -> str:
        return self.prefix + self.value.flat()


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
        if len(inner) <= WIDTH:
            return [first, inner, last]
        out = [first]
        generator = isinstance(self.items[0].value, Comprehension) and not self.items[0].name
        for item in self.items:
            comma = "" if generator else ","
            out.extend(item.value.lines(indent + 1, item.prefix, comma))
        return [*out, last]


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
class Deferred(Code):
    """``lambda: code``."""

    code: Code

    def flat(self) -> str:
        return f"lambda: {self.code.flat()}"

    def lines(self, indent: int, prefix: str = "", suffix: str = "") -> list[str]:
        return self.code.lines(indent, f"{prefix}lambda: ", suffix)


def call(target: str, items: Sequence[Item]) -> Call:
    return Call(f"{target}(", tuple(items))


def listed(values: Sequence[Code]) -> Call:
    return Call("[", tuple(Item(v) for v in values), "]")


def operand(code: Code) -> str:
    """Code as part of an expression, in parentheses where it needs them."""
    text = code.flat()
    return text if code.atomic else f"({text})"


def literal(value: Any) -> str:
    """A value as Python writes it; texts as the formatters quote them."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return repr(int(value)) + ".0" if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, tuple):
        inner = ", ".join(literal(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Fraction):
        return repr(float(value))
    return repr(value)


def quoted(text: str) -> str:
    """A text between double quotes; whatever could end it, or move a cursor, is escaped."""
    escaped = text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
    return f'"{escaped}"'


# Names that a class body, a module of torch.nn or the emitted file has a use for.
TAKEN = frozenset(
    """self x l O I super nn torch F Tensor OrderedDict seq path range len sum str int float bool
    enumerate zip list dict tuple print type object isinstance getattr setattr super""".split()
)


def identifier(name: str, taken: frozenset[str] = frozenset()) -> str:
    """A name that Python accepts: one that is taken gets an underscore behind it."""
    clean = re.sub(r"\W", "_", name)
    if not clean or clean[0].isdigit():
        clean = f"_{clean}"
    while keyword.iskeyword(clean) or clean in taken:
        clean += "_"
    return clean


def class_name(name: str, taken: set[str]) -> str:
    """``bottleneck_v2`` as ``BottleneckV2``, numbered where there is one of the name already."""
    words = [w for w in re.split(r"[_\W]+", name) if w] or ["Block"]
    base = "".join(w[0].upper() + w[1:] for w in words)
    if base[0].isdigit():
        base = f"Block{base}"
    found, number = base, 2
    while found in taken or keyword.iskeyword(found):
        found, number = f"{base}{number}", number + 1
    taken.add(found)
    return found


def docstring(text: str, indent: int) -> list[str]:
    """A text as a docstring. Nothing in it can end the string or be taken for code."""
    clean = "\n".join(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
        for line in text.split("\n")
    )
    safe = clean.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if safe.endswith('"'):
        safe = safe[:-1] + '\\"'
    pad = INDENT * indent
    lines = [f'{pad}"""{safe.split(chr(10))[0].strip()}']
    lines += [f"{pad}{line}".rstrip() for line in safe.split("\n")[1:]]
    if len(lines) == 1:
        return [lines[0] + '"""']
    return [*lines, f'{pad}"""']
