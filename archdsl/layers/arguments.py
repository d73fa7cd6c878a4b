"""What a layer's argument may be: read from a value of the language, once, at the call.

Each alias below is the type of a dataclass field; its annotation carries the reader.
A reader turns a value into its one canonical form, so that equal layers compare equal,
or raises ``Unreadable`` saying what would have been right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Annotated, Any

from archdsl.layers.init import FUNCTIONS, Init, InitFunction
from archdsl.layers.polynomial import Polynomial, decided

MAX_WHOLE = 10**9
MAX_NUMBERS = 10_000  # of a list
TOO_LARGE = f"at most {MAX_WHOLE:,}"
LARGEST = 2**128 - 2**104  # of float32, which weights are


class Unreadable(Exception):
    """``expected``: in words, what the argument takes."""

    argument = ""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


class Reader:
    """Reads one argument. ``words`` are the bare names that it understands."""

    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        return "a value"

    def read(self, value: Any) -> Any:
        raise Unreadable(self.expected)


def whole(value: Any) -> int | None:
    """The integer that a number is, or nothing: ``128.0`` is one, ``0.5`` and ``true`` are not."""
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    if isinstance(value, Polynomial):
        below: int = floor(value)  # or not decided yet
        return below if below == value else None
    return None


@dataclass(frozen=True)
class Whole(Reader):
    low: int = 1

    @property
    def expected(self) -> str:
        return (
            "a positive whole number" if self.low == 1 else f"a whole number of at least {self.low}"
        )

    def read(self, value: Any) -> int:
        number = value if type(value) is int else whole(value)
        if number is None or not self.low <= number <= MAX_WHOLE:
            raise Unreadable(
                TOO_LARGE if number is not None and number > MAX_WHOLE else self.expected
            )
        return number


@dataclass(frozen=True)
class PerAxis(Reader):
    """One whole number for every spatial axis, or a list of them; ``3x3`` reads as ``3``."""

    low: int = 1

    @property
    def expected(self) -> str:
        return f"a whole number of at least {self.low}, or one for each axis such as 1x7"

    def read(self, value: Any) -> int | tuple[int, ...]:
        if type(value) is int and self.low <= value <= MAX_WHOLE:
            return value
        items = value if isinstance(value, tuple) else (value,)
        numbers = tuple(whole(decided(v)) for v in items)
        if not numbers or len(numbers) > 3:
            raise Unreadable(self.expected)
        for n in numbers:
            if n is None or not self.low <= n <= MAX_WHOLE:
                raise Unreadable(self.expected)
        found: tuple[int, ...] = numbers  # type: ignore[assignment]
        return found[0] if len(set(found)) == 1 else found


@dataclass(frozen=True)
class Number(Reader):
    low: float | None = None
    high: float | None = None
    above: bool = False  # than ``low``, which itself is none then

    @property
    def expected(self) -> str:
        if self.above:
            return f"a number above {self.low:g}"
        if self.low is not None and self.high is not None:
            return f"a number from {self.low:g} to {self.high:g}"
        return "a number" if self.low is None else f"a number of at least {self.low:g}"

    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, Polynomial, Fraction)):
            raise Unreadable(self.expected)
        try:
            number: Any = value if isinstance(value, Polynomial) else float(value)
        except OverflowError:
            raise Unreadable(self.expected) from None
        if abs(number) > LARGEST:  # nor is one that is not finite
            raise Unreadable("a number that float32 can hold: at most 3.4e38")
        low = self.low
        low_ok = low is None or (number > low if self.above else number >= low)
        if not (low_ok and (self.high is None or number <= self.high)):
            raise Unreadable(self.expected)
        found: float = number
        return found


class NumberButZero(Number):
    @property
    def expected(self) -> str:
        return "a number other than 0"

    def read(self, value: Any) -> float:
        number = super().read(value)
        if number == 0:
            raise Unreadable(self.expected)
        return number


@dataclass(frozen=True)
class Boolean(Reader):
    @property
    def expected(self) -> str:
        return "true or false"

    def read(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Unreadable(self.expected)
        return value


@dataclass(frozen=True)
class OneOf(Reader):
    words: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(self.words)

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise Unreadable(self.expected)
        return value


@dataclass(frozen=True)
class Initial(Reader):
    """An initialisation, of a vector one that can be that of a vector."""

    vector: bool = False

    @property
    def expected(self) -> str:
        some = "zeros, ones or normal(0.02)" if self.vector else "zeros or kaiming_normal(fan_out)"
        return f"an initialisation {'of a vector ' * self.vector}such as {some}"

    def read(self, value: Any) -> Init:
        if not isinstance(value, Init) or (self.vector and FUNCTIONS[value.name].of_matrices):
            raise Unreadable(self.expected)
        return value


def read_init(function: InitFunction, given: Mapping[str, Any]) -> Init:
    """An initialisation with these arguments. Raises ``Unreadable`` for one that is wrong, whose
    name is its ``argument``."""
    needed = {key: None for key, usual in function.parameters if usual is None}
    values: dict[str, Any] = dict(function.parameters)
    for key, value in {**needed, **given}.items():
        words = InitFunction.words.get(key)
        spread = key == "std" or (key == "gain" and function.name != "orthogonal")
        least = Number(0, above=function.name == "trunc_normal") if spread else Number()
        reader = OneOf(words) if words else least
        try:
            values[key] = reader.read(value)
        except Unreadable as problem:
            problem.argument = key
            raise
    low, high = values.get("low", 0), values.get("high", 0)
    if not 0 <= high - low <= LARGEST:
        far = high > low
        of_high = Unreadable("less than 3.4e38 above `low`" if far else f"at least {low:g}")
        of_low = Unreadable("less than 3.4e38 below `high`" if far else f"at most {high:g}")
        wrong = of_high if "high" in given else of_low
        wrong.argument = "high" if "high" in given else "low"
        raise wrong
    return Init(function.name, function.call, tuple(values.items()))


@dataclass(frozen=True)
class Sizes(Reader):
    """A list of whole numbers: a shape such as ``64x7x7``."""

    @property
    def expected(self) -> str:
        return "a shape such as 64x7x7"

    def read(self, value: Any) -> tuple[int, ...]:
        items = value if isinstance(value, tuple) else (value,)
        numbers = [whole(v) for v in items]
        if (
            not numbers
            or len(numbers) > 16
            or any(n is None or not 1 <= n <= MAX_WHOLE for n in numbers)
        ):
            raise Unreadable(self.expected)
        return tuple(n for n in numbers if n is not None)


@dataclass(frozen=True)
class SameOr(PerAxis):
    """Whole numbers, or the word ``same``."""

    low: int = 0
    words = ("same",)

    @property
    def expected(self) -> str:
        return f"{super().expected}, or same"

    def read(self, value: Any) -> Any:
        return value if value == "same" else super().read(value)


@dataclass(frozen=True)
class NumberList(Reader):
    """A list of numbers, or of such lists, as one list."""

    @property
    def expected(self) -> str:
        return f"a list of at most {MAX_NUMBERS:,} numbers such as [1, 2, 1]"

    def read(self, value: Any) -> tuple[float, ...]:
        found: list[float] = []

        def add(items: Any, depth: int) -> None:
            if not isinstance(items, (tuple, range)) or not items or depth > 5:
                raise Unreadable(self.expected)
            for item in items:
                if isinstance(item, (tuple, range)):
                    add(item, depth + 1)
                else:
                    found.append(Number().read(decided(item)))
                if len(found) > MAX_NUMBERS:
                    raise Unreadable(self.expected)

        try:
            add(value, 1)
        except Unreadable:
            raise Unreadable(self.expected) from None
        return tuple(found)


Count = Annotated[int, Whole(1)]
Index = Annotated[int, Whole(0)]
Size = Annotated[int | tuple[int, ...], PerAxis(1)]
Pad = Annotated[int | tuple[int, ...], PerAxis(0)]
PadOrSame = Annotated[int | tuple[int, ...] | str, SameOr()]
Numbers = Annotated[tuple[float, ...], NumberList()]
Real = Annotated[float, Number()]
NotZero = Annotated[float, NumberButZero()]
NotNegative = Annotated[float, Number(0)]
Positive = Annotated[float, Number(0, above=True)]
Chance = Annotated[float, Number(0, 1)]
Flag = Annotated[bool, Boolean()]
Start = Annotated[Init | None, Initial()]
VectorStart = Annotated[Init | None, Initial(vector=True)]
ShapeArgument = Annotated[tuple[int, ...], Sizes()]
Rounding = Annotated[str, OneOf(("floor", "ceil"))]


def per_axis(value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """A per-axis argument spelled out; the caller has checked that the lengths agree."""
    return (value,) * axes if isinstance(value, int) else tuple(value)
