"""The values of domains, in their order: by their places, step by step, and nearest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from archdsl.elaborate.equality import same
from archdsl.elaborate.knobs import Choices, Domain, Interval
from archdsl.elaborate.values import is_number

DIGITS = 4  # of a number from a continuous domain: what is written is what is trained


def value_of(domain: Interval, place: int, places: int) -> Any:
    """A value of an interval at one of so many places; of a continuous one it is exact."""
    if domain.count is not None:
        return domain.enumerate()[place]
    share = Fraction(place, places - 1)
    if domain.log:
        return Fraction(repr(domain.at(float(share))))
    low, high = Fraction(domain.low), Fraction(domain.high)
    return Fraction(repr(round(float(low + share * (high - low)), 9)))


def walks(domain: Domain, value: Any) -> tuple[Iterator[Any], Iterator[Any]]:
    """The values below one, and those above it, the nearest first."""
    if isinstance(domain, Choices):
        values = sorted(domain.values)
        at = next(i for i, v in enumerate(values) if same(v, value))
        return iter(values[:at][::-1]), iter(values[at + 1 :])
    return _walk(domain, value, -1), _walk(domain, value, 1)


def _walk(domain: Interval, value: Any, way: int) -> Iterator[Any]:
    """Step by step; in a continuous interval by twice as much each time, from a thousandth on."""
    move: Any = domain.step
    if move is None:
        move = Fraction(repr(round(float(domain.high - domain.low) / 1000, 9)))
    while (value + way * move) in domain:
        value += way * move
        yield value
        if domain.step is None:
            move *= 2


def on_grid(domain: Any, value: float) -> Any:
    """The value of a domain that is nearest to a number."""
    if isinstance(domain, Choices):
        return min(domain.values, key=lambda v: abs(float(v) - value))
    if domain is None:
        return round(value)
    value = min(max(value, float(domain.low)), float(domain.high))
    if domain.step is None:
        return Fraction(repr(round(value, 9)))
    place = round((value - float(domain.low)) / float(domain.step))
    return domain.value(min(max(place, 0), domain.count - 1))


def nearest_first(
    combinations: Iterable[dict[str, Any]], start: Mapping[str, Any]
) -> Iterable[dict[str, Any]]:
    """Combinations of values, those first whose numbers differ least from those that are given."""
    wanted = {name: float(value) for name, value in start.items() if is_number(value)}

    def distance(values: Mapping[str, Any]) -> float:
        return sum(abs(float(values[n]) - w) / (abs(w) or 1) for n, w in wanted.items())

    return sorted(combinations, key=distance) if wanted else combinations


def rounded(domain: Interval, number: float) -> float:
    """A number of a continuous domain in digits that can be written down, still inside of it."""
    short = float(f"{number:.{DIGITS}g}")
    return min(max(short, float(domain.low)), float(domain.high))
