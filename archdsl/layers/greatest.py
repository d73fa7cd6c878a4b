"""The greater of a number and of what a proof has rounded.

A width that is rounded is often kept from being nothing: ``max(8, 8 * round(c / 8))``. A proof that
asked which of the two it is would split the space along a product of knobs; it goes on with the
greater one as a number of its own, as with what is rounded.
"""

from __future__ import annotations

from math import gcd
from typing import Any

from archdsl.layers.polynomial import Polynomial
from archdsl.layers.unknowns import Rounded


def greatest(value: Polynomial, least: Any) -> Any:
    """The greater of a polynomial and a number; nothing where the two have to be compared, as
    nothing is rounded in it, or as there are fractions."""
    low, high, _ = value.bounds()
    if low >= least or high <= least:
        return value if low >= least else least
    if type(least) is not int or not value.rounds or not (value.is_rounded and value.is_whole()):
        return None
    common = gcd(least, *(int(c) for c in value.terms.values()))
    constant = value.terms.get((), 0) // common
    moving = {m: c // common for m, c in value.terms.items() if m}
    (monomial, factor), *others = moving.items()
    (unknown, power), *more = monomial
    if others or more or (factor, power) != (1, 1) or not isinstance(unknown, Rounded):
        whole = value / common
        return common * Polynomial({((Rounded.of(whole, value.rounds, least // common), 1),): 1})
    needed = least // common - constant
    if unknown.least is not None:
        needed = max(needed, unknown.least)
    made = Rounded.of(unknown.argument, value.rounds, needed)
    return common * (constant + Polynomial({((made, 1),): 1}))
