"""A proof for a whole space: whether every candidate type-checks, or one that does not."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from math import prod
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.diagnostics.source import Span
from archdsl.elaborate.knobs import Domain, Knob
from archdsl.elaborate.machine import Fork
from archdsl.elaborate.program import Program

LIMIT = 5_000
SEED = 20_161_124
FEW = 5


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A candidate that the requirements admit and that is no network."""

    knobs: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(slots=True)
class Proof:
    """What was found of a space.

    ``total``: how many assignments of the header's knobs there are, nothing where one of
    them is continuous. ``complete``: all of them were elaborated. ``excluded``: those
    that a `require` rules out. ``choices``: options of choices inside bodies, each
    elaborated wherever it can stand. ``how`` says in words what was covered.
    """

    total: int | None
    checked: int = 0
    excluded: int = 0
    complete: bool = True
    choices: int = 0
    how: str = ""
    counterexample: Counterexample | None = None
    domains: dict[str, str] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        return self.counterexample is None


def prove(program: Program, limit: int = LIMIT) -> Proof:
    """Elaborates the space of a spec, all of it where it has at most ``limit`` candidates.

    A larger space is covered by its edges: the defaults, every knob at each of its ends and
    middle, every pair of these for any two knobs; and by a seeded random sample.

    Options of a `choose` are tried one by one where they stand: where all leave the same
    shape, what follows cannot depend on them, and their combinations need not be tried.
    """
    knobs = [k for k in program.knobs.values() if k.domain is not None]
    counts = [k.domain.count for k in knobs if k.domain is not None]
    total = None if any(c is None for c in counts) else prod(c for c in counts if c is not None)
    proof = Proof(total, domains={k.name: str(k.domain) for k in knobs})
    if total is not None and total <= limit:
        candidates: Iterator[dict[str, Any]] = _all(knobs)
        proof.how = f"all {total:,} assignments" if knobs else "no knob has a domain"
    else:
        proof.complete = False
        candidates = _some(knobs, limit)
        size = "endlessly many" if total is None else f"{total:,}"
        pairs = "every pair of ends and middles of any two knobs" if len(knobs) > 1 else "its ends"
        proof.how = f"{limit:,} of {size} assignments: {pairs}, the rest drawn at random"
    for values in candidates:
        if not _try(program, values, proof, limit):
            break
    return proof


def _try(program: Program, values: dict[str, Any], proof: Proof, limit: int) -> bool:
    """Elaborates one assignment, with all that choices inside bodies can make of it."""
    waiting: list[dict[str, int]] = [{}]
    proof.checked += 1
    while waiting:
        forced = waiting.pop()

        def decide(
            path: str, options: Sequence[str], span: Span, f: dict[str, int] = forced
        ) -> int | None:
            return f.get(path)

        try:
            found = program.elaborate(values, decide, first_only=True)
            proof.choices = max(proof.choices, sum(len(c.options) for c in found.network.choices))
        except Fork as fork:
            waiting.extend({**forced, fork.path: i} for i in reversed(range(fork.count)))
            if len(waiting) > limit:
                proof.complete = False
                proof.how += f"; of the choices at `{fork.path}`, not all"
                waiting.clear()
        except ArchError as error:
            if error.diagnostics and error.diagnostics[0].kind is codes.REQUIREMENT:
                proof.excluded += 1
                return True
            shown = {n: program.knobs[n].show(v) for n, v in values.items()}
            proof.counterexample = Counterexample(shown, error.diagnostics)
            return False
    return True


def _all(knobs: Sequence[Knob]) -> Iterator[dict[str, Any]]:
    domains = [k.domain.enumerate() for k in knobs if k.domain is not None]
    for values in product(*domains):
        yield {k.name: v for k, v in zip(knobs, values, strict=True)}


def _some(knobs: Sequence[Knob], limit: int) -> Iterator[dict[str, Any]]:
    """The defaults, then edges alone and in pairs, then a sample; at most ``limit`` in all."""
    rng = random.Random(SEED)
    defaults = {k.name: k.default for k in knobs}
    few = {k.name: _few(k.domain) for k in knobs if k.domain is not None}
    given = 0
    seen: set[tuple[Any, ...]] = set()
    for values in _sequence(knobs, defaults, few, rng):
        key = tuple(values.values())
        if key in seen:
            continue
        seen.add(key)
        yield values
        given += 1
        if given >= limit:
            return


def _sequence(
    knobs: Sequence[Knob],
    defaults: dict[str, Any],
    few: dict[str, Sequence[Any]],
    rng: random.Random,
) -> Iterator[dict[str, Any]]:
    yield dict(defaults)
    for knob in knobs:
        for value in few[knob.name]:
            yield {**defaults, knob.name: value}
    for a, b in combinations(knobs, 2):
        for x, y in product(few[a.name], few[b.name]):
            yield {**defaults, a.name: x, b.name: y}
    while True:
        yield {k.name: k.domain.at(rng.random()) for k in knobs if k.domain is not None}


def _few(domain: Domain) -> Sequence[Any]:
    values = domain.edges()
    if len(values) <= FEW:
        return values
    return [values[round(i * (len(values) - 1) / (FEW - 1))] for i in range(FEW)]
