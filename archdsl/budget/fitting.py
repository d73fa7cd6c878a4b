"""Networks of a budget: what `spec.fit` and `archdsl fit` solve for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import TYPE_CHECKING, Any

from archdsl.analysis.figures import NAMED
from archdsl.analysis.grids import walks
from archdsl.analysis.solve import (
    Cost,
    FigureCost,
    Measured,
    Solution,
    Solver,
    describe_off,
    reason_against,
    solvable,
)
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose, did_you_mean
from archdsl.elaborate.knobs import Knob
from archdsl.settings import read_input, read_settings
from archdsl.units import human_bytes, short

if TYPE_CHECKING:
    from archdsl.spec import Spec

MEASURED = 3  # times that is solved for a measured cost until a second measurement agrees
WITHIN = 0.02  # how far off a budget a network may be, as a share of it
STEPS = 10  # of work that the estimate of memory takes for each layer
FAR = 50  # percent off a budget: no tolerance that anybody wants


def cost_of(name: str, batch: int = 1, training: bool = False) -> Cost:
    """A cost by its name: ``memory`` is the estimate of bytes at the peak, for a batch."""
    if name in NAMED:
        return FigureCost(name)
    if name != "memory":
        return lambda arch: float(arch.cost(name))

    def bytes_of(arch: Any) -> float:
        found = arch.memory(batch)
        arch.spec.program.work.take(STEPS * len(arch.flat.nodes))
        return float(found.training if training else found.inference)

    return bytes_of


def shown_cost(cost: str, value: float) -> str:
    """A cost as people read it: ``5M``, ``20ms``, ``97.7 MiB``."""
    if cost == "latency":
        return f"{float(value) * 1000:.4g}ms"
    return human_bytes(value) if cost == "memory" else short(value)


@dataclass(frozen=True, slots=True)
class Aim:
    """What is asked for: a cost and its budget, the knobs that are solved for, how near.

    ``measured``: whether a cost takes so long that not every value may be looked at. ``given``: the
    knobs whose values were asked for, which no help offers to change.
    """

    name: str
    cost: Cost
    budget: float
    by: tuple[str, ...]
    within: float = WITHIN
    step: int = 1
    measured: bool = False
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fitted:
    """The network that meets a budget, and what a step down and a step up would cost. ``again``:
    a second measurement of a cost that is measured, by which nothing was chosen."""

    found: Solution
    around: Mapping[str, Solution]  # `down` and `up`
    again: float | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was solved for once: the nearest, if there is any, and with what it is measured again
    where its cost is measured."""

    aim: Aim
    solver: Solver
    found: Solution | None
    second: Measured | None

    @property
    def met(self) -> bool:
        """Whether the nearest is near enough."""
        return self.found is not None and self.found.off <= self.aim.within

    @property
    def again(self) -> float | None:
        """The second measurement of the nearest."""
        if self.second is None or self.found is None:
            return None
        return self.second(self.found.arch)

    @property
    def agrees(self) -> bool:
        """Whether a second measurement says the same: that the nearest is near enough, or else that
        it is out of reach, as it differs by less than the tolerance or half of what is missing."""
        if self.again is None or self.found is None:
            return True
        near, budget, cost = self.aim.within * self.aim.budget, self.aim.budget, self.found.cost
        if self.met:
            return abs(self.again - budget) <= near
        return abs(self.again - cost) <= max(near, abs(cost - budget) / 2)


def fit(
    spec: Spec, aim: Aim, knobs: Mapping[str, Any], input: Sequence[int] | None = None
) -> Fitted:
    """The network that meets a budget; where ``knobs`` has values of what is solved for, those
    are made larger and smaller, instead of the defaults.

    Raises ``ArchError``: for a knob that is none or cannot be solved for (A105, A704), and where
    nothing is near enough (A705).

    What else runs on a machine is measured too, and misleads: a network that a measured cost gives
    is measured once more, and is solved for again where that says something else.
    """
    check_aim(spec.knobs, aim)
    check_fixed(spec, {n: v for n, v in knobs.items() if n not in aim.by}, input)
    best = last = _attempt(spec, aim, knobs, input)
    for _ in range(MEASURED - 1):
        if best.agrees or last.second is None:
            break
        last = _attempt(spec, replace(aim, cost=last.second), knobs, input)
        best = last if last.met or not best.met else best
    found, solver, aim = best.found, best.solver, best.aim
    fixed = {name: value for name, value in knobs.items() if name not in aim.by}
    if found is None or not best.met:
        others = [] if solver.stopped else _help_others(spec, aim, knobs, input)
        others = [*_help_noise(best), *others]
        raise ArchError([unreachable(aim, found, solver.tried, solver.stopped, others)])
    return Fitted(found, solver.around(fixed, found, aim.budget), best.again)


def _attempt(
    spec: Spec, aim: Aim, knobs: Mapping[str, Any], input: Sequence[int] | None
) -> Attempt:
    solver, fixed = _solver(spec, aim, aim.by, knobs, input)
    second = aim.cost.anew() if isinstance(aim.cost, Measured) else None
    return Attempt(aim, solver, solver.solve(fixed, aim.budget, aim.within), second)


def _solver(
    spec: Spec,
    aim: Aim,
    by: Sequence[str],
    knobs: Mapping[str, Any],
    input: Sequence[int] | None,
) -> tuple[Solver, dict[str, Any]]:
    """What solves for some knobs, and the values of the others."""
    start = {name: knobs[name] for name in by if name in knobs}
    fixed = {name: value for name, value in knobs.items() if name not in by}
    return Solver(spec, by, aim.cost, aim.step, input, not aim.measured, start), fixed


