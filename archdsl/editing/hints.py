"""Hints at the ends of lines: the shape that a line makes, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from archdsl.analysis.by_line import PlaceFigures, by_line
from archdsl.editing.reading import Reading
from archdsl.ir.network import Network
from archdsl.layers.base import show_shape
from archdsl.units import shown_costs

LISTED = 8  # shapes of a line that are shown in full


@dataclass(frozen=True, slots=True)
class Hint:
    """What is said at the end of a line (counted from 1), and in full when it is pointed at."""

    line: int
    text: str
    full: str


def hints(reading: Reading, costs: bool = True, network: Network | None = None) -> list[Hint]:
    """The hints of a text, of a network of it, else of that of its defaults, as far as its first
    mistake. ``costs``: parameters and MACs beside shapes."""
    network = network or reading.shown
    if network is None:
        return []
    found = by_line(network, reading.source)
    return [
        Hint(line, place.hint if costs else _shapes(place), _full(place))
        for line, place in sorted(found.items())
    ]


def carried(
    before: str, after: str, known: Sequence[Hint], found: Sequence[Hint] = ()
) -> list[Hint]:
    """What is shown while a text has mistakes: the hints that were found, and those of the text
    before for the lines that are still the same."""
    old, new = before.split("\n"), after.split("\n")
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    moved: dict[int, int] = {}
    for old_at, new_at, size in matcher.get_matching_blocks():
        moved |= {old_at + i + 1: new_at + i + 1 for i in range(size)}
    lines = {hint.line for hint in found}
    kept = [replace(hint, line=moved[hint.line]) for hint in known if hint.line in moved]
    return [*found, *(hint for hint in kept if hint.line not in lines)]


def _shapes(place: PlaceFigures) -> str:
    ends = dict.fromkeys((show_shape(place.shapes[0]), show_shape(place.shapes[-1])))
    return " to ".join(ends)


def _full(place: PlaceFigures) -> str:
    shapes = ", ".join(map(show_shape, place.shapes[:LISTED]))
    if len(place.shapes) > LISTED:
        shapes += f", ... {show_shape(place.shapes[-1])} ({len(place.shapes):,} shapes)"
    times = (
        "" if place.times == 1 else f"\n\napplied {place.times} times; costs are of all together"
    )
    return f"{shapes}\n\n{shown_costs(place.params, place.macs, exact=True)} for one image{times}"
