"""Solving for widths: the candidate of a shape that meets a budget.

Rejecting candidates over budget bends the answer of a search and wastes its trials; here the
width follows from the budget, by the static analysis, and no trial is spent on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.knobs import Interval
from archdsl.elaborate.values import is_number
from archdsl.spec import Architecture, Spec

NEAR = 8  # places to look at where a candidate cannot be
HALVINGS = 48
SCANNED = 4_096  # values that are all looked at, where halving does not do

Cost = Callable[[Architecture], float]


@dataclass(frozen=True, slots=True)
class Solution:
    """The candidate that is nearest to a budget. ``off`` is its distance as a share of it."""

    arch: Architecture
    knobs: Mapping[str, Any]  # those that were solved for
    cost: float
    off: float

    @property
    def shown(self) -> str:
        """The solved knobs as they would be written."""
        known = self.arch.spec.knobs
        return ", ".join(f"{n} = {known[n].show(v)}" for n, v in self.knobs.items())


class Solver:
    """Solves for knobs of a spec: one number, or several numbers and lists that are made larger
    and smaller together.

    ``cost`` is what is held; ``input`` replaces the spec's. ``step`` is the grid of lists.
    ``scans``: whether all values of a domain may be looked at, which measuring takes too long for.
    """

    def __init__(
        self,
        spec: Spec,
        names: Sequence[str],
        cost: Cost,
        step: int = 1,
        input: Sequence[int] | None = None,
        scans: bool = True,
    ) -> None:
        self.spec = spec
        self.names = tuple(names)
        self.cost = cost
        self.step = step
        self.input = input
        self.scans = scans

    def solve(
        self, knobs: Mapping[str, Any], budget: float, within: float = math.inf
    ) -> Solution | None:
        """The nearest candidate with these knobs; nothing where there is no candidate at all.

        A number with a grid is halved while its cost rises; where a candidate costs less than one
        of a smaller value, or is none, or where the answer is farther off than ``within``, all
        values are looked at.
        """
        only = self.spec.knobs[self.names[0]]
        alone = len(self.names) == 1 and is_number(only.default)
        if alone and isinstance(only.domain, Interval):
            return self.solve_number(knobs, budget, only.name, only.domain, within)
        return self.solve_together(knobs, budget)

    def candidate(
        self, knobs: Mapping[str, Any], values: Mapping[str, Any], budget: float
    ) -> Solution | None:
        try:
            arch = self.spec.candidate({**knobs, **values}, self.input, first_only=True)
        except ArchError:
            return None
        cost = self.cost(arch)
        return Solution(arch, dict(values), cost, abs(cost - budget) / budget)

    # ---------------------------------------------------------------------- one number

    def solve_number(
        self,
        knobs: Mapping[str, Any],
        budget: float,
        name: str,
        domain: Interval,
        within: float,
    ) -> Solution | None:
        """Halves a domain until the budget lies between two neighbours."""
        seen: dict[int, Solution | None] = {}
        count = domain.count
        places = 2**HALVINGS if count is None else count

        def at(place: int) -> Solution | None:
            if place not in seen:
                value = domain.value(place) if count is not None else _real(domain, place, places)
                seen[place] = self.candidate(knobs, {name: value}, budget)
            return seen[place]

        def near(place: int) -> Solution | None:
            """The candidate at a place, or at the nearest one that has any."""
            for distance in range(NEAR + 1):
                for other in (place + distance, place - distance):
                    if 0 <= other < places and (found := at(other)) is not None:
                        return found
            return None

        low, high = 0, places - 1
        while low < high:
            middle = (low + high) // 2
            found = near(middle)
            if found is None or found.cost < budget:
                low = middle + 1
            else:
                high = middle
            if count is None and found is not None and found.off < 1e-6:
                break
        for place in (low, low - 1, low + 1):
            if 0 <= place < places:
                near(place)
        best = _best(seen.values())
        missed = best is None or best.off > within or not _rises(seen)
        if missed and self.scans and count is not None and count <= SCANNED:
            best = _best([at(place) for place in range(count)])
        return best

    # ---------------------------------------------------------------- several together

    def solve_together(self, knobs: Mapping[str, Any], budget: float) -> Solution | None:
        """Scales all values by one factor, then moves each by itself while that helps."""
        tried: dict[tuple[Any, ...], Solution | None] = {}

        def at(values: Mapping[str, Any]) -> Solution | None:
            key = tuple(values.values())
            if key not in tried:
                tried[key] = self.candidate(knobs, values, budget)
            return tried[key]

        low, high = 1 / 64, 64.0
        for _ in range(HALVINGS // 2):
            middle = math.sqrt(low * high)
            found = at(self.scaled(middle))
            if found is None or found.cost < budget:
                low = middle
            else:
                high = middle
        at(self.scaled(low)), at(self.scaled(high))
        best = _best(tried.values())
        while best is not None:
            for moved in self.moves(best.knobs):
                at(moved)
            better = _best(tried.values())
            if better is None or better.off >= best.off:
                break
            best = better
        return best

    def scaled(self, factor: float) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in self.names:
            knob = self.spec.knobs[name]
            if isinstance(knob.default, tuple):
                values[name] = tuple(self.rounded(v * factor) for v in knob.default)
            else:
                values[name] = _on_grid(knob.domain, float(knob.default) * factor)
        return values

    def rounded(self, value: Any) -> int:
        return max(self.step, round(float(value) / self.step) * self.step)

    def moves(self, knobs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One value of one knob a step up or down."""
        found = []
        for name, value in knobs.items():
            domain = self.spec.knobs[name].domain
            if isinstance(value, tuple):
                for i, v in enumerate(value):
                    for step in (-self.step, self.step):
                        if v + step >= self.step:
                            moved = (*value[:i], v + step, *value[i + 1 :])
                            found.append({**knobs, name: moved})
            elif isinstance(domain, Interval) and domain.step is not None:
                for move in (-domain.step, domain.step):
                    if value + move in domain:
                        found.append({**knobs, name: value + move})
        return found


def _real(domain: Interval, place: int, places: int) -> Any:
    """A value of a continuous domain, exact."""
    share = Fraction(place, places - 1)
    if domain.log:
        return Fraction(repr(domain.at(float(share))))
    low, high = Fraction(domain.low), Fraction(domain.high)
    return Fraction(repr(round(float(low + share * (high - low)), 9)))


def _on_grid(domain: Any, value: float) -> Any:
    """The value of a domain that is nearest to a number."""
    if not isinstance(domain, Interval):
        return round(value)
    value = min(max(value, float(domain.low)), float(domain.high))
    if domain.step is None:
        return Fraction(repr(round(value, 9)))
    place = round((value - float(domain.low)) / float(domain.step))
    count = domain.count
    assert count is not None
    return domain.value(min(max(place, 0), count - 1))


def _rises(seen: Mapping[int, Solution | None]) -> bool:
    """Whether there is a candidate at each place, and none costs less than one before it."""
    found = [seen[place] for place in sorted(seen)]
    costs = [s.cost for s in found if s is not None]
    return len(costs) == len(found) and costs == sorted(costs)


def _best(found: Any) -> Solution | None:
    solutions = [s for s in found if s is not None]
    return min(solutions, key=lambda s: (s.off, s.cost)) if solutions else None


def describe_off(solution: Solution, budget: float) -> str:
    """``3.1% more``."""
    share = (solution.cost - budget) / budget
    return f"{abs(share):.1%} {'more' if share > 0 else 'less'}"
