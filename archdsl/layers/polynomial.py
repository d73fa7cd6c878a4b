"""Numbers that are not decided yet: polynomials over knobs.

The proof over a space runs a spec with such numbers in the place of knobs. Whatever is
computed from them is exact; whatever is *asked* of them (is it equal, is it less, is it a
whole number) is answered where the answer is the same for all values, and otherwise raises
``Undecided``, which says where the space has to be split.

A float is rounded at each step, in an order that a sum of terms does not keep: arithmetic of a
polynomial with a float is undecided. To compare the two is exact, as it is of whole numbers and
fractions with floats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor, gcd, lcm
from operator import eq, le, lt
from typing import Any

from archdsl.layers.unknowns import (
    MAX_MODULUS,
    Effort,
    Exact,
    Rounded,
    Undecided,
    Unknown,
    unrounded,
    walk,
)

Monomial = tuple[tuple[Unknown, int], ...]
Bounds = tuple[Exact, Exact, bool]
MAX_TERMS = 24
OF_BOUNDS = 12  # work for each term, where something in it is rounded


class Polynomial:
    """A sum of products of unknowns with exact coefficients. Immutable."""

    __slots__ = ("_bounds", "_hash", "terms")

    def __init__(self, terms: dict[Monomial, Exact]) -> None:
        if len(terms) > MAX_TERMS:
            raise Undecided(next(m for m in terms if m)[0][0])
        self.terms = terms
        self._hash = 0
        self._bounds: Bounds | None = None

    def terms_of(self, other: Any) -> dict[Monomial, Exact]:
        """The terms of what it is combined with; raises ``Undecided`` for a float."""
        if isinstance(other, Polynomial):
            return other.terms
        return {(): self.exact(other)}

    def exact(self, other: Any) -> Any:
        """A number; raises ``Undecided`` for a float."""
        if isinstance(other, float):
            raise self.undecided()
        return other

    # ------------------------------------------------------------------ arithmetic

    def __add__(self, other: Any) -> Any:
        terms = dict(self.terms)
        for monomial, coefficient in self.terms_of(other).items():
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return _made(terms)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __sub__(self, other: Any) -> Any:
        terms = dict(self.terms)
        for monomial, coefficient in self.terms_of(other).items():
            terms[monomial] = terms.get(monomial, 0) - coefficient
        return _made(terms)

    def __rsub__(self, other: Any) -> Any:
        return (-self) + other

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, (int, float, Polynomial, Fraction)):
            return NotImplemented  # a list so many times: Python asks for the number
        terms: dict[Monomial, Exact] = {}
        for n, d in self.terms_of(other).items():
            for m, c in self.terms.items():
                product = _product(m, n)
                terms[product] = terms.get(product, 0) + c * d
        return _made(terms)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, Polynomial):
            return self.multiple_of(other)
        return self * (Fraction(1) / self.exact(other))

    def __rtruediv__(self, other: Any) -> Any:
        raise self.undecided()

    def __floordiv__(self, other: Any) -> Any:
        """Exact where the divisor divides every coefficient."""
        return floor(self / other)

    def __mod__(self, other: Any) -> Any:
        plain = self.is_whole() and not self.is_rounded  # its remainders are few
        if isinstance(other, Polynomial) or (self.rounds and not plain):
            return self - other * (self // other)
        moving = {m: c / Fraction(self.exact(other)) for m, c in self.terms.items() if m}
        self.need_whole(moving)
        return self.terms.get((), 0) % other

    def __rfloordiv__(self, other: Any) -> Any:
        raise self.undecided()

    __rmod__ = __rpow__ = __rfloordiv__

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) is not int or not 0 <= exponent <= 4:
            raise self.undecided()
        result: Any = 1
        for _ in range(exponent):
            result = result * self
        return result

    def __floor__(self) -> Any:
        if self.rounds:
            return self.rounded()
        constant = self.terms.get((), 0)
        moving = {m: c for m, c in self.terms.items() if m}
        self.need_whole(moving)
        return self - constant + floor(constant)

    def __ceil__(self) -> Any:
        return -floor(-self)

    @property
    def rounds(self) -> Effort | None:
        """What its answers may take, where a rounding of it is an unknown of its own."""
        unknowns = [u for m in self.terms for u, _ in m]
        if any(u.count is None for u in unknowns):
            return None
        return next((u.rounds for u in unknowns if u.rounds), None)

    def rounded(self) -> Any:
        """The whole number at or below: what is whole in it, and the rest rounded."""
        low, high, _ = self.bounds()
        if floor(low) == floor(high):
            return floor(low)
        whole = {m: floor(c) for m, c in self.terms.items()}
        rest = _made({m: c - floor(c) for m, c in self.terms.items()})
        if isinstance(rest, Polynomial):
            whole[((Rounded.of(rest, self.rounds), 1),)] = 1
        return _made({**whole})

    def need_whole(self, moving: Mapping[Monomial, Exact]) -> None:
        """Raises ``Undecided`` unless all but the constant is a whole number for all values."""
        for monomial, coefficient in moving.items():
            divisor = Fraction(coefficient).denominator
            if any(u.count is None for u, _ in monomial):
                raise self.undecided()
            if divisor > 1:
                unknown = monomial[0][0]
                raise Undecided(unknown, modulus=divisor if divisor <= MAX_MODULUS else None)

    def multiple_of(self, other: Polynomial) -> Exact:
        """The number by which another polynomial is multiplied here, as the channels of a
        depthwise convolution are of its groups; raises ``Undecided`` where there is none."""
        if other == 0:
            raise ZeroDivisionError
        monomial, coefficient = next(iter(other.terms.items()))
        factor = self.terms.get(monomial, 0) / Fraction(coefficient)
        if self.terms.keys() != other.terms.keys() or any(
            self.terms[m] != factor * c for m, c in other.terms.items()
        ):
            raise other.undecided()
        return factor.numerator if factor.denominator == 1 else factor

    def __abs__(self) -> Any:
        return self if self >= 0 else -self

    def at(self, places: Mapping[str, Exact]) -> Exact:
        """Its value where each unknown, by its name, is at a place."""
        total: Exact = 0
        for monomial, value in self.terms.items():
            for unknown, power in monomial:
                value *= unknown.at(places) ** power
            total += value
        return total

    def parts(self) -> int:
        """How much there is to work out for its value: terms, and what is rounded in them."""
        return sum(1 + sum(u.parts for u, _ in m) for m in self.terms)

    def roots(self) -> frozenset[Unknown]:
        """The knobs that it depends on."""
        return frozenset().union(*(u.roots() for m in self.terms for u, _ in m))

    # -------------------------------------------------------------------- questions

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Polynomial):
            return self.terms == other.terms or (self - other) == 0
        if not isinstance(other, (int, float, Fraction)) or isinstance(other, bool):
            return NotImplemented
        low, high, open = self.bounds()
        if low > other or high < other or (open and (other in (low, high))):
            return False
        if self.never(other):
            return False
        return self.asked(other, eq)

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __lt__(self, other: Any) -> bool:
        if isinstance(other, Polynomial):
            return bool(self - other < 0)
        low, high, open = self.bounds()
        if high < other or (open and high == other):
            return True
        if low >= other:
            return False
        return self.asked(other, lt)

    def __le__(self, other: Any) -> bool:
        if isinstance(other, Polynomial):
            return bool(self - other <= 0)
        low, high, open = self.bounds()
        if high <= other:
            return True
        if low > other or (open and low == other):
            return False
        return self.asked(other, le)

    def asked(self, other: Any, compare: Callable[[Any, Any], bool]) -> bool:
        """The answer to a comparison that bounds do not decide; raises ``Undecided``."""
        if not self.is_rounded:
            raise self.split(other)
        return bool(walk(self, lambda value: compare(value, other)))

    def __gt__(self, other: Any) -> bool:
        return not self <= other

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __hash__(self) -> int:
        if not self._hash:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __bool__(self) -> bool:
        return self != 0

    def _concrete(self) -> Any:
        if self.is_rounded:
            return walk(self, lambda value: value)
        raise self.undecided()

    __int__ = __float__ = __index__ = __round__ = __trunc__ = _concrete

    def __format__(self, spec: str) -> str:
        """As it prints, wherever a message has a number: of unknowns there are no digits."""
        return repr(self)

    def __repr__(self) -> str:
        parts = []
        for monomial, coefficient in self.terms.items():
            factors = [f"{u.name}^{p}" if p > 1 else u.name for u, p in monomial]
            parts.append(" ".join([str(coefficient), *factors]))
        return f"<{' + '.join(parts)}>"

    def undecided(self) -> Undecided:
        """What to raise where a value itself is needed."""
        if self.is_rounded:
            try:
                walk(self, lambda value: value)
            except Undecided as question:
                return question
        for monomial in self.terms:
            for unknown, _ in monomial:
                return Undecided(unknown)
        raise AssertionError("a polynomial has an unknown")

    @property
    def is_rounded(self) -> bool:
        """Whether something in it is rounded."""
        return any(isinstance(u, Rounded) for m in self.terms for u, _ in m)

    def is_whole(self) -> bool:
        """Whether every value is a whole number, as far as the coefficients show."""
        return all(
            isinstance(c, int) and all(u.count is not None for u, _ in m)
            for m, c in self.terms.items()
        )

    def bounds(self) -> Bounds:
        """The least and greatest value, and whether they are only approached."""
        if self._bounds is None:
            self._bounds = self.work_out_bounds()
        return self._bounds

    def work_out_bounds(self) -> Bounds:
        bottom = lcm(*(c.denominator for c in self.terms.values()))  # whole numbers are quicker
        least = most = 0
        for monomial, coefficient in self.terms.items():
            small = large = 1
            for unknown, power in monomial:
                a, b = unknown.bounds()
                for _ in range(power):
                    if a < 0 or small < 0:
                        products = (small * a, small * b, large * a, large * b)
                        small, large = min(products), max(products)
                    else:
                        small, large = small * a, large * b
            top = coefficient.numerator * (bottom // coefficient.denominator)
            least += top * (small if top > 0 else large)
            most += top * (large if top > 0 else small)
        low, high = (n if bottom == 1 else Fraction(n, bottom) for n in (least, most))
        near = self.near_bounds() if self.is_rounded else None
        if near is not None:
            low, high = max(low, near[0]), min(high, near[1])
        # An end is only approached where a term of real unknowns alone never reaches its own.
        return low, high, any(m and all(u.is_open for u, _ in m) for m in self.terms)

    def near_bounds(self) -> tuple[Exact, Exact] | None:
        """Bounds by what is rounded: a rounded number is below it, by less than one."""
        terms, below, above, bottom = unrounded(self.terms)
        if self.rounds is not None:
            self.rounds.bounds += OF_BOUNDS * len(terms)
        if len(terms) > MAX_TERMS or (not below and not above):
            return None
        found = _made(terms)
        low, high = found.bounds()[:2] if isinstance(found, Polynomial) else (found, found)
        return Fraction(low - below, bottom), Fraction(high + above, bottom)

    def never(self, value: Any) -> bool:
        """Whether divisibility rules a value out: 4 t + 2 is never 0."""
        if not self.is_whole():
            return False
        common = gcd(*(int(c) for m, c in self.terms.items() if m))
        return (self.terms.get((), 0) - Fraction(value)) % common != 0

    def split(self, value: Any) -> Undecided:
        """Where it passes a value, if it is linear in a single unknown."""
        unknowns = {u for m in self.terms for u, _ in m}
        first = min(unknowns, key=lambda u: (u.count is None, u.count or 0, u.name))
        if len(unknowns) == 1 and all(sum(p for _, p in m) <= 1 for m in self.terms):
            slope = self.terms[((first, 1),)]
            root = (Fraction(value) - self.terms.get((), 0)) / slope
            if first.count is None:
                return Undecided(first, (root,))
            return Undecided(first, tuple(dict.fromkeys((ceil(root), floor(root) + 1))))
        return Undecided(first)


def decided(value: Any) -> Any:
    """The value, where it is decided; raises ``Undecided`` where it is not."""
    if isinstance(value, Polynomial):
        raise value.undecided()
    return value


def _product(m: Monomial, n: Monomial) -> Monomial:
    if not m or not n:
        return m or n
    powers: dict[Unknown, int] = dict(m)
    for unknown, power in n:
        powers[unknown] = powers.get(unknown, 0) + power
    return tuple(sorted(powers.items(), key=lambda item: item[0].name))


def _made(terms: dict[Monomial, Exact]) -> Any:
    """The polynomial of some terms, or the number that it is."""
    kept: dict[Monomial, Exact] = {}
    for monomial, coefficient in terms.items():
        if coefficient:
            if coefficient.__class__ is not int and coefficient.denominator == 1:
                coefficient = coefficient.numerator
            kept[monomial] = coefficient
    if not kept:
        return 0
    if len(kept) == 1 and () in kept:
        return kept[()]
    return Polynomial(kept)


def unknown_value(
    name: str, count: int | None, low: Any, step: Any, rounds: Effort | None = None
) -> Any:
    """The value ``low + step * t`` of an unknown ``t``; a number where there is only one."""
    if count == 1:
        return low
    return low + step * Polynomial({((Unknown(name, count, rounds), 1),): 1})
