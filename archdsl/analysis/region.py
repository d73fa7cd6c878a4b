"""Pieces of a space: for each knob one value, or several of its domain.

The numbers of a domain stand at *places*: those of a grid at 0, 1, 2, ..., those of a continuous
domain between 0 and 1. A spec is run for all places of a stretch at once, with a polynomial
(``archdsl.layers.polynomial``); where an answer differs between them, the stretch is split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm, prod
from typing import Any

from archdsl.elaborate.knobs import Choices, Interval
from archdsl.layers.polynomial import Polynomial, unknown_value
from archdsl.layers.unknowns import Effort, Exact, Listed, Undecided, Unknown

ALL_AT_ONCE = 64  # values that are tried one by one where nothing says how to split them

Place = int | Fraction


@dataclass(frozen=True, slots=True)
class Stretch:
    """Every ``stride``-th place from ``first`` to ``last`` of a grid, or, of a continuous domain,
    all between two places (or one place), without these but where it ``has_ends``."""

    first: Place
    last: Place
    stride: int = 1
    has_ends: bool = False

    @property
    def count(self) -> int:
        """How many places of a grid it has."""
        return int(self.last - self.first) // self.stride + 1

    @property
    def is_point(self) -> bool:
        return self.first == self.last

    @property
    def middle(self) -> Stretch:
        """One of its points: the middle of a continuous stretch, the first place of a grid."""
        if isinstance(self.first, Fraction) or isinstance(self.last, Fraction):
            middle = Fraction(self.first + self.last) / 2
            return Stretch(middle, middle)
        return Stretch(self.first, self.first)

    def value(self, name: str, domain: Interval, rounds: Effort | None = None) -> Any:
        """What a spec is run with: the value of a point, or a polynomial for all of them.
        ``rounds``: what is rounded of it, if its steps are a fraction, is an unknown of its own,
        within this effort. Whole numbers are told apart by their remainders."""
        if domain.step is not None:
            if self.count > 1 and not domain.is_exact:
                return Unknown(name, None)  # no polynomial meets a float: each place by itself
            step = domain.step * self.stride
            return unknown_value(
                name,
                self.count,
                domain.value(int(self.first)),
                step,
                rounds,
            )
        length = Fraction(domain.high) - Fraction(domain.low)
        low = Fraction(domain.low) + length * self.first
        if self.is_point:
            return low.numerator if low.denominator == 1 else low
        slope = length * (self.last - self.first)
        unknown = Unknown(name, None, has_ends=self.has_ends)
        return low + slope * Polynomial({((unknown, 1),): 1})

    def inside(self, place: Place, domain: Interval) -> Place | None:
        """Where the unknown of ``value`` is for a place of the domain; nothing for one outside."""
        offset = place - self.first
        if domain.step is not None:
            steps, over = divmod(offset, self.stride)
            return None if over or place < self.first or place > self.last else int(steps)
        if self.is_point:
            return None if offset else 0
        share = Fraction(offset) / (self.last - self.first)
        return share if 0 < share < 1 else None

    def split(self, domain: Interval, question: Undecided) -> list[Stretch]:
        """The stretches between which an answer differs; none where nothing says where it does."""
        if domain.step is None:
            return self._split_line(question.cuts)
        return self._split_grid(question.cuts, question.modulus)

    def _split_line(self, cuts: tuple[Any, ...]) -> list[Stretch]:
        length = self.last - self.first
        places = sorted({self.first + length * c for c in cuts if 0 < c < 1})
        if not places and not self.has_ends:
            return []
        ends = [self.first, *places, self.last]
        points = ends if self.has_ends else places
        return [Stretch(a, b) for a, b in pairwise(ends)] + [Stretch(at, at) for at in points]

    def _split_grid(self, cuts: tuple[Any, ...], modulus: int | None) -> list[Stretch]:
        count = self.count
        if modulus is not None and modulus < count:
            return [self._part(r, count, modulus) for r in range(modulus)]
        starts = sorted({int(c) for c in cuts if 0 < c < count})
        if not starts:
            if count <= ALL_AT_ONCE:
                return [self._part(i, i + 1) for i in range(count)]
            starts = [count // 2]
        return [self._part(a, b) for a, b in pairwise([0, *starts, count])]

    def _part(self, start: int, stop: int, step: int = 1) -> Stretch:
        """The places ``start``, ``start + step``, ... below ``stop``, of the stretch's own."""
        first, stride = int(self.first), self.stride
        last = start + (stop - 1 - start) // step * step
        return Stretch(first + start * stride, first + last * stride, stride * step)


def listed_value(name: str, values: Sequence[Exact], rounds: Effort | None = None) -> Any:
    """One of some numbers, whichever it is."""
    first = values[0]
    bottom = lcm(*(v.denominator for v in values))
    steps = [int((v - first) * bottom) for v in values]
    step = gcd(*steps)
    if not step:
        return first
    unknown = Listed(name, len(values), rounds, values=tuple([s // step for s in steps]))
    return first + Fraction(step, bottom) * Polynomial({((unknown, 1),): 1})


def whole(domain: Interval) -> Stretch:
    """All of a domain."""
    count = domain.count
    if domain.step is not None and count is not None:
        return Stretch(0, count - 1)
    last = Fraction(domain.low != domain.high)
    return Stretch(Fraction(0), last, has_ends=bool(last))


def smooth(domain: Interval) -> list[Stretch]:
    """A domain in as few stretches as can be: a continuous one apart from its ends."""
    stretch = whole(domain)
    return stretch.split(domain, Undecided(Unknown("", None))) if stretch.has_ends else [stretch]


def index_of(place: Place, stretches: list[Stretch]) -> int:
    """Which of the stretches of a ``smooth`` domain has a place."""
    return 0 if len(stretches) == 1 or 0 < place < 1 else 1 + int(place)


def place_of(value: Any, domain: Interval) -> Place | None:
    """The place of a value of a domain; nothing where it is only nearly at one."""
    if value.__class__ is float:
        return None
    if domain.low == domain.high:
        return 0
    if domain.step is None:
        return Fraction(value - domain.low) / Fraction(domain.high - domain.low)
    place, over = divmod(value - domain.low, domain.step)
    return None if over else int(place)


Piece = Any  # a value, a Stretch of an Interval, or Choices of which nothing was asked


@dataclass(frozen=True, slots=True)
class Region:
    """A piece of a space: for each knob a value, or several of its domain."""

    pieces: Mapping[str, Piece]
    forced: Mapping[str, int] = field(default_factory=dict)  # choices inside bodies

    @property
    def open(self) -> list[str]:
        """The knobs of which it has more than one value."""
        return [
            name
            for name, piece in self.pieces.items()
            if isinstance(piece, Choices) or (isinstance(piece, Stretch) and not piece.is_point)
        ]

    @property
    def size(self) -> int:
        """How many assignments it has; a continuous stretch counts as one."""
        return prod(
            piece.count
            for piece in self.pieces.values()
            if isinstance(piece, Choices)
            or (isinstance(piece, Stretch) and not isinstance(piece.last, Fraction))
        )

    def is_smaller(self, count: int) -> bool:
        """Whether it has fewer assignments than so many."""
        ends = (piece.last for piece in self.pieces.values() if isinstance(piece, Stretch))
        return self.size < count and not any(isinstance(end, Fraction) for end in ends)

    def with_piece(self, name: str, piece: Piece) -> Region:
        return replace(self, pieces={**self.pieces, name: piece})
