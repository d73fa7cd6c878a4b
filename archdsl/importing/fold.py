"""Repetitions: runs of terms that are alike become ``repeat`` and ``dense``, stages ``for``."""

from __future__ import annotations

from typing import Any

from archdsl.importing.linked import LINKED, as_linked
from archdsl.importing.ranges import even_out_turns, in_all_turns, is_range
from archdsl.importing.side_by_side import as_loops
from archdsl.importing.style import Style
from archdsl.importing.terms import (
    MISSING,
    UNUSED,
    FirstTurn,
    Ramp,
    Term,
    is_named,
    lift,
    size,
    skeleton,
    walk,
)

PERIODS = 6  # terms of a turn, at most
STAGE = 4  # terms of a stage, at most
WORTH = 2.5  # terms that a `for` has to save
BY_TURN = ("stride", "with", "first", "pad")  # parameters that may differ in the first turn


def fold(sequence: list[Term], style: Style) -> list[Term]:
    """Runs of equal terms, or of terms whose first differs, become ``repeat``."""
    sequence = as_linked(sequence)
    even_out_turns(sequence)
    for term in sequence:
        if term.kind not in ("module", LINKED):
            term.subs = [fold(sub, style) for sub in term.subs]
        if term.kind == "branch" and not term.args:
            term.subs = as_loops(term.subs)
    out: list[Term] = []
    at = 0
    while at < len(sequence):
        best: tuple[int, int, list[Term]] | None = None
        for period in range(1, PERIODS + 1):
            found = _run(sequence, at, period, style)
            if found is not None and (best is None or found[0] > best[0]):
                best = found
        if best is None:
            out.append(sequence[at])
            at += 1
        else:
            covered, turns, body = best
            out.append(Term("repeat", "", {"n": turns}, [body], sequence[at].channels))
            at += covered
    for term in out:
        _as_dense(term)
    return out


def _run(
    sequence: list[Term], at: int, period: int, style: Style
) -> tuple[int, int, list[Term]] | None:
    """The longest run from a place: the terms that it covers, its turns, and their body."""
    first = sequence[at : at + period]
    if any(map(is_named, walk(first))):
        return None
    turns = _alike(sequence, at, period)
    while turns > 1:
        bodies = [sequence[at + k * period : at + (k + 1) * period] for k in range(turns)]
        body = _turns(bodies, style, period == 1)
        if body is not None:
            return turns * period, turns, body
        turns -= 1
    return None


def _alike(sequence: list[Term], at: int, period: int) -> int:
    """How many pieces of a period follow each other that differ in arguments alone."""
    form = [skeleton(t) for t in sequence[at : at + period]]
    turns = 1
    while at + (turns + 1) * period <= len(sequence):
        piece = sequence[at + turns * period : at + (turns + 1) * period]
        if [skeleton(t) for t in piece] != form:
            break
        turns += 1
    return turns


def _turns(bodies: list[list[Term]], style: Style, by_turn: bool) -> list[Term] | None:
    """One body for all turns; nothing where there is none."""
    out = []
    for terms in zip(*bodies, strict=True):
        args: dict[str, Any] = {}
        if all(map(is_range, terms)):
            if (found := in_all_turns(terms)) is None:
                return None
            one = terms[0]
            channels = one.channels if len({t.channels for t in terms}) == 1 else None
            out.append(Term(one.kind, one.op, found, [], channels, one.keep, one.path, one.label))
            continue
        for name in dict.fromkeys(n for t in terms for n in t.args):
            usual = style.built_in(terms[0].op, name)
            value = _one(name, [t.args.get(name, usual) for t in terms], terms[0], style, by_turn)
            if value is MISSING:
                return None
            args[name] = value
        if terms[0].kind == "residual" and len({t.op for t in terms}) > 1:
            return None
        subs = []
        for pieces in zip(*(t.subs for t in terms), strict=True):
            sub = _turns(list(pieces), style, by_turn)
            if sub is None:
                return None
            subs.append(sub)
        one = terms[0]
        channels = one.channels if len({t.channels for t in terms}) == 1 else None
        out.append(Term(one.kind, one.op, args, subs, channels, one.keep, one.path, one.label))
    return out


def _one(name: str, values: list[Any], term: Term, style: Style, by_turn: bool) -> Any:
    """The value of an argument in all turns, or ``MISSING``."""
    values = [v for v in values if v is not UNUSED] or values
    if len(set(map(repr, values))) == 1:
        return values[0]
    if any(isinstance(v, (FirstTurn, Ramp)) for v in values):
        return MISSING
    if name.startswith("drop") and (term.kind == "residual" or term.op in style.blocks):
        return _ramp(values)
    if MISSING in values:
        return MISSING
    one_after = len(set(map(repr, values[1:]))) == 1
    if by_turn and one_after and term.op in style.blocks and name.startswith(BY_TURN):
        return FirstTurn(values[0], values[1])
    return MISSING


def _ramp(values: list[Any]) -> Any:
    """Places that grow by one with each turn, those of turns without a branch being free."""
    starts = {v - i for i, v in enumerate(values) if v is not MISSING}
    if len(starts) != 1 or not isinstance(start := starts.pop(), int):
        return MISSING
    return Ramp(start)


def _as_dense(term: Term) -> None:
    """``repeat { branch concat { identity; body } }`` is ``dense``."""
    if term.kind != "repeat" or len(term.subs[0]) != 1:
        return
    branch = term.subs[0][0]
    if (
        branch.kind == "branch"
        and branch.op == "concat"
        and len(branch.subs) == 2
        and not branch.args
    ):
        first, body = branch.subs
        if not first and body:
            term.kind, term.subs = "dense", [body]


def stages(sequence: list[Term], style: Style) -> list[Term]:
    """Neighbours of one form whose arguments differ become ``for (..) in [..]``."""
    sequence = fold(sequence, style)
    out: list[Term] = []
    at = 0
    while at < len(sequence):
        best: tuple[int, int] | None = None
        for period in range(1, STAGE + 1):
            piece = sequence[at : at + period]
            turns = _alike(sequence, at, period)
            saved = (turns - 1) * sum(size(lift([t])) for t in piece)
            named = any(map(is_named, walk(piece)))
            longest = best is None or turns * period > best[0] * best[1]
            if turns > 1 and not named and saved > WORTH and longest:
                best = turns, period
        if best is None:
            out.append(sequence[at])
            at += 1
        else:
            turns, period = best
            pieces = [sequence[at + k * period : at + (k + 1) * period] for k in range(turns)]
            out.append(Term("for", "", {}, pieces, sequence[at].channels))
            at += turns * period
    return out
