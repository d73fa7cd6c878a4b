"""Fractals: columns of one body that meet again and again, found from the inside out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from archdsl.diagnostics.model import ArchError
from archdsl.importing.custom import Missing
from archdsl.importing.gaps import gaps
from archdsl.importing.terms import Term, copied, key, walk
from archdsl.layers.base import Columns

if TYPE_CHECKING:
    from archdsl.importing.reduction import ReducedPart, Reduction
    from archdsl.importing.values import Vertex


CHANCES = ("drop_path", "global_path")
NO_COLUMNS = ": its columns are not 1, 2, 4, ... times one body, as those of `fractal` are"
NOT_THE_FIRST = ": its columns do not begin with the first"


def met_in(part: ReducedPart) -> Columns | None:
    """The columns of a fractal that meet in a part."""
    layer = None if part.join is None else part.join.layer
    return None if layer is None else layer.columns_met


def fractal(reduction: Reduction, join: ReducedPart) -> tuple[Term, int, list[ReducedPart]] | None:
    """The fractal that ends in a join, the value that comes into it, and the parts that it is made
    of; nothing where the join ends none, or not yet.

    Of its columns the first is one body; what comes into each other is what comes out of a fractal
    of the columns from it on, into which goes what comes into the column before it. Of the last
    two, that is one body, so that the last column has two.
    """
    met = met_in(join)
    if met is None or met.places != tuple(range(met.places[0], met.of)):
        return None
    made = {item.output: item for item in reduction.items}
    columns = [arm for value in join.inputs if (arm := made.get(value)) is not None]
    if len(columns) < len(join.inputs) or not all(arm.is_chain for arm in columns):
        return None
    body, source = columns[0].terms, columns[0].inputs[0]
    parts, before = [*columns], source
    for place, arm in enumerate(columns[1:-1], 1):
        inner = made.get(arm.inputs[0])
        if inner is None or not inner.is_chain or inner.inputs != [before]:
            return None
        if not _is_of(inner.terms, body, len(columns) - place) or not _alike(arm.terms, body):
            return None
        parts.append(inner)
        before = inner.output
    last = columns[-1]
    if last.inputs != [before] or not _alike(last.terms, [*body, *body]):
        return None
    args: dict[str, Any] = {"columns": len(columns), "drop_path": met.drop_path}
    args["global_path"] = met.global_path
    turns = [part.terms[0].args for part in parts[len(columns) :]]
    if join.join is not None and any(one[name] != args[name] for one in turns for name in CHANCES):
        raise no_fractal(join.join, ": its columns meet with other chances before it")
    return Term("fractal", "", args, [_written(body, last.terms[len(body) :])]), source, parts


def no_fractal(vertex: Vertex, why: str = NO_COLUMNS) -> ArchError:
    """What is said of columns that meet otherwise than in a fractal."""
    return ArchError(gaps([Missing("ColumnMean", why, vertex.path, None)]))


def _is_of(terms: Sequence[Term], body: Sequence[Term], columns: int) -> bool:
    """Whether these are a fractal of so many columns of a body."""
    one = terms[0] if len(terms) == 1 else None
    if one is None or one.kind != "fractal" or one.args["columns"] != columns:
        return False
    return _alike(one.subs[0], body)


def _alike(one: Sequence[Term], other: Sequence[Term]) -> bool:
    """Whether terms are the same but for shortcuts, which follow from the channels that come in."""
    return [_key(term) for term in one] == [_key(term) for term in other]


def _key(term: Term) -> Any:
    if term.kind == "residual":
        return "residual", sorted(term.args.items()), [_key(t) for t in term.subs[0]]
    return key(replace(term, subs=[])), [[_key(t) for t in sub] for sub in term.subs]


def _written(first: list[Term], later: list[Term]) -> list[Term]:
    """The body: with the shortcuts that the first has, and without speaking of the channels that
    come in where these become others."""
    written = copied(first)
    for term, other in zip_longest(walk(written), walk(later)):
        if term is not None and (other is None or term.channels != other.channels):
            term.channels = None
    return written