def _help_noise(missed: Attempt) -> list[str]:
    """Whether a second measurement of what is nearest says something else."""
    if missed.again is None or missed.agrees:
        return []
    shown = shown_cost(missed.aim.name, missed.again)
    return [f"measured again, the nearest has {shown}: what else runs here was measured too"]


def _help_others(
    spec: Spec, aim: Aim, knobs: Mapping[str, Any], input: Sequence[int] | None
) -> list[str]:
    """Which knobs meet the budget where they are solved for too: one more, or else all. Costs that
    take a network each are not looked for again."""
    others = [name for name in solvable(spec.knobs) if name not in (*aim.by, *aim.given)]
    if not others or not isinstance(aim.cost, FigureCost):
        also = " or ".join(f"`{name}`" for name in others)
        return [f"to solve for {also} too gives more networks to choose from"] if also else []
    more = [*([name] for name in others), *([others] if len(others) > 1 else [])]
    for names in more:
        solver, fixed = _solver(spec, aim, (*aim.by, *names), knobs, input)
        found = solver.solve(fixed, aim.budget, aim.within)
        if found is not None and found.off <= aim.within:
            by, cost = ",".join(solver.names), f"{shown_cost(aim.name, found.cost)} {aim.name}"
            return [f"solve for `{by}` instead: {found.shown} has {cost}"]
        if solver.stopped:
            break
    return []


def check_aim(knobs: Mapping[str, Knob], aim: Aim) -> None:
    """Raises ``ArchError`` with all that is wrong with what is asked for."""
    found = list(_faults(knobs, aim.by))
    if not isfinite(aim.budget) or aim.budget <= 0:
        given, expected = f"{aim.budget:g}", "a positive number"
        found.append(_wrong(aim.name, given, expected))
    if not 0 < aim.within < 1:
        found.append(_wrong("within", f"{aim.within:g}", "a share such as 2%"))
    if found:
        raise ArchError(found)


def _wrong(name: str, given: str, expected: str) -> Diagnostic:
    fields = {"name": name, "callee": "fit", "given": given, "expected": expected}
    return diagnose(codes.WRONG_ARGUMENT, fields=fields)


def _faults(knobs: Mapping[str, Knob], by: Sequence[str]) -> Iterable[Diagnostic]:
    able = solvable(knobs)
    others = f"it can be solved for {', '.join(able)}" if able else "no knob has a numeric domain"
    if not by:
        yield diagnose(codes.NOTHING_SOLVED, help=[others])
    for name, count in Counter(by).items():
        if count > 1:
            yield diagnose(codes.SAID_TWICE, what=name)
        if name not in knobs:
            help = did_you_mean(name, knobs) or [others]
            yield diagnose(codes.UNKNOWN_KNOB, help=help, name=name)
        elif reason := reason_against(knobs[name]):
            domain = f"give `{name}` a domain in the spec, as in `width = 64 in 8..512`"
            help = [others] if able else [domain]
            yield diagnose(codes.NOT_NUMERIC, knobs[name].span, help=help, name=name, reason=reason)


def check_fixed(spec: Spec, fixed: Mapping[str, Any], input: Sequence[int] | None) -> None:
    """Raises ``ArchError`` for knobs that are wrong whatever the others are: a solver would take
    each candidate for one that is not a network."""
    read_settings(spec.program, fixed)
    if input is not None:
        read_input(input)


def unreachable(
    aim: Aim,
    nearest: Solution | None,
    tried: str = "",
    stopped: bool = False,
    others: Sequence[str] = (),
) -> Diagnostic:
    """The diagnostic of a budget that cannot be met. ``stopped``: the work was more than a command
    may do. ``others``: what helps beside the nearest."""
    budget = shown_cost(aim.name, aim.budget)
    more = "a command tries no more values of a spec as large as this; `spec.fit` in Python does"
    help = [*([more] if stopped else []), *others]
    if nearest is None:
        names = " and ".join(f"`{name}`" for name in aim.by)
        every = f"every value of {names} {tried}".rstrip()
        what = f"no network has {budget} {aim.name}: {every} gives an error"
        return diagnose(codes.BAD_COMBINATION, help=help, what=what)
    fields = {"budget": budget, "cost": aim.name, "nearest": shown_cost(aim.name, nearest.cost)}
    fields["tried"] = tried
    fields["off"] = describe_off(nearest, aim.budget)
    return diagnose(codes.UNREACHABLE, help=[help_near(nearest), *help], fields=fields)


def help_near(nearest: Solution) -> str:
    """What helps where a budget is out of reach: what comes nearest, whether its domain ends there,
    and what would take it."""
    near = ceil(1000 * nearest.off) / 10
    takes = f"; a tolerance of {near:g}% takes it" if near <= FAR else ""
    return f"the nearest is {nearest.shown}{end_of_domain(nearest)}{takes}"


def end_of_domain(nearest: Solution) -> str:
    """Whether the one knob that was solved for is as large, or as small, as it may be."""
    for name, value in nearest.knobs.items():
        domain = nearest.spec.knobs[name].domain
        if len(nearest.knobs) > 1 or domain is None or isinstance(value, tuple):
            break
        for walk, word in zip(walks(domain, value), ("smallest", "largest"), strict=True):
            if next(walk, None) is None:
                return f", the {word} value of its domain"
    return ""
