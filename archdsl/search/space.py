"""The space of a search: its slices, the shapes that are tried, and the candidate of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.source import Span
from archdsl.elaborate.knobs import Choices, Domain
from archdsl.layers.base import Shape as Sizes
from archdsl.search.request import (
    ANY,
    LIMIT,
    STATIC_COSTS,
    Hold,
    Search,
    Varied,
    name_of,
    shown_cost,
)
from archdsl.search.solve import Cost, Solution, Solver, describe_off
from archdsl.spec import Architecture
from archdsl.training.data import describe
from archdsl.training.fit import adapt, check_fit

Suggest = Callable[[str, Domain], Any]  # decides a knob: its name, its domain -> a value


@dataclass(frozen=True, slots=True)
class Slice:
    """A budget that is held, or the whole space where none is."""

    name: str
    budget: float | None = None


WHOLE = Slice("all")


@dataclass(frozen=True, slots=True)
class Shape:
    """What is varied, decided. ``text`` names it: ``depth = 16``."""

    text: str
    knobs: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A shape in a slice: a network, its knobs as they are written, those solved for apart."""

    arch: Architecture
    shape: Shape
    slice: Slice
    knobs: Mapping[str, str]
    solved: str = ""
    off: float = 0.0  # the distance to the budget, as a share of it


class Unreachable(Exception):
    """No candidate of a shape meets a budget. ``nearest`` comes nearest, if there is any."""

    def __init__(self, nearest: Solution | None) -> None:
        super().__init__()
        self.nearest = nearest


class Endless(Exception):
    """A space has more shapes than can be listed."""


