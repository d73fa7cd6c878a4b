"""Solving for widths: the candidate of a shape that meets a budget.

Rejecting candidates over budget bends the answer of a search and wastes its trials; here the
width follows from the budget, by the static analysis, and no trial is spent on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from archdsl.analysis.grids import nearest_first, on_grid, value_of, walks
from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.knobs import Choices, Domain, Interval, Knob
from archdsl.elaborate.values import is_number

if TYPE_CHECKING:
    from archdsl.analysis.figures import Figures
    from archdsl.spec import Architecture, Spec

NEAR = 8  # places to look at where a candidate cannot be
HALVINGS = 48
KNOWN = 80  # units of work that the figures of a closed form take
SCANNED = 4_096  # values that are all looked at, where halving does not do
LISTED = 256  # values that are all looked at where closed forms say what they cost
LEARNED = 16  # networks that are elaborated for their closed forms in that
WALK = 64  # steps to a value that costs something else
KEPT = 4  # networks as large as any so far, for which work is left: those that are then shown

Cost = Callable[["Architecture"], float]  # what a network costs


@dataclass(frozen=True, slots=True)
class FigureCost:
    """A cost that is one of the figures: of many candidates it is known in closed form."""

    name: str

    def __call__(self, network: Architecture | Figures) -> float:
        return float(getattr(network, self.name))


class Measured:
    """A cost that is measured, which comes out a little different each time: of networks that are
    equal, once."""

    def __init__(self, measure: Cost) -> None:
        self.measure = measure
        self.known: dict[str, float] = {}

    def __call__(self, network: Architecture) -> float:
        if network.hash not in self.known:
            self.known[network.hash] = self.measure(network)
        return self.known[network.hash]

    def anew(self) -> Measured:
        """The same cost, of which nothing is measured yet."""
        return Measured(self.measure)


@dataclass(frozen=True)
class Solution:
    """A candidate that is near to a budget. ``off`` is its distance as a share of it."""

    spec: Spec
    chosen: Mapping[str, Any]  # all knobs that were set
    input: Sequence[int] | None
    knobs: Mapping[str, Any]  # those that were solved for
    cost: float
    off: float

    @cached_property
    def arch(self) -> Architecture:
        """The network itself."""
        return self.spec.candidate(self.chosen, self.input, first_only=True)

    @property
    def shown(self) -> str:
        """The solved knobs as they would be written."""
        known = self.spec.knobs
        return ", ".join(f"{n} = {known[n].show(v)}" for n, v in self.knobs.items())


class Solver:
    """Solves for knobs of a spec: one number, or several numbers and lists that are made larger
    and smaller together.

    ``cost`` is what is held; ``input`` replaces the spec's. ``step`` is the grid of lists.
    ``scans``: whether all values of a domain may be looked at, which measuring takes too long for.
    ``start`` has values that are scaled instead of the defaults.
    """

    def __init__(
        self,
        spec: Spec,
        names: Sequence[str],
        cost: Cost,
        step: int = 1,
        input: Sequence[int] | None = None,
        scans: bool = True,
        start: Mapping[str, Any] | None = None,
    ) -> None:
        self.spec = spec
        self.names = tuple(names)
        self.cost = cost
        self.step = step
        self.input = input
        self.scans = scans
        self.start = start or {}
        self.largest = 0  # of what a candidate took
        self.stopped = False  # by the bound on the work that may be done with the spec

    def solve(
        self, knobs: Mapping[str, Any], budget: float, within: float = math.inf
    ) -> Solution | None:
        """The nearest candidate with these knobs that is found; nothing where there is none.

        A number with a grid is halved while its cost rises; where a candidate costs less than one
        of a smaller value, or is none, or where the answer is farther off than ``within``, all
        values are looked at; and so they are where closed forms say what they cost.
        """
        grid = self.grid
        if grid is not None:
            return self.solve_number(knobs, budget, grid, within)
        return self.solve_together(knobs, budget, within)

    @property
    def grid(self) -> Domain | None:
        """The domain of the one knob that is solved for: nothing where they are several, or one
        without a domain."""
        return self.spec.knobs[self.names[0]].domain if len(self.names) == 1 else None

    @property
    def tried(self) -> str:
        """What A705 says before "has": nothing where every value was looked at, so that what is
        called nearest is known to be."""
        return "that was tried " if self.stopped or self.combinations is None else ""

    @property
    def combinations(self) -> Iterator[dict[str, Any]] | None:
        """All that may be chosen; nothing where that is without end, or more than is looked at."""
        domains = [self.spec.knobs[name].domain for name in self.names]
        counts = [0 if domain is None else domain.count or 0 for domain in domains]
        if not self.scans or not 0 < math.prod(counts) <= SCANNED:
            return None
        values = [d.values if isinstance(d, Choices) else d.enumerate() for d in domains if d]
        return (dict(zip(self.names, chosen, strict=True)) for chosen in product(*values))

    def candidate(
        self, knobs: Mapping[str, Any], values: Mapping[str, Any], budget: float
    ) -> Solution | None:
        chosen = {**knobs, **values}
        work = self.spec.program.work
        if self.stopped or work.left < KEPT * self.largest:
            self.stopped = True
            return None
        before = work.done
        try:
            cost = self.cost_of(chosen)
        except ArchError:
            return None
        finally:
            self.largest = max(self.largest, work.done - before)
        off = abs(cost - budget) / budget
        return Solution(self.spec, chosen, self.input, dict(values), cost, off)

    def cost_of(self, chosen: Mapping[str, Any]) -> float:
        """What the network of these knobs costs. Raises ``ArchError`` where they make none."""
        if isinstance(self.cost, FigureCost):
            known = self.spec.figures_known(chosen, self.input)
            if known is not None:
                self.spec.program.work.take(KNOWN)
                return self.cost(known)
        return self.cost(self.spec.candidate(chosen, self.input, first_only=True))

    # ---------------------------------------------------------------------- one number

    def solve_number(
        self, knobs: Mapping[str, Any], budget: float, domain: Domain, within: float
    ) -> Solution | None:
        """Halves a domain until the budget lies between two neighbours."""
        seen: dict[int, Solution | None] = {}
        name, count = self.names[0], domain.count
        places = 2**HALVINGS if count is None else count
        listed = sorted(domain.values) if isinstance(domain, Choices) else None

        def value_at(place: int) -> Any:
            if listed is not None:
                return listed[place]
            assert isinstance(domain, Interval)
            return value_of(domain, place, places)

        def at(place: int) -> Solution | None:
            if place not in seen:
                seen[place] = self.candidate(knobs, {name: value_at(place)}, budget)
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
            return _best([at(place) for place in range(count)])
        if isinstance(self.cost, FigureCost) and count is not None and count <= LISTED:
            learned = 0
            for place in set(range(count)) - set(seen):
                learned += not self.has_closed_form({**knobs, name: value_at(place)})
                if learned <= LEARNED:
                    at(place)
        return _best(seen.values())

    def has_closed_form(self, chosen: Mapping[str, Any]) -> bool:
        try:
            return self.spec.figures_known(chosen, self.input) is not None
        except ArchError:
            return True  # that it is no network takes no elaboration

    # ---------------------------------------------------------------- several together

    def solve_together(
        self, knobs: Mapping[str, Any], budget: float, within: float
    ) -> Solution | None:
        """Scales all values by one factor, then moves each by itself while that helps. Where that
        is farther off than ``within``, all combinations are looked at."""
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
        if best is None or best.off > within:
            for values in nearest_first(
                self.combinations or (), {} if best is None else best.knobs
            ):
                at(values)
            best = _best(tried.values())
        return best

    def scaled(self, factor: float) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in self.names:
            knob = self.spec.knobs[name]
            if isinstance(knob.default, tuple):
                values[name] = tuple(self.rounded(v * factor) for v in self.starts(knob))
            else:
                values[name] = on_grid(knob.domain, float(self.starts(knob)) * factor)
        return values

    def starts(self, knob: Knob) -> Any:
        """The value that is made larger or smaller."""
        return self.start.get(knob.name, knob.default)

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
            elif domain is not None:
                for walk in walks(domain, value):
                    found += [{**knobs, name: moved} for moved in list(walk)[:1]]
        return found

    # ---------------------------------------------------------------------- neighbours

    def around(
        self, knobs: Mapping[str, Any], found: Solution, budget: float
    ) -> dict[str, Solution]:
        """The next candidates ``down`` and ``up`` that cost something else: of one knob by its
        values; of several, and of lists, each is moved by itself, and the nearest is taken."""
        steps: dict[str, Solution | None]
        grid = self.grid
        if grid is None:
            near = [self.candidate(knobs, moved, budget) for moved in self.moves(found.knobs)]
            moved = [s for s in near if s is not None]
            less = [s for s in moved if s.cost < found.cost]
            more = [s for s in moved if s.cost > found.cost]
            steps = {"down": max(less, key=_cost, default=None)}
            steps["up"] = min(more, key=_cost, default=None)
        else:
            down, up = walks(grid, found.knobs[self.names[0]])
            steps = {
                w: self.first(knobs, found, budget, v) for w, v in (("down", down), ("up", up))
            }
        return {word: step for word, step in steps.items() if step is not None}

    def first(
        self, knobs: Mapping[str, Any], found: Solution, budget: float, values: Iterator[Any]
    ) -> Solution | None:
        """The first of some values that costs something else."""
        for _, value in zip(range(WALK), values, strict=False):
            step = self.candidate(knobs, {self.names[0]: value}, budget)
            if step is not None and step.cost != found.cost:
                return step
        return None


def _cost(solution: Solution) -> float:
    return solution.cost


def _rises(seen: Mapping[int, Solution | None]) -> bool:
    """Whether there is a candidate at each place, and none costs less than one before it."""
    found = [seen[place] for place in sorted(seen)]
    costs = [s.cost for s in found if s is not None]
    return len(costs) == len(found) and costs == sorted(costs)


def _best(found: Any) -> Solution | None:
    solutions = [s for s in found if s is not None]
    return min(solutions, key=lambda s: (s.off, s.cost)) if solutions else None


def reason_against(knob: Knob) -> str:
    """Why a knob cannot be solved for; nothing where it can."""
    default, domain = knob.default, knob.domain
    values = domain.values if isinstance(domain, Choices) else (default,)
    if isinstance(default, tuple):
        numbers = all(isinstance(v, tuple) and all(map(is_number, v)) for v in values)
        return "" if numbers else "it lists no numbers"
    if not is_number(default) or domain is None or not all(map(is_number, values)):
        return "it has no numeric domain"
    return ""


def solvable(knobs: Mapping[str, Knob]) -> list[str]:
    """The knobs that can be solved for."""
    return [name for name, knob in knobs.items() if not reason_against(knob)]


def describe_off(solution: Solution, budget: float) -> str:
    """``3.1% more``, ``7.5 times as much``."""
    share = (solution.cost - budget) / budget
    times, more = f"{1 + share:,.{1 if share < 100 else 0}f}", "more" if share > 0 else "less"
    return f"{times} times as much" if share >= 1 else f"{abs(share):.1%} {more}"
