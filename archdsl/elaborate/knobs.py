"""Knobs and their domains: what can be decided, and what may be decided for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archdsl.diagnostics.model import did_you_mean
from archdsl.diagnostics.source import Span, on_one_line
from archdsl.elaborate.equality import key, same
from archdsl.elaborate.values import Number, exact, is_number, show

NEAR = Fraction(1, 10**9)  # of an inexact number: as far from it another stands for it


@dataclass(frozen=True, slots=True)
class Choices:
    """One of some values, which need not be numbers. ``names`` are how they are written."""

    values: tuple[Any, ...]
    names: tuple[str, ...]

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, (tuple, range)):  # thousands of values are told apart by this
            if value not in self.values:
                return False
            if same(value, self.values[self.values.index(value)]):
                return True
        return any(same(value, v) for v in self.values)

    def __str__(self) -> str:
        return "{" + ", ".join(self.names) + "}"

    def written(self, text: str) -> Any | None:
        """The value that is written so. A layer with arguments equals no other written layer,
        so that it is known by its text alone."""
        name = on_one_line(text)
        return self.values[self.names.index(name)] if name in self.names else None

    def meant(self, value: Any) -> Any:
        """The value that a number is meant to be, if it is a rounding away: sqrt(2) is printed as
        a decimal, and Python has it as one."""
        if is_number(value) and not any(type(v) is type(value) and v == value for v in self.values):
            for near in self.values:
                if type(near) is float:
                    exact_near = Fraction(near)
                    if abs(exact_near - Fraction(value)) <= NEAR * abs(exact_near):
                        return near
        return value

    @property
    def count(self) -> int:
        return len(self.values)

    def enumerate(self) -> Sequence[Any]:
        return self.values

    def edges(self) -> Sequence[Any]:
        return self.values

    def at(self, fraction: float) -> Any:
        """The value at a place between 0 and 1."""
        return self.values[min(int(fraction * len(self.values)), len(self.values) - 1)]


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from ``low`` to ``high``, both included.

    With a ``step`` (1 where both ends are whole) they are finitely many; else the interval is
    continuous. ``log``: values are to be drawn evenly in their logarithm.
    """

    low: Number
    high: Number
    step: Number | None
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        if not is_number(value) or not self.low <= value <= self.high:
            return False
        if self.step is None:
            return True
        off: Any = (value - self.low) % self.step
        if isinstance(off, float):  # one of them is not exact
            return bool(min(off, self.step - off) < 1e-9 * self.step)
        return bool(off == 0)

    def meant(self, value: Fraction) -> Number:
        """The value of the grid that a decimal is meant to be, if it is a rounding away."""
        if self.step is None:
            return exact(value)
        near: Any = self.value(round((value - self.low) / self.step))
        return near if abs(near - value) < 1e-9 * self.step else exact(value)

    def settled(self, value: Any) -> Any:
        """A value of a knob: an inexact number of an exact grid is the number of the grid that it
        stands for, which is the one that a proof was made for."""
        if type(value) is float and self.step is not None and self.is_exact and value in self:
            return self.meant(Fraction(value))
        return value

    def __str__(self) -> str:
        whole = self.step == 1 and isinstance(self.low, int) and isinstance(self.high, int)
        step = "" if self.step is None or whole else f" step {show(self.step)}"
        return f"{show(self.low)}..{show(self.high)}{step}{' log' if self.log else ''}"

    @property
    def is_exact(self) -> bool:
        """Whether its ends and its step are, as all numbers that are written are."""
        return float not in map(type, (self.low, self.high, self.step))

    @property
    def count(self) -> int | None:
        """How many values there are; nothing for a continuous interval."""
        if self.step is None:
            return 1 if self.low == self.high else None
        return int((self.high - self.low) / self.step + Fraction(1, 10**9)) + 1

    def value(self, index: int) -> Number:
        assert self.step is not None
        number = self.low + index * self.step
        if isinstance(number, Fraction) and number.denominator == 1:
            return number.numerator
        return number

    def enumerate(self) -> Sequence[Number]:
        count = self.count
        if count is None:
            raise ValueError("a continuous interval cannot be enumerated")
        if self.step is None:
            return (self.low,)
        return _Grid(self, count)

    def edges(self) -> Sequence[Number]:
        """The ends and the middle."""
        found = [self.low, self.at(0.5), self.high if self.count is None else self.enumerate()[-1]]
        return tuple(dict.fromkeys(found))

    def at(self, fraction: float) -> Number:
        count = self.count
        if count is not None:
            return self.enumerate()[min(int(fraction * count), count - 1)]
        if self.log:
            return math.exp(
                math.log(self.low) + fraction * (math.log(self.high) - math.log(self.low))
            )
        return float(self.low + fraction * (self.high - self.low))


class _Grid(Sequence[Number]):
    def __init__(self, interval: Interval, count: int) -> None:
        self.interval = interval
        self.count_ = count

    def __len__(self) -> int:
        return self.count_

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self.count_))]
        if index < 0:
            index += self.count_
        if not 0 <= index < self.count_:
            raise IndexError(index)
        return self.interval.value(index)


Domain = Choices | Interval


@dataclass(frozen=True, slots=True)
class Knob:
    """A parameter of a spec: its name, its default, and what it may be."""

    name: str
    default: Any
    domain: Domain | None
    span: Span
    doc: str = ""

    def show(self, value: Any) -> str:
        """A value as it is written in the spec: read again, it is the very same. Of a domain
        that has both `1` and `exp(0)`, which are equal, it is the one of its kind."""
        if isinstance(self.domain, Choices):
            written = list(zip(self.domain.values, self.domain.names, strict=True))
            for known, name in written:
                if key((known,)) == key((value,)):
                    return name
            for known, name in written:
                if same(known, value):
                    return name
        return show(value)


def values_near(domain: Domain, value: Any) -> list[str]:
    """A help line for a value outside of a domain: the values of a grid that are next to it, or the
    text that is spelled most like it. Nothing where the domain, as it is shown, says as much."""
    if isinstance(domain, Choices):
        texts = [known for known in domain.values if isinstance(known, str)]
        return did_you_mean(value, texts) if isinstance(value, str) else []
    last = (domain.count or 0) - 1
    if domain.step is None or not is_number(value):
        return []
    if domain.low <= value <= domain.value(last):
        below = math.floor((value - domain.low) / domain.step)
        return [f"the nearest are {show(domain.value(below))} and {show(domain.value(below + 1))}"]
    return [f"the nearest is {show(domain.value(0 if value < domain.low else last))}"]


def option_number(text: str, options: Sequence[str]) -> int | None:
    """Which option of a choice a text means: one of their names, or a number from 1."""
    if text in options:
        return options.index(text)
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= len(options):
        return int(text) - 1
    return None
