"""Kinds among what is varied, as an activation or a block: wide against deep is asked in each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from archdsl.analysis.shapes import Varied
from archdsl.elaborate.knobs import Choices, Interval
from archdsl.elaborate.values import is_number
from archdsl.search.request import SearchRequest

MOST = 12  # kinds that are asked one by one; of more, shapes are compared with shapes


def is_numeric(varied: Varied) -> bool:
    """Whether what is varied is a number: shapes can be ordered by it."""
    domain = varied.domain
    if isinstance(domain, Choices):
        return bool(domain.values) and all(map(is_number, domain.values))
    return isinstance(domain, Interval)


def kinds(search: SearchRequest) -> list[tuple[str, ...]]:
    """The kinds of a search, each as the parts of a shape's name that say it: ``("act = relu",)``.
    There are none unless numbers are varied beside knobs that are none, and none where choices
    inside bodies are varied, of which each is decided for itself."""
    named = [v for v in search.vary if not is_numeric(v)]
    if not named or len(named) == len(search.vary):
        return []
    values = []
    for varied in named:
        knob = search.spec.knobs.get(varied.path)
        if knob is None or not isinstance(varied.domain, Choices):
            return []
        values.append([f"{varied.path} = {knob.show(value)}" for value in varied.domain.values])
    return list(product(*values)) if prod(map(len, values)) <= MOST else []


def kind_of(shape: str, known: Sequence[tuple[str, ...]]) -> str:
    """The kind of a shape, as a sentence has it: ``act relu``. A knob that changes nothing of the
    shape is in none of its parts."""
    parts: dict[str, None] = {}
    whole = f", {shape}, "
    for part in (part for kind in known for part in kind):
        if f", {part}, " in whole:
            parts[part] = None
    return " and ".join(part.replace(" = ", " ") for part in parts)
