"""Layers each of which sees some of the tensors before it, as those of HarDNet: a loop over what
each sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from archdsl.importing.terms import (
    FirstTurn,
    Kept,
    Merged,
    Ramp,
    Term,
    is_named,
    of_scope,
    skeleton,
    walk,
)

LINKED, LINKS = "linked", "links"  # the loop, and which tensors a turn of it sees
FEWEST = 6  # turns of such a loop
LONGEST = 8  # terms of a turn
NO_STEP = ("module", "for", LINKED)
JOINS = ("concat", "add", "mul", "max")


class _Step(NamedTuple):
    """Some terms of a sequence, what they see of the tensors before them, and where they end."""

    join: str
    links: tuple[int, ...]
    terms: list[Term]
    end: int

    def body(self, join: str) -> list[Term]:
        links = Term(LINKS, " ".join(map(str, self.links)))
        return [links, Term("layer", join), *_unkept(self.terms)]


def as_linked(sequence: list[Term]) -> list[Term]:
    """The terms of a sequence, in which layers of one form that see some of the tensors before
    them, and end in a join of some, are a loop."""
    found, at = list(sequence), 0
    while sum(1 for term in found if term.keep) >= FEWEST // 2 and at < len(found):
        at = _replaced(found, at) + 1
    return found


def _replaced(sequence: list[Term], at: int) -> int:
    """Puts a loop in the place of the layers from here on, if they are one; says where it is."""
    tensors = [sequence[at - 1].keep if at else ""]
    steps: list[_Step] = []
    where = at
    most = LONGEST
    while (step := _step(sequence, where, tensors, most)) is not None:
        steps.append(step)
        most = len(steps[0].terms)
        where = step.end
        tensors.append(sequence[where - 1].keep)
        last = _seen(sequence, where, tensors)
        if last is not None and last.join and not _are_used(sequence[where + 1 :], tensors[1:]):
            return _as_one(sequence, at, steps, last, tensors[0])
    return at


def _as_one(sequence: list[Term], at: int, steps: list[_Step], last: _Step, first: str) -> int:
    """Puts a loop of these steps in their place, if it is one; says where it is."""
    joins = {step.join for step in steps} - {""}
    forms = {tuple(map(skeleton, _unkept(step.terms))) for step in steps}
    several = sum(1 for step in steps if len(step.links) > 1)
    if len(steps) < FEWEST or 2 * several < len(steps) or len(joins) > 1 or len(forms) > 1:
        return at
    turns = [step.body(*joins) for step in steps]
    loop = Term(LINKED, subs=[*turns, last.body(last.join)], keep=sequence[last.end - 1].keep)
    sequence[at : last.end] = [loop]
    if first and not _are_used(sequence, [first]):
        before = sequence[at - 1]
        before.keep = ""
        if before.kind == "layer" and before.op == "identity":
            del sequence[at - 1]
            return at - 1
    return at


def _step(sequence: list[Term], at: int, tensors: list[str], most: int) -> _Step | None:
    """The terms from here to the next tensor that is kept, or that is joined with others, or as
    many as a turn has at most; nothing where they are no turn of a loop."""
    seen = _seen(sequence, at, tensors) or _Step("", (len(tensors),), [], at)
    if seen.end > at and sequence[at].keep:
        return None
    terms: list[Term] = []
    for term in sequence[seen.end : seen.end + most]:
        if terms and (term.kind == "use" or _is_join(term)):
            break
        terms.append(term)
        if term.keep:
            break
    alone = _unkept(terms)
    turned = any(isinstance(v, FirstTurn | Ramp) for t in walk(terms) for v in t.args.values())
    if not terms or turned or any(is_named(t) or t.kind in NO_STEP for t in walk(alone)):
        return None
    return seen._replace(terms=terms, end=seen.end + len(terms))


def _seen(sequence: list[Term], at: int, tensors: list[str]) -> _Step | None:
    """Which tensors are joined here, or which one is taken; nothing where none is, or others."""
    term = sequence[at] if at < len(sequence) else None
    places = {name: place for place, name in enumerate(tensors, 1)}
    places[""] = len(tensors)
    if term is None or not (term.kind == "use" or _is_join(term)):
        return None
    names = [arm[0].op if arm else "" for arm in term.subs] or [term.op]
    if any(name not in places for name in names):
        return None
    join = term.op if term.kind == "branch" else ""
    return _Step(join, tuple(places[name] for name in names), [], at + 1)


def _is_join(term: Term) -> bool:
    """Whether a term joins tensors as they are."""
    arms = all(not arm or (len(arm) == 1 and arm[0].kind == "use") for arm in term.subs)
    return term.kind == "branch" and term.op in JOINS and not term.args and arms


def _unkept(terms: Sequence[Term]) -> list[Term]:
    return [replace(term, keep="") for term in terms]


def _are_used(sequence: Sequence[Term], tensors: Sequence[str]) -> bool:
    """Whether kept tensors are used in a sequence."""
    for term in of_scope([*sequence]):
        names = [term.op] if term.kind == "use" else []
        names += [str(value) for value in term.args.values() if isinstance(value, Kept)]
        if any(name in tensors for name in names):
            return True
    return False


def links_of(m: Merged) -> list[str]:
    """Which tensors each turn of such a loop sees, and its end."""
    return [sub[0].op for sub in m.subs]


def are_one_form(subs: Sequence[list[Merged]]) -> bool:
    """Whether the turns of several instances, laid over each other, still differ in numbers
    alone."""
    return len({tuple(map(_form, turn[1:])) for turn in subs[:-1]}) == 1


def _form(m: Merged) -> Any:
    return m.kind, m.op, tuple(m.present), tuple(tuple(map(_form, sub)) for sub in m.subs)
