"""What is tuned, as the numbers that a curve goes through, and back as values of its domain.

A range is on its own scale. A list of numbers is on a logarithmic one where its ends are a factor
of four apart or more, as rates are listed. A list of anything else has no curve.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import exp, isfinite, log
from typing import Any

from archdsl.analysis.grids import on_grid, rounded
from archdsl.elaborate.knobs import Choices, Domain
from archdsl.elaborate.values import is_number

WIDE = 4  # times as large as the least: such a list is on a logarithmic scale
LEAST = 3  # values of a list, through which a curve can go


def has_scale(domain: Domain) -> bool:
    """Whether a curve can go through the values of a domain."""
    if isinstance(domain, Choices):
        return len(domain.values) >= LEAST and all(map(is_number, domain.values))
    return domain.low < domain.high and (domain.count is None or domain.count >= LEAST)


def has_curve(tune: Iterable[Domain]) -> bool:
    """Whether one curve can go through all that is tuned."""
    return all(map(has_scale, tune))


def _is_log(domain: Domain) -> bool:
    if not isinstance(domain, Choices):
        return domain.log
    values = [float(v) for v in domain.values]
    return min(values) > 0 and max(values) >= WIDE * min(values)


def place_in(domain: Domain, value: float) -> float:
    """Where a number lies in a domain that has a scale, from 0 to 1."""
    ends = domain.values if isinstance(domain, Choices) else (domain.low, domain.high)
    low, high = float(min(ends)), float(max(ends))
    if _is_log(domain):
        low, high, value = log(low), log(high), log(max(value, low))
    return min(max((value - low) / (high - low), 0.0), 1.0)


def numbers(tune: Mapping[str, Domain], setting: str) -> tuple[float, ...]:
    """What was tuned as numbers, each on its scale; nothing where anything of it has none."""
    written = numbers_of(setting)
    found = []
    for name, domain in tune.items():
        if name not in written or not has_scale(domain):
            return ()
        value, logarithmic = written[name], _is_log(domain)
        if logarithmic and value <= 0:
            return ()
        found.append(log(value) if logarithmic else value)
    return tuple(found)


def numbers_of(setting: str) -> dict[str, float]:
    """The finite numbers of a setting such as "lr = 0.05, optimizer = sgd", by their names."""
    found = {}
    for part in setting.split(", "):
        name, _, written = part.partition(" = ")
        over, _, under = written.partition("/")  # as values are written: 0.05 or 1/3000
        try:
            value = float(over) / float(under) if under else float(over)
        except (ValueError, ZeroDivisionError):
            continue
        if isfinite(value):
            found[name] = value
    return found


def values_of(tune: Mapping[str, Domain], tuned: Sequence[float]) -> dict[str, Any]:
    """The values of domains to which numbers on their scales are nearest."""
    return {
        name: _nearest(domain, number)
        for (name, domain), number in zip(tune.items(), tuned, strict=True)
    }


def _nearest(domain: Domain, number: float) -> Any:
    logarithmic = _is_log(domain)
    if isinstance(domain, Choices):
        place = log if logarithmic else float
        return min(domain.values, key=lambda value: abs(place(value) - number))
    value = exp(number) if logarithmic else number
    if domain.step is None:
        return Fraction(repr(rounded(domain, value)))
    return on_grid(domain, value)
