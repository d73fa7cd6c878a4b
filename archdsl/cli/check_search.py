"""What `archdsl check` says of a search: its slices, and which shapes meet their budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archdsl.analysis.solve import describe_off
from archdsl.cli.output import say, show_diagnostics
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.render import printable
from archdsl.elaborate.work import FIT_WORK, Work
from archdsl.files import SEARCH, read_source
from archdsl.layers.base import show_shape
from archdsl.registry import Registry
from archdsl.search.categories import is_numeric, kind_of, kinds
from archdsl.search.combinations import check_short, doubts
from archdsl.search.curved import has_curve
from archdsl.search.own import check_file
from archdsl.search.reach import Reach, is_shared, survey, turns_of
from archdsl.search.reading import read_search
from archdsl.search.request import SearchRequest
from archdsl.search.space import Space, space_of
from archdsl.spec import Architecture
from archdsl.units import counted

SHOWN = 6  # shapes out of reach that are told
TWO = 2  # shapes that a comparison takes


@dataclass(frozen=True)
class Survey:
    """The slices of a search. ``missing`` says that its data are not there: then ``note`` says
    by what its budgets are judged."""

    space: Space
    reaches: Sequence[Reach]
    missing: tuple[Diagnostic, ...] = ()
    note: str = ""

    @property
    def doubts(self) -> list[Diagnostic]:
        """The warnings of the search itself."""
        return doubts(self.space.search)

    @property
    def usual(self) -> Architecture | None:
        """The network of the knobs that are neither varied nor held; nothing where that is none."""
        try:
            return self.space.search.spec.candidate(self.space.fixed, self.space.input)
        except ArchError:
            return None


def survey_of(name: str, registry: Registry, share: float = 1) -> Survey:
    """The slices of a search, also where its data are not there. ``share`` is by how much more
    work it may be than that of a command. Raises ``ArchError`` for all else that is wrong."""
    source, folder = read_source(name, SEARCH)
    search = read_search(source, folder, registry, work=Work(FIT_WORK * share))
    check_file(search, folder or Path())
    missing: tuple[Diagnostic, ...] = ()
    note = ""
    try:
        space = space_of(search, folder or Path())
    except ArchError as error:
        if any(d.kind is not codes.NO_DATA for d in error.diagnostics):
            raise
        missing = error.diagnostics
        space, note = without_data(search)
    if space.is_measured:  # what is measured is known on the machine that measures it
        return Survey(space, (), missing, note)
    try:
        reaches = survey(space)
        if search.own is not None and search.own.is_table:
            from archdsl.search.recorded import check_table

            check_table(search, folder or Path(), reaches)
        check_short(search, reaches)
        return Survey(space, reaches, missing, note)
    except ArchError as error:
        raise ArchError([*missing, *error.diagnostics]) from None


def without_data(search: SearchRequest) -> tuple[Space, str]:
    """The space of a search whose data are not there, and by what it is judged: what is known of
    its data all the same, or what its spec says."""
    image, classes = search.data.image, search.data.classes
    if image is not None and classes is not None:
        note = f"the budgets are judged for images of {show_shape(image)} in {classes} classes"
        return space_of(search, Path(), (image, classes)), note
    return Space(search, search.fixed), "the budgets are judged with the spec's own input"


def say_survey(name: str, found: Survey) -> None:
    space, reaches = found.space, found.reaches
    search = space.search
    if found.missing:
        show_diagnostics(found.missing)
    each = "" if search.hold is None else f", {search.hold.cost} held"
    count = counted(len(space.slices), "slice", exact=True)
    trials, fewer = _trials(search, reaches), ""
    if trials < search.trials:
        fewer = f", not {search.trials}: there are no more shapes"
        if search.tune:
            fewer = f", not {search.trials}: every shape gets equally many"
    say(f"{printable(name)}: {counted(trials, 'trial', exact=True)} in {count}{each}{fewer}")
    of_kinds = kinds(search)
    if search.settle_seeds:
        least = f"{search.least_seeds} to " if 0 < search.least_seeds < search.settle_seeds else ""
        seeds = counted(search.settle_seeds, "fresh seed", exact=True)
        share = search.trials // len(space.slices)
        of = "" if of_kinds or share < TWO else f", {min(search.arms, share)} of each slice"
        say(f"  then the shapes that settle are trained on {least}{seeds} each{of}")
        if share < TWO:
            say(
                "  a slice of one trial explores one shape, and compares nothing:"
                f" `trials {TWO * len(space.slices)}` explores two in each"
            )
    if of_kinds:
        names = (kind_of(", ".join(kind), of_kinds) for kind in of_kinds)
        say(f"  wide against deep is asked within each kind: {', '.join(names)}")
    elif 0 < sum(map(is_numeric, search.vary)) < len(search.vary):
        say("  shapes of different kinds are compared with each other, not wide with deep ones")
    if search.tune and search.settle_seeds and not has_curve(search.tune.values()):
        say("  no curve goes through what is tuned: the interval will not cover its choice")
    if search.own is None and (named := search.recipe.recipe) is not None:
        say(f"  the recipe {named.name}: {search.recipe.said}")
    if found.note:
        say(f"  {found.note}")
    skipped = sum(reach.is_skipped for reach in reaches)
    for reach in reaches[: len(reaches) - skipped]:  # those that are skipped are the last
        say(f"  {reach.slice.name}: {_sizes(reach, bool(search.tune))}")
        for line in missed_of(reach):
            say(f"    {line}")
    if skipped:
        verb = "is" if skipped == 1 else "are"
        say(f"  {counted(skipped, 'slice', exact=True)} {verb} not looked at, as that takes long:")
        say("    a larger --limit looks at more, and a search at all before it trains")


def missed_of(reach: Reach) -> list[str]:
    """A line for each shape that a slice cannot have, and by how much it misses the budget."""
    lines = []
    for shape, problem in reach.missed[:SHOWN]:
        near, why = problem.nearest, ""
        if near is not None and reach.slice.budget is not None:
            why = f": the nearest has {describe_off(near, reach.slice.budget)}"
        lines.append(f"{shape.text} is out of reach{why}")
    if len(reach.missed) > SHOWN:
        lines.append(f"and {len(reach.missed) - SHOWN} more")
    return lines


def _trials(search: SearchRequest, reaches: Sequence[Reach]) -> int:
    """How many trials explore."""
    if not reaches:
        return search.trials
    share, rest = divmod(search.trials, len(reaches))
    shared = is_shared(search, reaches)
    return sum(turns_of(search, r, share + (n < rest), shared) for n, r in enumerate(reaches))


def _sizes(reach: Reach, tunes: bool) -> str:
    listed = reach.candidates
    if listed is None:
        return "more shapes than can be listed; each is solved for when it is drawn"
    shapes = counted(len(listed), "shape", exact=True)
    if len(listed) == 1:
        shapes += ", so only its settings are compared" if tunes else ", so nothing is compared"
    if reach.slice.budget is None:
        return shapes
    return f"{shapes}, within {max(c.off for c in listed):.1%} of the budget"


def plain_survey(found: Survey) -> dict[str, Any]:
    """The slices of a search, as JSON has them."""
    space, reaches = found.space, found.reaches
    return {
        "name": space.search.name,
        "trials": space.search.trials,
        "slices": [
            {
                "name": reach.slice.name,
                "budget": reach.slice.budget,
                "candidates": None
                if reach.candidates is None
                else [
                    {
                        "shape": c.shape.text,
                        "solved": c.solved,
                        "off": c.off,
                        "macs": c.arch.macs,
                        "params": c.arch.params,
                        "knobs": dict(c.knobs),
                    }
                    for c in reach.candidates
                ],
                "skipped": reach.is_skipped,
                "out_of_reach": [shape.text for shape, _ in reach.missed],
            }
            for reach in reaches
        ],
    }
