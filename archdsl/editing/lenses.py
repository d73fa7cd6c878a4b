"""What stands above a line: the space of a spec with its proof, and the slices of a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from archdsl.analysis.space import LIMIT, Proof, many, prove
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.source import Span
from archdsl.editing.reading import Reading
from archdsl.lint import warnings
from archdsl.search.combinations import doubts
from archdsl.search.reach import survey
from archdsl.search.request import SearchRequest
from archdsl.search.space import Space, space_of
from archdsl.syntax import search_tree, tree
from archdsl.units import counted


class Cancelled(Exception):
    """A later edit has made the question void."""


@dataclass(frozen=True, slots=True)
class Lens:
    """What is said above a place of the text."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What takes longer to find than an edit may: the lenses, and mistakes of other candidates
    than the one of the defaults, or warnings."""

    lenses: tuple[Lens, ...]
    found: tuple[Diagnostic, ...] = ()


def quick(reading: Reading) -> tuple[Lens, ...]:
    """What is known of the space at once."""
    program, span = reading.program, _header(reading)
    if program is None or span is None or reading.broken:
        return ()
    return (Lens(span, _candidates(reading)),)


def verified(
    reading: Reading, stopped: Callable[[], bool] = lambda: False, limit: int = LIMIT
) -> Verified:
    """The proof of a spec's space, or what each slice of a search reaches. Raises ``Cancelled``
    soon after ``stopped`` says so."""

    def watch(share: float) -> None:
        if stopped():
            raise Cancelled

    watch(0)
    if reading.is_search:
        return _slices(reading, watch)
    program, span = reading.program, _header(reading)
    if program is None or reading.network is None or span is None:
        return Verified(quick(reading))
    counted = _candidates(reading)
    found = _wrong_variants(reading, watch)
    proof = prove(program, limit, watch)
    if not found and proof.holds:
        found += warnings(program, reading.network)
    if proof.counterexample is not None:
        found += proof.counterexample.diagnostics
    return Verified((Lens(span, f"{counted}: {_verdict(proof)}"),), tuple(found))


def _header(reading: Reading) -> Span | None:
    """Where `arch` stands."""
    nodes = reading.file.statements
    return next((n.span for n in nodes if isinstance(n, tree.Arch)), None)


def _candidates(reading: Reading) -> str:
    """How many assignments the knobs have."""
    assert reading.program is not None
    domains = [k.domain for k in reading.program.knobs.values() if k.domain is not None]
    counts = [d.count for d in domains]
    if None in counts:
        return "endlessly many candidates"
    total = prod(c for c in counts if c is not None)
    return "1 candidate" if total == 1 else f"{many(total)} candidates"


def _verdict(proof: Proof) -> str:
    if proof.counterexample is not None:
        knobs = ", ".join(f"{k} = {v}" for k, v in proof.counterexample.knobs.items())
        return f"not every one is a network: not with {knobs}"
    ruled_out = f", {many(proof.excluded)} ruled out by requirements" if proof.excluded else ""
    if proof.complete:
        return f"every one is a network{ruled_out}"
    return f"no mistake was found in {many(proof.covered)} of them and a sample{ruled_out}"


def _wrong_variants(reading: Reading, watch: Callable[[float], None]) -> list[Diagnostic]:
    """The mistakes of variants."""
    from archdsl import driver
    from archdsl.settings import Decisions

    program = reading.program
    assert program is not None
    found: list[Diagnostic] = []
    for variant in program.variants:
        watch(0)
        try:
            driver.elaborate(program, dict(variant.knobs), Decisions({}, program.fixed, {}))
        except ArchError as error:
            found += error.diagnostics
    return found


def _slices(reading: Reading, watch: Callable[[float], None]) -> Verified:
    """The slices of a search, each with how many shapes reach its budget."""
    search = reading.search
    nodes = [n for n in reading.file.statements if isinstance(n, search_tree.Hold)]
    if search is None or not nodes:
        return Verified((), () if search is None else tuple(doubts(search)))
    try:
        space = _space(search)
        said = [counted(len(space.slices), "slice", exact=True)]
        if not space.is_measured:
            for reach in survey(space):
                watch(0)
                listed = reach.candidates
                shapes = (
                    "not looked at"
                    if reach.is_skipped
                    else "solved when drawn"
                    if listed is None
                    else counted(len(listed), "shape", exact=True)
                )
                missed = f", {len(reach.missed)} out of reach" if reach.missed else ""
                said.append(f"{reach.slice.name}: {shapes}{missed}")
    except ArchError as error:
        return Verified((), error.diagnostics)
    return Verified((Lens(nodes[0].span, " | ".join(said)),), tuple(doubts(search)))


def _space(search: SearchRequest) -> Space:
    """The space of a search for the images of its data, where they are known without being there,
    else for the spec's own input."""
    image, classes = search.data.image, search.data.classes
    if image is not None and classes is not None:
        return space_of(search, Path(), (image, classes))
    return Space(search, search.fixed)
