"""What each slice of a search can reach, found before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod

from archdsl.analysis.shapes import SearchedShape, Unreachable
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.elaborate.knobs import Interval
from archdsl.elaborate.work import MAX_STEPS
from archdsl.search.categories import is_numeric
from archdsl.search.request import SearchRequest
from archdsl.search.settings import Grid, RandomSampling
from archdsl.search.space import BudgetSlice, Candidate, Space

SOLVING = 1_000  # units of work that it takes to find a shape's place in a slice
LEAST = 2  # turns of each shape that slices share
GUIDED = 2 / 3  # of a slice's turns: where it has more shapes, the sampler draws them


@dataclass(frozen=True)
class Reach:
    """What a slice can try: its candidates where they can be listed, and shapes it cannot have;
    ``is_skipped`` where listing them takes more work than may be done."""

    slice: BudgetSlice
    candidates: tuple[Candidate, ...] | None
    missed: tuple[tuple[SearchedShape, Unreachable], ...] = ()
    is_skipped: bool = False


def is_drawn(search: SearchRequest, reach: Reach, count: int) -> bool:
    """Whether the sampler draws the shapes of so many turns: there are too many to go round."""
    guided = ceil(GUIDED * count) if search.tune else count
    return reach.candidates is None or len(reach.candidates) > guided


def is_shared(search: SearchRequest, reaches: Sequence[Reach]) -> bool:
    """Whether slices share the turns of their shapes: they are too few for each shape at each of
    them, and two or more for every shape over all. Shapes are numbers, and what is tuned too: one
    curve goes through the trainings of all slices, and tells what each shape reaches."""
    if isinstance(search.sampler, Grid | RandomSampling) or search.is_pareto or not search.tune:
        return False
    numbers = all(isinstance(d, Interval) and d.step is None for d in search.tune.values())
    if not numbers or not all(map(is_numeric, search.vary)) or len(reaches) < 2:
        return False
    listed = [c.shape.text for reach in reaches for c in reach.candidates or ()]
    share = search.trials // len(reaches)
    return (
        all(reach.candidates is not None for reach in reaches)
        and any(is_drawn(search, reach, share) for reach in reaches)
        and search.trials >= LEAST * len(set(listed))
    )


def turns_of(search: SearchRequest, reach: Reach, count: int, shared: bool = False) -> int:
    """How many of ``count`` turns a slice's exploration has: a shape that is not tuned is trained
    once for each seed, and one that is as often as the others, if slices do not share turns."""
    if shared:
        return count
    listed = reach.candidates
    if listed is not None and isinstance(search.sampler, Grid):
        sizes = [domain.count or 1 for domain in search.tune.values()]
        return min(count, len(listed) * search.explore_seeds * prod(sizes))
    if listed is None or is_drawn(search, reach, count):
        return count
    if not search.tune:
        return min(count, len(listed) * search.explore_seeds)
    if isinstance(search.sampler, RandomSampling) or search.is_pareto:
        return count
    return count // len(listed) * len(listed)


def survey(space: Space) -> list[Reach]:
    """The candidates of each slice. Raises ``ArchError`` where a slice has none, where a shape is
    no network, and for a choice that no network has. Slices are skipped once the work that may be
    done with the spec is nearly done."""
    shapes = space.shapes()
    if shapes is None:
        return [Reach(slice, None) for slice in space.slices]
    space.tree.check_met()
    return [_listed(space, slice, shapes) for slice in space.slices]


def _listed(space: Space, slice: BudgetSlice, shapes: Sequence[SearchedShape]) -> Reach:
    work = space.search.spec.program.work
    candidates: list[Candidate] = []
    missed: list[tuple[SearchedShape, Unreachable]] = []
    seen: set[str] = set()
    is_skipped = False
    for shape in shapes:
        is_skipped = work.left < MAX_STEPS or space.is_stopped
        if is_skipped:
            break
        work.take(SOLVING)
        try:
            candidate = space.candidate(shape, slice)
        except Unreachable as problem:
            if space.is_stopped and (candidates or problem.nearest is not None):
                is_skipped = True  # as the work ended: a candidate may be there all the same
                break
            missed.append((shape, problem))
            continue
        if candidate.arch.hash not in seen:  # equal graphs are trained once
            seen.add(candidate.arch.hash)
            candidates.append(candidate)
    failed = bool(missed) and not candidates and all(p.nearest is None for _, p in missed)
    if is_skipped and not failed:  # where all that was tried is an error, that is said
        return Reach(slice, None, is_skipped=True)
    if not candidates:
        raise nothing(space, missed)
    return Reach(slice, tuple(candidates), tuple(missed))


def nothing(space: Space, missed: Sequence[tuple[SearchedShape, Unreachable]]) -> ArchError:
    """The diagnostic of a slice without candidates: that of the shape that comes nearest."""
    problems = [problem for _, problem in missed]
    near = [p for p in problems if p.nearest is not None]
    if near:
        return min(near, key=lambda p: p.nearest.off if p.nearest else 0).error
    if problems:
        return problems[0].error
    what = "every shape is ruled out by a requirement"
    return ArchError([diagnose(codes.BAD_COMBINATION, space.search.spans["spec"], what=what)])
