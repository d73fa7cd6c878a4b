"""The values of the language, and how they are shown to a user.

Numbers are exact: ``int`` and ``Fraction`` (never a fraction that is whole), and ``float``
for what ``sqrt``, ``log``, ``exp`` and powers leave. Beside them: ``str``, ``bool``,
lists (``tuple``), ranges (``range``), initialisations, and layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import fault
from archdsl.elaborate.code import BlockCode, LayerClosure
from archdsl.layers.base import Layer, Shape
from archdsl.layers.init import Init
from archdsl.layers.polynomial import Polynomial

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archdsl.diagnostics.source import Span
    from archdsl.elaborate.builder import PartBuilder

MAX_LIST = 10_000  # of a list, those of lists within it counted
MAX_LEVELS = 16  # lists and passed layers within each other
MAX_RANGE = 10**9

Number = int | Fraction | float
Value = Any  # one of the above, or a layer value below


@dataclass(frozen=True, slots=True)
class LayerRef:
    """A built-in layer by its name, its arguments not yet given: ``relu``."""

    layer: type[Layer]

    def __str__(self) -> str:
        return self.layer.name


@dataclass(frozen=True, slots=True)
class Preset:
    """A layer or block by its name, with the arguments that a `default` sets where the name
    is written. More can be given."""

    callee: LayerRef | BlockCode
    given: tuple[tuple[str, Value, Span], ...]

    def __str__(self) -> str:
        return str(self.callee)


@dataclass(frozen=True, slots=True)
class Closure:
    """A layer expression as a value: its code, and the values that it uses from around it."""

    code: LayerClosure
    captured: tuple[Value, ...]

    def __str__(self) -> str:
        return self.code.span.words


class Tensor:
    """A tensor while a network is being elaborated: its shape, and where it is made."""

    __slots__ = ("builder", "is_value", "named", "node", "shape")

    def __init__(self, shape: Shape, node: int, builder: PartBuilder) -> None:
        self.shape = shape
        self.node = node
        self.builder = builder
        self.named = ""  # the name under which it is kept, by which it can be asked for later
        self.is_value = False  # something else than the current tensor holds it


class Tensors(Tensor):
    """Several tensors in the place of one: what a list of layers leaves. Its ``shape`` is that of
    each; what works on one tensor takes it by ``Frame.here``, which says no to these."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Tensor, ...]) -> None:
        shapes: Any = tuple([t.shape for t in items])
        super().__init__(shapes, items[0].node, items[0].builder)
        self.items = items


def each(tensor: Tensor) -> tuple[Tensor, ...]:
    """The tensors that stand in the place of one; mostly it alone."""
    return tensor.items if isinstance(tensor, Tensors) else (tensor,)


def one(tensor: Tensor, span: Span | None) -> Tensor:
    """The tensor where a single one is wanted; raises a fault for several."""
    if isinstance(tensor, Tensors):
        raise fault(codes.SEVERAL_TENSORS, span, count=counted_tensors(tensor))
    return tensor


def counted_tensors(tensor: Tensor) -> str:
    """``are 2 tensors``, ``is a list of one tensor``."""
    if not isinstance(tensor, Tensors):
        return "is one tensor"
    count = len(tensor.items)
    return "is a list of one tensor" if count == 1 else f"are {count} tensors"


class SharedLayer:
    """A layer that has one set of weights, however often it is applied: ``shared { ... }``. It
    belongs to the part that is being built where it is written."""

    __slots__ = ("body", "builder", "name", "span")

    def __init__(self, body: Closure, builder: PartBuilder, span: Span) -> None:
        self.body = body
        self.builder = builder
        self.span = span
        self.name = "shared"  # until a `let` gives it one

    def __str__(self) -> str:
        return f"shared {self.body}"


LAYER_VALUES = (LayerRef, Preset, Closure, Tensor, BlockCode, SharedLayer)


def is_number(value: Value) -> bool:
    return isinstance(value, (int, float, Polynomial, Fraction)) and not isinstance(value, bool)


def is_layer(value: Value) -> bool:
    return isinstance(value, LAYER_VALUES)


HOLDERS = frozenset((tuple, Closure, Preset))  # values that hold other values
COSTLY = frozenset((Fraction, Polynomial))  # numbers that take a while to compare and to hash


