"""The space of a search: its slices, the shapes that are tried, and the candidate of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from archdsl.analysis.figures import NAMED
from archdsl.analysis.shapes import SearchedShape, Shapes, Suggest, Unreachable, requirements
from archdsl.analysis.solve import Cost, FigureCost, Solution, Solver, describe_off
from archdsl.budget.fitting import help_near
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.layers.base import Shape
from archdsl.search.objectives import mismatches
from archdsl.search.request import HeldCost, SearchRequest, name_of
from archdsl.spec import Architecture
from archdsl.training.data import describe
from archdsl.training.fit import adapt, check_fit
from archdsl.training.tasks import CLASSIFICATION, TASKS, Task


@dataclass(frozen=True, slots=True)
class BudgetSlice:
    """A budget that is held, or the whole space where none is."""

    name: str
    budget: float | None = None


WHOLE = BudgetSlice("all")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A shape in a slice: a network, its knobs as they are written, those solved for apart."""

    arch: Architecture
    shape: SearchedShape
    slice: BudgetSlice
    knobs: Mapping[str, str]
    solved: str = ""
    off: float = 0.0  # the distance to the budget, as a share of it


@dataclass
class Space:
    """What a search may try. ``fixed`` and ``input`` are what the data ask of the spec."""

    search: SearchRequest
    fixed: Mapping[str, Any]
    input: Shape | None = None
    classes: int | None = None
    task: Task = CLASSIFICATION
    measure: Cost | None = None  # what is held, where it is measured
    solved: dict[tuple[str, str], Candidate | Solution | None] = field(default_factory=dict)

    @property
    def is_measured(self) -> bool:
        """Whether what is held can only be measured."""
        hold = self.search.hold
        return hold is not None and self.search.costs[hold.cost].measured

    @cached_property
    def slices(self) -> tuple[BudgetSlice, ...]:
        hold = self.search.hold
        if hold is None:
            return (WHOLE,)
        cost = self.search.costs[hold.cost]
        return tuple(BudgetSlice(name_of(cost, budget), budget) for budget in hold.budgets)

    # ---------------------------------------------------------------------- shapes

    @cached_property
    def tree(self) -> Shapes:
        """The shapes, whatever they cost."""
        search = self.search
        return Shapes(search.spec, search.vary, self.fixed, self.input, search.spec_name)

    def shape(self, suggest: Suggest) -> SearchedShape:
        """As ``Shapes.shape``."""
        return self.tree.shape(suggest)

    def shapes(self) -> list[SearchedShape] | None:
        """As ``Shapes.shapes``."""
        return self.tree.shapes()

    # ------------------------------------------------------------------- candidates

    def candidate(self, shape: SearchedShape, slice: BudgetSlice) -> Candidate:
        """The network of a shape in a slice, its width solved for.

        Raises ``Unreachable``, and ``ArchError`` where the shape is not a network.
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
            check_fit(arch, self.input, self.classes, self.task)
        except ArchError as error:
            place = self.search.spans["spec"]
            raise ArchError([d.at(place) for d in error.diagnostics]) from None

    @property
    def is_stopped(self) -> bool:
        """Whether the solver has done all the work that it may do."""
        return self.search.hold is not None and self.solver.stopped

    @cached_property
    def solver(self) -> Solver:
        hold = self.search.hold
        assert hold is not None
        scans = not self.is_measured
        return Solver(self.search.spec, hold.knobs, self.cost(hold), hold.step, self.input, scans)

    def cost(self, hold: HeldCost) -> Cost:
        if hold.cost in NAMED:
            return FigureCost(hold.cost)
        if not self.is_measured:
            return lambda arch: float(arch.cost(hold.cost))
        assert self.measure is not None, "a measured cost is held, and nothing measures it"
        return self.measure

    def unreachable(self, slice: BudgetSlice, nearest: Solution | None) -> ArchError:
        """The diagnostic of a budget that cannot be met."""
        hold = self.search.hold
        assert hold is not None and slice.budget is not None
        if nearest is None:
            every = f"every value of `{hold.knobs[0]}` {self.solver.tried}".rstrip()
            what = f"no network has {slice.name}: {every} gives an error"
            return ArchError([diagnose(codes.BAD_COMBINATION, hold.span, what=what)])
        fields = {
            "tried": self.solver.tried,
            "budget": slice.name.split()[0],
            "cost": hold.cost,
            "nearest": self.search.costs[hold.cost].show_short(nearest.cost),
            "off": describe_off(nearest, slice.budget),
        }
        help = [help_near(nearest)]
        return ArchError([diagnose(codes.UNREACHABLE, hold.span, help=help, fields=fields)])


def space_of(
    search: SearchRequest, folder: Path, known: tuple[tuple[int, ...], int] | None = None
) -> Space:
    """The space of a search, its spec fitted to its data. ``known`` are their shape and classes,
    where they need not be looked at. Raises ``ArchError``."""
    if search.own is not None:  # its networks stay as the spec has them
        return Space(search, search.fixed)
    try:
        image, classes = known or describe(search.data, folder)
    except ArchError as error:
        place = search.spans["data"]
        raise ArchError([d.at(place) for d in error.diagnostics]) from None
    task = TASKS[search.data.task]
    registry, values = search.spec.registry, search.data.values
    found = mismatches(
        search.recipe, search.objectives, registry, task, search.spans, image, values
    )
    if wrong := list(found):
        raise ArchError(wrong)
    fixed, input = adapt(search.spec, image, classes)
    for varied in search.vary:
        fixed.pop(varied.path, None)
    return Space(search, {**fixed, **search.fixed}, input, classes, task)
