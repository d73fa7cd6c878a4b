"""Values that differ between the variants of a family, and the knobs that they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

CHANNELS = re.compile(r"(channels|features|c\d*|to)\Z")

PLAIN = ("size", "classes")  # what no block has a parameter of this name for


@dataclass(frozen=True, slots=True)
class Across:
    """A value that is another in each variant: one for each, in their order. ``place`` tells apart
    what is equal by chance: how often two stages repeat."""

    values: tuple[Any, ...]
    role: str
    place: int = 0

    @property
    def is_channels(self) -> bool:
        return CHANNELS.match(self.role) is not None

    @property
    def ratio(self) -> tuple[Fraction, ...]:
        """The values as multiples of the first: equal for those that one width gives."""
        return tuple(Fraction(v, self.values[0]) for v in self.values)

    def __rsub__(self, other: Any) -> Across:
        return Across(tuple(other - v for v in self.values), self.role, self.place)


class Family:
    """The knobs of a family by their names, with a value for each variant."""

    def __init__(self) -> None:
        self.knobs: dict[str, tuple[Any, ...]] = {}
        self._names: dict[Any, str] = {}
        self._bases: dict[tuple[Fraction, ...], int] = {}

    def meet(self, found: list[Across]) -> None:
        """Is told of all values before they are written: numbers of channels that grow alike are
        multiples of one width."""
        for value in found:
            if value.is_channels:
                ratio, first = value.ratio, value.values[0]
                known = self._bases.get(ratio, 0)
                self._bases[ratio] = gcd(known, first)
        widths = [(ratio, base) for ratio, base in self._bases.items()]
        for number, (ratio, base) in enumerate(widths):
            name = "width" if len(widths) == 1 else f"width{number + 1}"
            self.knobs[name] = tuple(int(base * part) for part in ratio)
            self._names[ratio] = name
        depths = sorted({v.place: v for v in found if v.role == "n"}.items())
        for number, (place, value) in enumerate(depths):
            name = "depth" if len(depths) == 1 else f"depth{number + 1}"
            self.knobs[name] = value.values
            self._names["n", place] = name

    def written(self, value: Across) -> str:
        """A value as an expression of a knob."""
        if value.is_channels:
            name, times = self._names[value.ratio], value.values[0] // self._bases[value.ratio]
            return name if times == 1 else f"{times} * {name}"
        key = ("n", value.place) if value.role == "n" else (value.role, value.values)
        if key not in self._names:
            plain = value.role.rstrip("0123456789_")
            base = name = plain if plain in PLAIN else f"variant_{plain}"
            while name in self.knobs:
                name = f"{base}{len(self.knobs)}"
            self.knobs[name] = value.values
            self._names[key] = name
        return self._names[key]
