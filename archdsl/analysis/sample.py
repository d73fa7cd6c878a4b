"""Some assignments of a space that is too large for all: ends, middles, and what chance gives."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import Any

from archdsl.elaborate.knobs import Domain, Knob

SEED = 20_161_124
FEW = 5  # places of a domain that stand for all
DRAWS = 30_000  # at random: in a small space most come again


def some(knobs: Sequence[Knob], most: int) -> Iterator[dict[str, Any]]:
    """The defaults, then edges alone and in pairs, then a sample; at most ``most`` in all."""
    rng = random.Random(SEED)
    seen: set[tuple[Any, ...]] = set()
    for values in _sequence(knobs, rng):
        key = tuple(values.values())
        if key not in seen:
            seen.add(key)
            yield values
        if len(seen) >= most:
            return


def _sequence(knobs: Sequence[Knob], rng: random.Random) -> Iterator[dict[str, Any]]:
    defaults = {k.name: k.default for k in knobs}
    few = {k.name: _few(k.domain) for k in knobs if k.domain is not None}
    yield dict(defaults)
    for knob in knobs:
        for value in few[knob.name]:
            yield {**defaults, knob.name: value}
    for a, b in combinations(knobs, 2):
        for x, y in product(few[a.name], few[b.name]):
            yield {**defaults, a.name: x, b.name: y}
    for _ in range(DRAWS):
        yield {k.name: k.domain.at(rng.random()) for k in knobs if k.domain is not None}


def _few(domain: Domain) -> Sequence[Any]:
    values = domain.edges()
    if len(values) <= FEW:
        return values
    return [values[round(i * (len(values) - 1) / (FEW - 1))] for i in range(FEW)]
