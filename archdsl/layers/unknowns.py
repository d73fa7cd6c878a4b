"""What polynomials are over: places in the domains of knobs, and what is rounded of them.

A rounding is piecewise constant. Where a spec rounds a width, the proof goes on with the rounded
number as an unknown of its own, of which it is known that it is whole, and less than one below what
was rounded. Most questions are answered by that. Of the others, the answer is worked out at each
place of the domain, and the space is split where it changes: at the pieces, not at the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import floor, lcm, prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archdsl.layers.polynomial import Polynomial

Exact = int | Fraction
MAX_MODULUS = 64
MOST_PLACES = 1_000  # of one knob, at which an answer is worked out
MOST_PAIRS = 100  # of several knobs
MOST_PARTS = 64  # of what is rounded, with all that is rounded within it: else each value is tried
MOST_STEPS = 20_000  # of one answer: places times parts
MOST_CUTS = 64  # of a domain whose places can be told apart by a remainder


class Effort:
    """How much may be worked out, place by place, for answers that bounds do not give: as units
    of work, of which the value of a term takes one. ``bounds``: what these took, which is work
    too."""

    __slots__ = ("bounds", "done", "most")

    def __init__(self, most: float) -> None:
        self.most = most
        self.done = 0
        self.bounds = 0


@dataclass(frozen=True, eq=False, slots=True)
class Unknown:
    """A place in a knob's domain: a whole number from 0 to ``count - 1``, or, where ``count`` is
    nothing, a real number between 0 and 1, both excluded but where it ``has_ends``. ``rounds``:
    what is rounded of it is an unknown of its own, and how much that may take."""

    name: str
    count: int | None
    rounds: Effort | None = None
    has_ends: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its bounds are only approached."""
        return self.count is None and not self.has_ends

    def bounds(self) -> tuple[int, int]:
        return (0, 1) if self.count is None else (0, self.count - 1)

    def at(self, places: Mapping[str, Exact]) -> Exact:
        """Its value where the unknowns of knobs, by their names, are at places."""
        return places[self.name]

    def roots(self) -> frozenset[Unknown]:
        """The knobs that it depends on."""
        return frozenset((self,))

    @property
    def parts(self) -> int:
        """How much there is to work out for its value."""
        return 1


@dataclass(frozen=True, eq=False, slots=True)
class Listed(Unknown):
    """One of some whole numbers, of which the place says which."""

    values: tuple[int, ...] = ()

    def bounds(self) -> tuple[int, int]:
        return min(self.values), max(self.values)

    def at(self, places: Mapping[str, Exact]) -> Exact:
        return self.values[int(places[self.name])]


@dataclass(frozen=True, eq=False, slots=True)
class Rounded(Unknown):
    """The whole number at or below a polynomial, but at least a number if there is a ``least``. Two
    of one polynomial and one least are equal."""

    argument: Any = None
    size: int = 1
    bottom: int = 1  # what the argument's coefficients have in common below the line
    tops: tuple[tuple[Any, int], ...] = ()  # its terms, times that
    least: int | None = None

    @classmethod
    def of(cls, argument: Polynomial, effort: Effort | None, least: int | None = None) -> Rounded:
        """Raises ``Undecided`` where roundings within roundings are more than can be looked at."""
        size = 1 + argument.parts()
        if size > MOST_PARTS:
            raise Undecided(smallest(argument.roots()))
        bottom = lcm(*(Fraction(c).denominator for c in argument.terms.values()))
        tops = tuple((m, int(c * bottom)) for m, c in argument.terms.items())
        name = f"floor({argument!r})" if least is None else f"max({least}, floor({argument!r}))"
        return cls(name, 0, effort, False, argument, size, bottom, tops, least)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rounded) or self.least != other.least:
            return False
        return bool(self.argument.terms == other.argument.terms)

    def __hash__(self) -> int:
        return hash(("floor", self.argument))

    def bounds(self) -> tuple[int, int]:
        low, high = map(floor, self.argument.bounds()[:2])
        return (low, high) if self.least is None else (max(low, self.least), max(high, self.least))

    @property
    def beside(self) -> tuple[int, int]:
        """How much less and more it is than what is rounded: ``bottom`` times, at most."""
        raised = 0 if self.least is None else max(0, self.least - floor(self.argument.bounds()[0]))
        return self.bottom - 1, raised * self.bottom

    def at(self, places: Mapping[str, Exact]) -> Exact:
        total: Exact = 0
        for monomial, value in self.tops:  # whole numbers: many times faster than fractions
            term: Exact = value
            for unknown, power in monomial:
                term *= unknown.at(places) ** power
            total += term
        found = total // self.bottom
        return found if self.least is None else max(found, self.least)

    def roots(self) -> frozenset[Unknown]:
        found: frozenset[Unknown] = self.argument.roots()
        return found

    @property
    def parts(self) -> int:
        return self.size


