"""Knobs of an imported network: the common factor of its channels, with a domain that is proved."""

from __future__ import annotations

from typing import NamedTuple

from archdsl.analysis.space import prove
from archdsl.diagnostics.model import ArchError
from archdsl.importing.proof import pairs
from archdsl.importing.text import Graph, Width, common_factor, write
from archdsl.ir.flat import Flat
from archdsl.spec import Spec, parse

STEPS = (1, 2, 4, 8, 16, 32, 64)  # of a domain: the first for which every width is a network
RANGE = 4  # from a quarter of the width to four times of it


class Knob(NamedTuple):
    """A spec with a knob: its text, which layer is which, and what was proved in words."""

    spec: Spec
    paired: dict[int, int]
    proved: str


def with_width(graph: Graph, title: str, theirs: Flat) -> Knob | str:
    """The spec with the width as a knob, in the finest domain of which every value is proved to be
    a network; or why there is none."""
    width = common_factor(graph, title)
    if width < 2:
        return "its numbers of channels have no common factor"
    for step in dict.fromkeys([*(s for s in STEPS if width % s == 0), width]):
        low = max(width // RANGE // step, 1) * step
        knob = Width(width, low, RANGE * width, step)
        try:
            spec = parse(write(graph, title, knob), title)
            arch = spec.with_knobs()
            proof = prove(spec.program)
        except ArchError:
            continue
        paired = pairs(theirs, arch.flat)
        if paired is not None and proof.holds and proof.complete:
            return Knob(spec, paired, f"a network for every width in {knob.domain}")
    return "other widths are no networks"
