"""The networks of a spec that are within a budget: all, one by chance, or the next of a study.

Where they can be listed, what is out of reach is known before anything is drawn, and is never
drawn.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral
from typing import TYPE_CHECKING, Any

from archdsl.analysis.shapes import ANY, SearchedShape, Shapes, Unreachable, Varied, requirements
from archdsl.analysis.solve import Solution, Solver
from archdsl.budget.fitting import Aim, check_aim, check_fixed, unreachable
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean
from archdsl.elaborate.equality import same
from archdsl.elaborate.knobs import Choices, Domain

if TYPE_CHECKING:
    from archdsl.spec import Architecture, Spec

DRAWS = 200  # of a space that cannot be listed, before it is called out of reach

Within = Callable[["Architecture"], bool]  # whether a network is wanted


@dataclass
class Reachable:
    """The networks of a spec with some knobs varied: within bounds, or at a budget where ``aim``
    says which knobs are solved for."""

    spec: Spec
    vary: Sequence[str]
    knobs: Mapping[str, Any]
    input: Sequence[int] | None
    wanted: Within
    aim: Aim | None = None
    nearest: Solution | None = None  # to the budget, of all that were solved for and are not near

    def __post_init__(self) -> None:
        if self.aim is not None:
            check_aim(self.spec.knobs, self.aim)
        check_fixed(self.spec, self.knobs, self.input)
        for name in self.vary:
            if name not in self.spec.knobs and not self.spec.program.has_choices:
                help = did_you_mean(name, self.spec.knobs)
                raise ArchError([diagnose(codes.UNKNOWN_KNOB, help=help, name=name)])

    @cached_property
    def shapes(self) -> Shapes:
        known = self.spec.knobs
        varied = []
        for name in self.vary:
            domain = known[name].domain if name in known else ANY
            if domain is not None:
                varied.append(Varied(name, domain))
        input = None if self.input is None else tuple(self.input)
        return Shapes(self.spec, varied, self.knobs, input, self.spec.name)

    def network(self, shape: SearchedShape) -> Architecture | None:
        """The network of a shape; nothing where it is out of reach."""
        if self.aim is None:
            try:
                with requirements():
                    arch = self.spec.candidate(shape.knobs, self.input)
            except Unreachable:
                return None
        else:
            aim = self.aim
            solver = Solver(self.spec, aim.by, aim.cost, aim.step, self.input, not aim.measured)
            found = solver.solve(shape.knobs, aim.budget, aim.within)
            if found is None:
                return None
            if found.off > aim.within:
                if self.nearest is None or found.off < self.nearest.off:
                    self.nearest = found
                return None
            arch = found.arch
        return arch if self.wanted(arch) else None

    @cached_property
    def listed(self) -> list[tuple[dict[str, Any], Architecture]] | None:
        """Each network once, with what was decided for it by name; nothing where there are too
        many shapes to list."""
        shapes = self.shapes.shapes()
        if shapes is None:
            return None
        self.shapes.check_met()
        found: list[tuple[dict[str, Any], Architecture]] = []
        seen: set[str] = set()
        for shape in shapes:
            arch = self.network(shape)
            if arch is not None and arch.hash not in seen:
                seen.add(arch.hash)
                found.append((self.decided(shape), arch))
        return found

    def decided(self, shape: SearchedShape) -> dict[str, Any]:
        """What is asked for in a shape, in the order in which it is asked for."""
        asked: dict[str, Any] = {}

        def note(name: str, domain: Domain) -> Any:
            asked[name] = shape.knobs[name]
            return asked[name]

        self.shapes.shape(note)
        return asked

    def none(self) -> ArchError:
        """The diagnostic of a budget that nothing meets."""
        if self.aim is not None:
            return ArchError([unreachable(self.aim, self.nearest)])
        what = "no network that can be drawn is within the bounds"
        return ArchError([diagnose(codes.BAD_COMBINATION, what=what)])

    def all(self) -> list[Architecture]:
        """Each network once. Raises ``ArchError`` where there are more than can be listed."""
        if self.listed is None:
            what = "there are more shapes than can be listed: vary fewer knobs, or sample them"
            raise ArchError([diagnose(codes.BAD_COMBINATION, what=what)])
        return [arch for _, arch in self.listed]

    def drawn(self, suggest: Callable[[str, Domain], Any]) -> Architecture:
        """The network that ``suggest`` decides, asked for the reachable values alone.

        Raises ``ArchError`` where there is none.
        """
        if self.listed is None:
            return self.tried(suggest)
        left = list(self.listed)
        if not left:
            raise self.none()
        everywhere: dict[str, list[Any]] = {}
        for asked, _ in left:
            for key, value in asked.items():
                _add(everywhere.setdefault(key, []), value)
        decided: dict[str, Any] = {}
        while (name := _next(left, decided)) is not None:
            values: list[Any] = []
            for asked, _ in left:
                _add(values, asked[name])
            if len(values) > 1:
                domain = self.domain(name, values)
                count = self.count(name) or len(everywhere[name])
                whole = len(values) == count
                decided[name] = suggest(name if whole else f"{name} in {domain}", domain)
            else:
                decided[name] = values[0]
            left = [(asked, arch) for asked, arch in left if same(asked[name], decided[name])]
        return left[0][1]

    def domain(self, name: str, values: Sequence[Any]) -> Domain:
        """What is drawn from: the knob's own domain where all of it is in reach."""
        if self.count(name) == len(values):
            known = self.spec.knobs[name].domain
            assert known is not None
            return known
        return Choices(tuple(values), tuple(self.shown(name, v) for v in values))

    def count(self, name: str) -> int | None:
        """How many values a knob has; nothing for a choice inside a body."""
        knob = self.spec.knobs.get(name)
        return None if knob is None or knob.domain is None else knob.domain.count

    def shown(self, name: str, value: Any) -> str:
        knob = self.spec.knobs.get(name)
        return str(value) if knob is None else knob.show(value)

    def tried(self, suggest: Callable[[str, Domain], Any]) -> Architecture:
        """The first of some draws that is in reach: further draws have names of their own."""
        for number in range(1, DRAWS + 1):
            end = "" if number == 1 else f", draw {number}"

            def ask(key: str, domain: Domain, end: str = end) -> Any:
                return suggest(key + end, domain)

            try:
                arch = self.network(self.shapes.shape(ask))
            except Unreachable:
                continue
            if arch is not None:
                return arch
        raise self.none()


def _add(values: list[Any], value: Any) -> None:
    if not any(same(value, known) for known in values):
        values.append(value)


def _next(left: Iterable[tuple[Mapping[str, Any], Any]], decided: Mapping[str, Any]) -> str | None:
    """What is to be decided next: the first that all that are left have."""
    names: Iterator[str] = iter(next(iter(left))[0])
    return next((name for name in names if name not in decided), None)


def by_chance(rng: Any) -> Callable[[str, Domain], Any]:
    """Draws with a seed, Python's or numpy's generator. Raises ``ArchError`` for another one."""
    rng = int(rng) if isinstance(rng, Integral) else rng
    source = random.Random(rng) if rng is None or isinstance(rng, int) else rng
    if isinstance(source, type) or not callable(getattr(source, "random", None)):
        fields = {"name": "rng", "callee": "sample", "given": repr(rng)[:80]}
        fields["expected"] = "a seed, or a generator of Python or numpy"
        raise ArchError([diagnose(codes.WRONG_ARGUMENT, fields=fields)])
    return lambda name, domain: domain.at(float(source.random()))