@dataclass
class Space:
    """What a search may try. ``fixed`` and ``input`` are what the data ask of the spec."""

    search: Search
    fixed: Mapping[str, Any]
    input: Sizes | None = None
    classes: int | None = None
    measure: Cost | None = None  # seconds of an inference, where latency is held
    alive: dict[Any, bool] = field(default_factory=dict)
    solved: dict[tuple[str, str], Candidate | Solution | None] = field(default_factory=dict)

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        hold = self.search.hold
        if hold is None:
            return (WHOLE,)
        return tuple(Slice(name_of(hold.cost, budget), budget) for budget in hold.budgets)

    # ---------------------------------------------------------------------- shapes

    def shape(self, suggest: Suggest) -> Shape:
        """The shape that ``suggest`` decides, asked only for what changes the network.

        Raises ``ArchError`` where there is no such network.
        """
        knobs = dict(self.fixed)
        words = []
        for varied in self.header:
            if not self.is_live(varied, knobs):
                continue
            value = suggest(varied.path, varied.domain)
            knobs[varied.path] = value
            words.append(f"{varied.path} = {self.search.spec.knobs[varied.path].show(value)}")
        for path, option in self.choices(knobs, suggest).items():
            knobs[path] = option
            words.append(f"{path} = {option}")
        return Shape(", ".join(words) or self.search.spec_name, knobs)

    @cached_property
    def header(self) -> list[Varied]:
        """The varied knobs of the header; listed values first, as they may rule the others."""
        known = [v for v in self.search.vary if v.path in self.search.spec.knobs]
        return sorted(known, key=lambda v: not isinstance(v.domain, Choices))

    @cached_property
    def inner(self) -> list[Varied]:
        return [v for v in self.search.vary if v.path not in self.search.spec.knobs]

    def is_live(self, varied: Varied, knobs: Mapping[str, Any]) -> bool:
        """Whether a knob changes the network, with what has been decided before it."""
        key = (varied.path, tuple((k, str(v)) for k, v in knobs.items()))
        if key not in self.alive:
            values = varied.domain.edges()
            first = self.hash({**knobs, varied.path: values[0]})
            self.alive[key] = any(
                self.hash({**knobs, varied.path: v}) != first for v in reversed(values[1:])
            )
        return self.alive[key]

    def hash(self, knobs: Mapping[str, Any]) -> str:
        try:
            return self.search.spec.candidate(knobs, self.input, first_only=True).hash
        except ArchError as error:
            return str(error)

    def choices(self, knobs: Mapping[str, Any], suggest: Suggest) -> dict[str, str]:
        """What is decided for the choices inside bodies that this network has."""
        program = self.search.spec.program
        found: dict[str, str] = {}
        if not self.inner:
            return found

        def decide(path: str, options: Sequence[str], span: Span) -> int:
            asked = next((v for v in self.inner if v.names(path)), None)
            if asked is None:
                return program.fixed_option(path, options) or 0
            among = [o for o in options if asked.domain is ANY or o in asked.domain]
            if not among:
                fields = {"name": path, "given": str(asked.domain), "domain": ", ".join(options)}
                raise ArchError([diagnose(codes.OUTSIDE_DOMAIN, span, fields=fields)])
            if len(among) == 1:
                found[path] = among[0]
            elif path not in found:
                found[path] = suggest(path, Choices(tuple(among), tuple(among)))
            return list(options).index(found[path])

        program.elaborate(knobs, decide, self.input, True)
        return found

    def shapes(self, limit: int = LIMIT) -> list[Shape] | None:
        """All shapes, in the order of their domains; nothing where they are too many to list."""
        found: list[tuple[tuple[int, ...], Shape]] = []
        stack: list[tuple[int, ...]] = [()]
        while stack:
            decided = stack.pop()
            taken: list[int] = []
            counts: list[int] = []

            def suggest(name: str, domain: Domain) -> Any:
                count = domain.count
                if count is None or count > limit:
                    raise Endless
                place = decided[len(taken)] if len(taken) < len(decided) else 0  # noqa: B023
                taken.append(place)  # noqa: B023
                counts.append(count)  # noqa: B023
                return domain.enumerate()[place]

            try:
                shape = self.shape(suggest)
                found.append((tuple(taken), shape))
            except Endless:
                return None
            except ArchError:
                pass  # ruled out by a requirement: no shape of this space
            for at in range(len(decided), len(counts)):
                stack.extend((*taken[:at], other) for other in range(1, counts[at]))
            if len(found) + len(stack) > limit:
                return None
        return [shape for _, shape in sorted(found, key=lambda pair: pair[0])]

    # ------------------------------------------------------------------- candidates

    def candidate(self, shape: Shape, slice: Slice) -> Candidate:
        """The network of a shape in a slice, its width solved for. Raises ``Unreachable``, or
        ``ArchError`` where the shape is no network."""
        spec, hold = self.search.spec, self.search.hold
        if hold is None or slice.budget is None:
            arch = spec.candidate(shape.knobs, self.input)
            self.check(arch)
            return Candidate(arch, shape, slice, arch.shown_knobs)
        key = (shape.text, slice.name)
        if key not in self.solved:
            found = self.solver.solve(shape.knobs, slice.budget)
            self.solved[key] = found
            if found is not None and found.off <= hold.tolerance:
                self.check(found.arch)
                knobs = found.arch.shown_knobs
                self.solved[key] = Candidate(
                    found.arch, shape, slice, knobs, found.shown, found.off
                )
        solved = self.solved[key]
        if not isinstance(solved, Candidate):
            raise Unreachable(solved)
        return solved

    def check(self, arch: Architecture) -> None:
        """Raises ``ArchError`` for a network that does not fit the data."""
        if self.input is None or self.classes is None:
            return
        try:
            check_fit(arch, self.input, self.classes)
        except ArchError as error:
            place = self.search.spans["spec"]
            raise ArchError([d.at(place) for d in error.diagnostics]) from None

    @cached_property
    def solver(self) -> Solver:
        hold = self.search.hold
        assert hold is not None
        return Solver(self.search.spec, hold.knobs, self.cost(hold), hold.step, self.input)

    def cost(self, hold: Hold) -> Cost:
        if hold.cost in STATIC_COSTS:
            return lambda arch: float(getattr(arch, hold.cost))
        assert self.measure is not None, "latency is held, and nothing measures it"
        return self.measure

    def unreachable(self, slice: Slice, nearest: Solution | None) -> ArchError:
        """The diagnostic of a budget that cannot be met."""
        hold = self.search.hold
        assert hold is not None and slice.budget is not None
        if nearest is None:
            what = f"no network has {slice.name}: with every `{hold.knobs[0]}`, something is wrong"
            return ArchError([diagnose(codes.BAD_COMBINATION, hold.span, what=what)])
        fields = {
            "budget": slice.name.split()[0],
            "cost": hold.cost,
            "nearest": shown_cost(hold.cost, nearest.cost),
            "off": describe_off(nearest, slice.budget),
        }
        return ArchError([diagnose(codes.UNREACHABLE, hold.span, fields=fields)])


def space_of(search: Search, folder: Path) -> Space:
    """The space of a search, its spec fitted to its data. Raises ``ArchError``."""
    try:
        image, classes = describe(search.data, folder)
    except ArchError as error:
        place = search.spans["data"]
        raise ArchError([d.at(place) for d in error.diagnostics]) from None
    fixed, input = adapt(search.spec, image, classes)
    return Space(search, {**fixed, **search.fixed}, input, classes)
