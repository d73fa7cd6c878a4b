"""Ranges of channels: parts and slices, written by the numbers that are known where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from archdsl.importing.scope import BlockScope
from archdsl.importing.terms import FirstTurn, Merged, Term, is_named, key, skeleton, walk


@dataclass(frozen=True, slots=True)
class Newest:
    """The first of so many last channels, however many come in."""

    count: int


@dataclass(frozen=True, slots=True)
class LastChannel:
    """The last channel, however many come in."""


def as_slices(sequence: list[Term]) -> None:
    """Makes slices of parts, in place: that both are one layer shows in how they are merged."""
    for term in walk(sequence):
        parts, part = term.args.get("parts"), term.args.get("part")
        if not isinstance(parts, int) or not isinstance(part, int) or term.channels is None:
            continue
        if term.kind == "layer" and term.op == "split":
            size = term.channels // parts
            term.op, term.args = "slice", {"first": (part - 1) * size + 1, "last": part * size}


def is_range(term: Term | Merged) -> bool:
    """Whether a term is a slice, or a part."""
    return term.kind == "layer" and term.op == "slice" and set(term.args) == {"first", "last"}


def in_all_turns(terms: Sequence[Term]) -> dict[str, Any] | None:
    """The arguments of slices that are one in all turns of a loop, where each begins at the same
    channel, or has as many of the newest; nothing where they do not."""
    given = [(term.args["first"], term.args["last"]) for term in terms]
    if len(set(given)) == 1:
        return dict(terms[0].args)
    whole = all(
        isinstance(first, int) and last == term.channels
        for (first, last), term in zip(given, terms, strict=True)
    )
    if not whole:
        return None
    if len({first for first, _ in given}) == 1:
        return {"first": given[0][0], "last": LastChannel()}
    count, *counts = (last - first + 1 for first, last in given)
    if len({*counts}) != 1 or (count != counts[0] and given[0][0] != 1):
        return None
    newest = Newest(counts[0])
    first = newest if count == counts[0] else FirstTurn(1, newest)
    return {"first": first, "last": LastChannel()}


def are_same(bodies: Sequence[list[Term]]) -> bool:
    """Whether sequences are the same, but for ranges that are one in all turns of a loop."""
    if len({tuple(map(skeleton, body)) for body in bodies}) > 1:
        return False
    for terms in zip(*(walk(body) for body in bodies), strict=True):
        same = len({key(replace(term, subs=[])) for term in terms}) == 1
        if not same and (not all(map(is_range, terms)) or in_all_turns(terms) is None):
            return False
    return True


def even_out(modules: Sequence[Term]) -> None:
    """Gives modules a slice of all that comes in where others of their class begin with one of the
    newest channels, as many as they give: the first of several steps, each of which sees what the
    last one gave."""
    begin = [term for term in modules if term.subs[0] and is_range(term.subs[0][0])]
    forms = {_form(term.subs[0][1:]) for term in begin}
    others = [
        t for t in modules if t.subs[0] and not is_range(t.subs[0][0]) and _form(t.subs[0]) in forms
    ]
    for term in begin:
        first = term.subs[0][0]
        newest = first.args["last"] == first.channels
        if not newest or first.args["last"] - first.args["first"] + 1 != _given(term):
            return
    if all(term.channels == _given(term) for term in others):
        for term in others:
            every = {"first": 1, "last": term.channels}
            term.subs[0].insert(0, Term("layer", "slice", every, [], term.channels))


def even_out_turns(sequence: Sequence[Term]) -> None:
    """Gives a concatenation a slice of all that comes in, where at least two follow it whose layers
    are the same and take the newest channels alone: what the one before gave. So all are turns of
    ``dense``. A single one that follows is no shorter so."""
    for three in zip(sequence, sequence[1:], sequence[2:], strict=False):
        if not all(map(_extends, three)) or any(map(is_named, walk([*three]))):
            continue
        first = three[0]
        if all(_takes_newest(after, before, first.subs[1]) for before, after in pairwise(three)):
            every = {"first": 1, "last": first.channels}
            first.subs[1].insert(0, Term("layer", "slice", every, [], first.channels))


def _takes_newest(term: Term, before: Term, layers: Sequence[Term]) -> bool:
    """Whether a concatenation has these layers, of what the one before it gave."""
    begin, *rest = term.subs[1]
    if not is_range(begin) or [*map(key, rest)] != [*map(key, layers)]:
        return False
    newest: bool = begin.args["last"] == begin.channels
    return newest and begin.args["first"] - 1 == before.channels


def _extends(term: Term) -> bool:
    """Whether it is a concatenation of what comes in and of what is computed of it."""
    joins = (term.kind, term.op) == ("branch", "concat") and not term.args and len(term.subs) == 2
    return joins and not term.subs[0] and bool(term.subs[1])


def _given(term: Term) -> int:
    """The channels that a module gives; none where that is unknown."""
    return 0 if term.shapes is None else term.shapes[1][0]


def _form(body: Sequence[Term]) -> Any:
    """Equal for sequences that are the same but for arguments, and for the sum around them."""
    only = body[0] if len(body) == 1 else None
    is_sum = only is not None and only.kind == "residual" and only.op == "identity"
    return tuple(map(skeleton, only.subs[0] if only is not None and is_sum else body))


def written(m: Merged, scope: BlockScope) -> str:
    """A slice in the text; a part, where it is the same one in all instances."""
    there = [i for i, present in enumerate(m.present) if present]
    firsts: list[Any] = [m.args["first"][i] for i in there]
    lasts: list[Any] = [m.args["last"][i] for i in there]
    channels = [m.channels[i] for i in there]
    if (part := _part(firsts, lasts, channels)) is not None:
        return f"split({part[0]}, {part[1]})"

    def spread(values: Sequence[Any]) -> list[Any]:
        found = dict(zip(there, values, strict=True))
        return [found.get(i) for i in range(len(m.present))]

    def known(values: Sequence[Any]) -> str | None:
        return scope.known(spread(values), m.channels)

    plain = all(isinstance(n, int) for n in (*firsts, *lasts))
    alike = plain and len(set(firsts)) == len(set(lasts)) == 1
    starts = [n - 1 if isinstance(n, int) else None for n in firsts]
    start = known(starts) if None not in starts else None
    tail = [isinstance(n, LastChannel) or n == c for n, c in zip(lasts, channels, strict=True)]
    if alike or not all(tail):
        last = scope.relate(spread(lasts), m.channels, "channels")
        begin = start or scope.relate(spread(starts), m.channels, "channels")
        return f"slice({_plus(begin, 1)}, {last})"
    if start is not None:
        return f"slice({_plus(start, 1)}, in.channels)"
    rest = [first.rest if isinstance(first, FirstTurn) else first for first in firsts]
    counts = [
        first.count
        if isinstance(first, Newest)
        else (last if isinstance(last, int) else c) - first + 1
        for first, last, c in zip(rest, lasts, channels, strict=True)
    ]
    count = scope.relate(spread(counts), m.channels, "channels")
    from_end = (
        f"in.channels - {int(count) - 1}" if count.isdigit() else f"in.channels - {count} + 1"
    )
    if any(isinstance(first, FirstTurn) for first in firsts):
        from_end = f"1 if j == 1 else {from_end}"
    return f"slice({from_end}, in.channels)"


def _plus(start: str, more: int) -> str:
    return str(int(start) + more) if start.isdigit() else f"{start} + {more}"


def _part(
    firsts: Sequence[Any], lasts: Sequence[Any], channels: Sequence[int | None]
) -> tuple[int, int] | None:
    """Of how many parts which one it is in all instances."""
    found = set()
    for first, last, count in zip(firsts, lasts, channels, strict=True):
        if not (isinstance(first, int) and isinstance(last, int) and count):
            return None
        size = last - first + 1
        if count % size or (first - 1) % size or size == count:
            return None
        found.add((count // size, (first - 1) // size + 1))
    return found.pop() if len(found) == 1 else None
