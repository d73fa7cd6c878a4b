"""Knobs of an imported network: the common factor of its channels, and how often its parts repeat,
with domains that are proved."""

from __future__ import annotations

import re
from math import gcd, prod
from typing import NamedTuple

from archdsl.analysis.space import prove
from archdsl.diagnostics.model import ArchError
from archdsl.elaborate.work import PROOF_WORK
from archdsl.importing.proof import pairs
from archdsl.importing.text import SpecWriter, Width, write
from archdsl.importing.values import Graph
from archdsl.ir.flat import Flat
from archdsl.registry import Registry
from archdsl.spec import Spec, parse

STEPS = (1, 2, 4, 8, 16, 32, 64)  # of a domain: the first for which every width is a network
MOST_DEPTHS = 64  # depths that are proved one by one
FINEST = 3  # domains of widths that are tried with depths
RUNS = 300  # of a proof, at most
WORK = 3 * PROOF_WORK // 2  # an import takes its time
KINDS = (("kernel", "act"), ("act",), ("kernel",), ())  # knobs beside width and depths, best first
RANGE = 4  # from a quarter of the width to four times of it


class KnobbedSpec(NamedTuple):
    """A spec with a knob: its text, which layer is which, and what was proved in words."""

    spec: Spec
    paired: dict[int, int]
    proved: str


def with_sizes(graph: Graph, title: str, theirs: Flat) -> KnobbedSpec | str:
    """The spec with its width and its depths as knobs, the width's domain being the finest of which
    every value is proved to be a network; those knobs alone that can be; or why there is none."""
    width = _common_factor(graph, title)
    steps = dict.fromkeys([*(s for s in STEPS if width % s == 0), width]) if width > 1 else {}
    widths = [Width(width, max(width // RANGE // s, 1) * s, RANGE * width, s) for s in steps]
    found = None
    while widths and found is None:
        found = _proved(title, theirs, write(graph, title, widths[0]), widths[0], graph.registry)
        if found is None:
            del widths[0]
    knobs: list[Width | None] = [*widths[:FINEST]]
    tried = [(knob, least) for least in _depths(graph, title) for knob in knobs or [None]]
    for knob, least in [*tried, *((knob, 0) for knob in knobs[:1] or [None])]:
        for more in KINDS:
            text = write(graph, title, knob, depth=least, more=more)
            if any(f"{name} = " not in text.split("\n\ninput ", 1)[0] for name in more):
                continue
            deep = _proved(title, theirs, text, knob, graph.registry)
            if deep is not None and (knob or least or more):
                return deep
    return (
        found or "its numbers of channels have no common factor, or no other width gives a network"
    )


def _common_factor(graph: Graph, name: str) -> int:
    """The common factor of the numbers of channels that the text of a spec has: of those that the
    data do not decide, where there are any."""
    writer = SpecWriter(graph, name, None, False, 0)
    writer.text()
    results, inputs = _of_results(graph), {vertex.shape[0] for vertex in graph.inputs}
    for decided in (results, results | inputs, set()):
        factor = gcd(*(n for n in writer.style.widths if n not in decided))
        if factor > 1:
            return factor
    return 1


def _of_results(graph: Graph) -> set[int]:
    """The numbers of channels of the results, and of the last layers before them that mix any."""
    ahead = [graph.output, *(vertex for _, vertex in (*graph.results, *graph.asides))]
    found: set[int] = set()
    seen: set[int] = set()
    while ahead:
        vertex = ahead.pop()
        if vertex.number not in seen:
            seen.add(vertex.number)
            found.add(vertex.shape[0])
            mixes = vertex.op in ("conv", "conv_transpose", "linear")
            ahead += [] if mixes else vertex.inputs
    return found


def _depths(graph: Graph, title: str) -> list[int]:
    """From how many turns on a repetition is a knob, to be tried: all, or the longest alone, as far
    as there are few enough candidates to try each."""
    found: list[int] = []
    least = 1
    while least not in found:
        domains = [text for _, text in _domains(write(graph, title, depth=least))]
        counts = [int(high) - int(low) + 1 for low, high in (d.split("..") for d in domains)]
        if counts and prod(counts) <= MOST_DEPTHS:
            return [least]
        found.append(least)
        values = [value for value, _ in _domains(write(graph, title, depth=least))]
        least = max(values, default=1)
    return []


def _domains(text: str) -> list[tuple[int, str]]:
    """The depths of a spec's head, and their domains."""
    head = text.split("\n\ninput ", 1)[0]
    found = re.findall(r"\bdepth\d* = (\d+) in ([\d.]+)", head)
    return [(int(value), domain) for value, domain in found]


def _proved(
    title: str, theirs: Flat, text: str, width: Width | None, registry: Registry
) -> KnobbedSpec | None:
    """A spec with knobs; nothing where not all of its candidates are networks."""
    try:
        spec = parse(text, title, registry)
        arch = spec.with_knobs()
        proof = prove(spec.program, RUNS, most=WORK)
    except ArchError:
        return None
    paired = pairs(theirs, arch.flat)
    if paired is None or not (proof.holds and proof.complete):
        return None
    said = [f"every width in {width.domain}"] if width is not None else []
    if depths := dict.fromkeys(domain for _, domain in _domains(text)):
        said.append(f"every depth in {' and '.join(depths)}")
    for name, domain in re.findall(r"\b(kernel|act) = \w+ in ({[^}]*})", text):
        said.append(f"every {name} in {domain}")
    if not said:
        return None
    *first, last = said
    both = f"{', '.join(first)} and {last}" if first else last
    return KnobbedSpec(spec, paired, f"a network for {both}")