def held_by(value: Value) -> tuple[Value, ...] | None:
    """The values that a value holds; nothing for one that can hold none."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, Closure):
        return value.captured
    if isinstance(value, Preset):
        return tuple([given for _, given, _ in value.given])
    return None


def weigh(values: Iterable[Value], span: Span) -> int:
    """How many values these are, with all that they hold (a fraction counts for many); a fault
    where that is too many or too deep. Who compares values, or keeps them for later, counts half
    of their weight as work."""
    level = list(values)
    total = costly = 0
    for _ in range(MAX_LEVELS):
        total += len(level)
        if total > MAX_LIST:
            raise fault(codes.LIST_TOO_LONG, span, limit=MAX_LIST)
        below: list[Value] = []
        for value in level:
            held = held_by(value) if value.__class__ in HOLDERS else None
            if held is None:
                if value.__class__ in COSTLY:
                    costly += 1
                continue
            if total + len(below) + len(held) > MAX_LIST:
                raise fault(codes.LIST_TOO_LONG, span, limit=MAX_LIST)
            below.extend(held)
        if not below:
            return total + 31 * costly
        level = below
    raise fault(codes.TOO_NESTED, span, what="lists and layers", limit=MAX_LEVELS)


def heft(a: Value, b: Value = 0) -> int:
    """The work of an operator on two numbers, beyond that of one on small whole numbers."""
    if Polynomial in (a.__class__, b.__class__):
        return 4 * _terms(a) * _terms(b)
    return _digits(a) + _digits(b)


def _terms(value: Value) -> int:
    return value.parts() if isinstance(value, Polynomial) else 1


def _digits(value: Value) -> int:
    if not isinstance(value, Fraction):
        return 0
    return 2 + (value.numerator.bit_length() + value.denominator.bit_length()) // 256


def calls_blocks(value: Value) -> bool:
    """Whether to apply it may run blocks or functions, which can read what their file names."""
    if isinstance(value, BlockCode):
        return True
    if isinstance(value, Closure) and value.code.calls:
        return True
    if isinstance(value, Preset) and isinstance(value.callee, BlockCode):
        return True
    return value.__class__ in HOLDERS and any(map(calls_blocks, held_by(value) or ()))


def exact(value: Fraction) -> int | Fraction:
    """A fraction, or the integer that it is."""
    return value.numerator if value.denominator == 1 else value


def show(value: Value, depth: int = 3) -> str:
    """A value as a user would write it; of lists within lists, so many levels."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else f"about 10^{len(str(abs(value))) - 1}"
    if isinstance(value, Fraction):
        return _decimal(value) or f"{value.numerator}/{value.denominator}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, range):
        step = f" step {value.step}" if value.step != 1 else ""
        return f"{value.start}..{value[-1] if value else value.stop - 1}{step}"
    if isinstance(value, tuple):
        if not depth:
            return "[...]" if value else "[]"
        shown = ", ".join([show(v, depth - 1) for v in value[:12]])
        return f"[{shown}{', ...' if len(value) > 12 else ''}]"
    if isinstance(value, Tensor):
        return "a tensor " + "x".join(map(str, value.shape))
    return str(value)


DIGITS = 30  # of a decimal, after its point


def _decimal(value: Fraction) -> str:
    """A fraction as the decimal that it is, to be read back as the same; nothing where it is
    none, or has too many digits."""
    for digits in range(1, DIGITS + 1):
        scaled = value * 10**digits
        if scaled.denominator == 1:
            text = str(abs(scaled.numerator)).zfill(digits + 1)
            return f"{'-' * (value < 0)}{text[:-digits]}.{text[-digits:]}"
    return ""


def rounding(value: Value) -> list[str]:
    """What helps where a whole number is wanted, and this is a fraction."""
    if isinstance(value, (Fraction, float)):
        return ["say how to round: `//`, `floor`, `round` or `ceil`"]
    return []


def describe(value: Value) -> str:
    """What kind of value it is, and which: for "... but this is the number 3"."""
    if isinstance(value, bool):
        return show(value)
    if is_number(value):
        nearly = isinstance(value, float) and value.is_integer()
        return f"the {'inexact ' if nearly else ''}number {show(value)}"
    if isinstance(value, str):
        return f"the text {show(value)}"
    if isinstance(value, (tuple, range)):
        return f"the list {show(value)}"
    if isinstance(value, Init):
        return f"the initialisation {value}"
    if isinstance(value, Tensor):
        return show(value)
    return f"the layer `{show(value)}`"