def unrounded(
    terms: Mapping[tuple[tuple[Unknown, int], ...], Exact],
) -> tuple[dict[Any, Exact], int, int, int]:
    """Terms with what is rounded in them as it was before; how much less, and how much more, they
    are than those, at most; and the number by which all of this is to be divided."""
    parts = []
    for m, c in terms.items():
        unknown, power = m[0] if len(m) == 1 else (None, 0)
        parts.append((m, c, unknown if isinstance(unknown, Rounded) and power == 1 else None))
    bottom = lcm(*(c.denominator * (u.bottom if u else 1) for _, c, u in parts))
    found: dict[Any, Exact] = {}
    below = above = 0
    for monomial, c, u in parts:
        top = c.numerator * (bottom // c.denominator)
        if u is None:
            found[monomial] = found.get(monomial, 0) + top
            continue
        top //= u.bottom
        for m, n in u.tops:
            found[m] = found.get(m, 0) + top * n
        less, more = u.beside
        if top > 0:
            below, above = below + top * less, above + top * more
        else:
            below, above = below - top * more, above - top * less
    return found, below, above, bottom


class Undecided(Exception):
    """A question whose answer depends on ``unknown``.

    ``cuts``: where the answer changes, as far as that is known: places between which it does
    not. ``modulus``: the answer is known for places that leave one remainder by it. Neither
    stands for "anywhere".
    """

    def __init__(
        self, unknown: Unknown, cuts: tuple[Exact, ...] = (), modulus: int | None = None
    ) -> None:
        unknown = min(unknown.roots(), key=lambda u: u.name)
        super().__init__(unknown.name)
        self.unknown = unknown
        self.cuts = cuts
        self.modulus = modulus


def walk(value: Polynomial, ask: Callable[[Exact], Any]) -> Any:
    """The answer to a question about a polynomial, where it is the same at all places; raises
    ``Undecided`` with the places at which it changes."""
    roots = sorted(value.roots(), key=lambda u: u.name)
    counts = [u.count for u in roots if u.count is not None]
    most = min(MOST_PLACES if len(roots) == 1 else MOST_PAIRS, MOST_STEPS // value.parts())
    if len(counts) < len(roots) or prod(counts) > most:
        raise Undecided(smallest(roots))
    effort = value.rounds
    if effort is not None:
        amount = prod(counts) * value.parts()
        if effort.done + amount > effort.most:
            raise Undecided(smallest(roots))
        effort.done += amount
    names = [u.name for u in roots]
    grid = list(product(*map(range, counts)))
    answers = {at: ask(value.at(dict(zip(names, at, strict=True)))) for at in grid}
    first = answers[grid[0]]
    if all(answer == first for answer in answers.values()):
        return first
    cuts = [
        sorted({at[i] for at in grid if at[i] and answers[at] != answers[_before(at, i)]})
        for i in range(len(roots))
    ]
    place = min((i for i, found in enumerate(cuts) if found), key=lambda i: len(cuts[i]))
    if len(cuts[place]) > MOST_CUTS and 1 < (modulus := _modulus(value)) <= MAX_MODULUS:
        raise Undecided(roots[place], modulus=modulus)
    raise Undecided(roots[place], tuple(cuts[place]))


def smallest(roots: Iterable[Unknown]) -> Unknown:
    """The one with the fewest places."""
    return min(roots, key=lambda u: (u.count is None, u.count or 0, u.name))


def _before(at: tuple[int, ...], i: int) -> tuple[int, ...]:
    return (*at[:i], at[i] - 1, *at[i + 1 :])


def _modulus(value: Polynomial) -> int:
    """A number of places after which roundings begin anew."""
    found = 1
    for monomial in value.terms:
        for unknown, _ in monomial:
            if isinstance(unknown, Rounded):
                bottoms = (Fraction(c).denominator for m, c in unknown.argument.terms.items() if m)
                found = lcm(found, _modulus(unknown.argument), *bottoms)
    return found
