"""What `archdsl check` says of a search: its slices, and which shapes meet their budgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archdsl.analysis.solve import describe_off
from archdsl.cli.output import say
from archdsl.diagnostics.render import printable
from archdsl.files import SEARCH, read_source
from archdsl.registry import Registry
from archdsl.search.own import check_file
from archdsl.search.reach import Reach, survey
from archdsl.search.reading import read_search
from archdsl.search.space import Space, space_of

SHOWN = 6  # shapes out of reach that are told

Survey = tuple[Space, list[Reach]]


def survey_of(name: str, registry: Registry) -> Survey:
    """The slices of a search. Raises ``ArchError`` for what is wrong with it."""
    source, folder = read_source(name, SEARCH)
    search = read_search(source, folder, registry)
    check_file(search, folder or Path())
    space = space_of(search, folder or Path())
    if space.is_measured:
        return space, []  # what is measured is known on the machine that measures it
    return space, survey(space)


def say_survey(name: str, found: Survey) -> None:
    space, reaches = found
    search = space.search
    each = "" if search.hold is None else f", {search.hold.cost} held"
    count = "1 slice" if len(space.slices) == 1 else f"{len(space.slices)} slices"
    say(f"{printable(name)}: {search.trials} trials in {count}{each}")
    for reach in reaches:
        say(f"  {reach.slice.name}: {_sizes(reach)}")
        for shape, problem in reach.missed[:SHOWN]:
            near = problem.nearest
            if near is None or reach.slice.budget is None:
                say(f"    {shape.text} is out of reach")
            else:
                off = describe_off(near, reach.slice.budget)
                say(f"    {shape.text} is out of reach: the nearest has {off}")
        if len(reach.missed) > SHOWN:
            say(f"    and {len(reach.missed) - SHOWN} more")


def _sizes(reach: Reach) -> str:
    listed = reach.candidates
    if listed is None:
        return "more shapes than can be listed; each is solved for when it is drawn"
    shapes = "1 shape" if len(listed) == 1 else f"{len(listed)} shapes"
    if reach.slice.budget is None:
        return shapes
    return f"{shapes}, within {max(c.off for c in listed):.1%} of the budget"


def plain_survey(found: Survey) -> dict[str, Any]:
    """The slices of a search, as JSON has them."""
    space, reaches = found
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
                "out_of_reach": [shape.text for shape, _ in reach.missed],
            }
            for reach in reaches
        ],
    }
