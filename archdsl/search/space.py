"""The space of a search: its slices, the shapes that are tried, and the candidate of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Fault, diagnose, did_you_mean
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

FEW = 32  # values of a knob that are all looked at for whether it changes anything

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
    """No candidate of a shape meets a budget, or the shape breaks a `require`.

    ``error`` says so; ``nearest`` comes nearest to the budget, if there is any.
    """

    def __init__(self, error: ArchError, nearest: Solution | None = None) -> None:
        super().__init__()
        self.error = error
        self.nearest = nearest


class Endless(Exception):
    """A space has more shapes than can be listed."""


@contextmanager
def requirements() -> Iterator[None]:
    """Raises ``Unreachable`` for an ``ArchError`` that only says what is required."""
    try:
        yield
    except ArchError as error:
        if all(d.kind is codes.REQUIREMENT for d in error.diagnostics):
            raise Unreachable(error) from None
        raise


@dataclass
class Space:
    """What a search may try. ``fixed`` and ``input`` are what the data ask of the spec."""

    search: Search
    fixed: Mapping[str, Any]
    input: Sizes | None = None
    classes: int | None = None
    measure: Cost | None = None  # seconds of an inference, where latency is held
    hashes: dict[frozenset[tuple[str, str]], str] = field(default_factory=dict)
    solved: dict[tuple[str, str], Candidate | Solution | None] = field(default_factory=dict)
    met: dict[str, set[str]] = field(default_factory=dict)  # choices inside bodies: their options

    @property
    def is_measured(self) -> bool:
        """Whether what is held can only be measured."""
        return self.search.hold is not None and self.search.hold.cost not in STATIC_COSTS

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        hold = self.search.hold
        if hold is None:
            return (WHOLE,)
        return tuple(Slice(name_of(hold.cost, budget), budget) for budget in hold.budgets)

    # ---------------------------------------------------------------------- shapes

    def shape(self, suggest: Suggest) -> Shape:
        """The shape that ``suggest`` decides, asked only for what changes the network.

        Raises ``Unreachable`` where a `require` rules it out, and ``ArchError`` where there is no
        such network.
        """
        knobs = {**self.fixed, **self.single}
        left = [v for v in self.header if v.path not in self.single]
        decided: set[str] = set()
        options: dict[str, str] = {}
        while True:  # a choice inside a body may bring a knob to life, and a knob a choice
            while (varied := self.next_live(left, {**knobs, **options})) is not None:
                left.remove(varied)
                decided.add(varied.path)
                knobs[varied.path] = suggest(varied.path, varied.domain)
            known = len(options)
            with requirements():
                self.choose(knobs, options, suggest)
            if len(options) == known:
                break
        words = [
            f"{v.path} = {self.search.spec.knobs[v.path].show(knobs[v.path])}"
            for v in self.header
            if v.path in decided
        ]
        words += [f"{path} = {option}" for path, option in options.items()]
        dead = {v.path: v.domain.edges()[0] for v in left}
        return Shape(", ".join(words) or self.search.spec_name, {**dead, **knobs, **options})

    @cached_property
    def header(self) -> list[Varied]:
        """The varied knobs of the header."""
        return [v for v in self.search.vary if v.path in self.search.spec.knobs]

    @cached_property
    def single(self) -> dict[str, Any]:
        """The knobs that a search sets, by listing a single value for them."""
        return {v.path: v.domain.edges()[0] for v in self.header if v.domain.count == 1}

    @cached_property
    def inner(self) -> list[Varied]:
        """The varied choices inside bodies."""
        return [v for v in self.search.vary if v.path not in self.search.spec.knobs]

    def next_live(self, left: Sequence[Varied], knobs: Mapping[str, Any]) -> Varied | None:
        """The knob to decide next: one that can change the network, and that the others which are
        left can keep from it least."""
        live = [v for v in left if self.can_live(v, left, knobs)]

        def hindered(varied: Varied) -> float:
            return max((self.rules(z, varied, knobs) for z in live if z is not varied), default=0)

        return min(live, key=hindered, default=None)

    def can_live(self, varied: Varied, left: Sequence[Varied], knobs: Mapping[str, Any]) -> bool:
        """Whether a knob changes the network, as it stands or with another value of one of the
        others that are left."""
        return self.is_live(varied, knobs) or any(
            self.is_live(varied, {**knobs, other.path: value})
            for other in left
            if other is not varied
            for value in other.domain.edges()
        )

    def rules(self, first: Varied, second: Varied, knobs: Mapping[str, Any]) -> float:
        """The share of the first knob's values that leave the second without effect."""
        values = first.domain.edges()
        dead = [not self.is_live(second, {**knobs, first.path: v}) for v in values]
        return sum(dead) / len(dead)

    def is_live(self, varied: Varied, knobs: Mapping[str, Any]) -> bool:
        """Whether a knob changes the network that these make of it."""
        count = varied.domain.count
        few = count is not None and count <= FEW
        values = list(varied.domain.enumerate() if few else varied.domain.edges())
        first = self.hash({**knobs, varied.path: values[0]})
        return any(self.hash({**knobs, varied.path: v}) != first for v in values[:0:-1])

    def hash(self, knobs: Mapping[str, Any]) -> str:
        """The hash of a network, or what is wrong with it."""
        key = frozenset((name, str(value)) for name, value in knobs.items())
        if key not in self.hashes:
            try:
                arch = self.search.spec.candidate(knobs, self.input, first_only=True)
                self.hashes[key] = arch.hash
            except ArchError as error:
                self.hashes[key] = str(error)
        return self.hashes[key]

    def choose(self, knobs: Mapping[str, Any], options: dict[str, str], suggest: Suggest) -> None:
        """Decides the choices inside bodies that this network has, into ``options``."""
        program = self.search.spec.program
        if not self.inner:
            return

        def decide(path: str, names: Sequence[str], span: Span) -> int:
            asked = max(
                (v for v in self.inner if v.names(path)), key=lambda v: len(v.path), default=None
            )
            self.met.setdefault(path, set()).update(names)
            if path not in options:
                if asked is None:
                    return program.fixed_option(path, names) or 0
                among = [n for n in names if asked.domain is ANY or n in asked.domain]
                if not among:
                    fields = {"name": path, "given": str(asked.domain), "domain": ", ".join(names)}
                    raise Fault(diagnose(codes.OUTSIDE_DOMAIN, asked.span, span, fields=fields))
                options[path] = (
                    among[0] if len(among) == 1
                    else suggest(path, Choices(tuple(among), tuple(among)))
                )  # fmt: skip
            return list(names).index(options[path])

        program.elaborate(knobs, decide, self.input, True)

    def check_met(self) -> None:
        """Raises ``ArchError`` for a choice inside a body that no network has, or an option."""
        found = []
        for varied in self.inner:
            paths = [p for p in self.met if varied.names(p)]
            known = set().union(*(self.met[p] for p in paths))
            lost = [n for n in getattr(varied.domain, "names", ()) if n not in known]
            if not paths:
                names = [*self.search.spec.knobs, *self.met, *(p.split(".")[-1] for p in self.met)]
                help = did_you_mean(varied.path, [n.rstrip("0123456789") for n in names])
                fields = {"name": varied.path}
                found.append(diagnose(codes.UNKNOWN_KNOB, varied.span, help=help, fields=fields))
            elif lost:
                help = did_you_mean(lost[0], known)
                fields = {"name": varied.path, "given": lost[0]}
                fields["domain"] = "{" + ", ".join(sorted(known)) + "}"
                place = varied.span
                found.append(diagnose(codes.OUTSIDE_DOMAIN, place, help=help, fields=fields))
        if found:
            raise ArchError(found)

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
            except Unreachable:
                pass  # no shape of this space
            for at in range(len(decided), len(counts)):
                stack.extend((*taken[:at], other) for other in range(1, counts[at]))
            if len(found) + len(stack) > limit:
                return None
        return [shape for _, shape in sorted(found, key=lambda pair: pair[0])]

    # ------------------------------------------------------------------- candidates

    def candidate(self, shape: Shape, slice: Slice) -> Candidate:
        """The network of a shape in a slice, its width solved for.

        Raises ``Unreachable``, and ``ArchError`` where the shape is no network.
        """
        spec, hold = self.search.spec, self.search.hold
        if hold is None or slice.budget is None:
            with requirements():
                arch = spec.candidate(shape.knobs, self.input)
            self.check(arch)
            return Candidate(arch, shape, slice, arch.shown_knobs)
        key = (shape.text, slice.name)
        if key not in self.solved:
            found = self.solver.solve(shape.knobs, slice.budget, hold.tolerance)
            self.solved[key] = found
            if found is not None and found.off <= hold.tolerance:
                self.check(found.arch)
                knobs = found.arch.shown_knobs
                self.solved[key] = Candidate(
                    found.arch, shape, slice, knobs, found.shown, found.off
                )
        solved = self.solved[key]
        if not isinstance(solved, Candidate):
            raise Unreachable(self.unreachable(slice, solved), solved)
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
        scans = not self.is_measured
        return Solver(self.search.spec, hold.knobs, self.cost(hold), hold.step, self.input, scans)

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


def space_of(
    search: Search, folder: Path, known: tuple[tuple[int, ...], int] | None = None
) -> Space:
    """The space of a search, its spec fitted to its data. ``known`` are their shape and classes,
    where they need not be looked at. Raises ``ArchError``."""
    try:
        image, classes = known or describe(search.data, folder)
    except ArchError as error:
        place = search.spans["data"]
        raise ArchError([d.at(place) for d in error.diagnostics]) from None
    fixed, input = adapt(search.spec, image, classes)
    for varied in search.vary:
        fixed.pop(varied.path, None)
    return Space(search, {**fixed, **search.fixed}, input, classes)
