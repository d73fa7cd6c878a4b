"""Arms of branches: equal ones as a loop, and those of several instances laid over each other,
where some have arms that others lack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from archdsl.importing.terms import Merged, Term, flat, is_named, key, size, walk

ARM = "arm"  # one that some instances lack
ARMS = "arms"  # a loop of equal ones
FEWEST = 3  # equal arms that are a loop
ALIKE = 0.5  # of the arms of two branches that have to match

Sequences = list[Merged]
Unify = Callable[[Sequences, Sequences], Sequences | None]


def as_loops(arms: list[list[Term]]) -> list[list[Term]]:
    """The arms of a branch, equal ones side by side as a loop."""
    found: list[list[Term]] = []
    for form, group in groupby(arms, key=lambda arm: tuple(map(key, arm))):
        alike = list(group)
        if len(alike) < FEWEST or not form or any(map(is_named, walk(alike[0]))):
            found += alike
        else:
            channels = alike[0][0].channels
            found.append([Term(ARMS, "", {"n": len(alike)}, [alike[0]], channels)])
    return found


def unified(
    a: Sequence[Sequences],
    b: Sequence[Sequences],
    count: int,
    unify: Unify,
    lacking: Callable[[Sequences], Sequences],
    later: Callable[[Sequences], Sequences],
) -> list[Sequences] | None:
    """The arms of branches of so many instances and those of one more, in order: those that match
    as one, and the others as arms that not all have; nothing where too few match. ``lacking`` are
    the terms of the first ones without the last, ``later`` those of the last alone."""
    n, m = len(a), len(b)
    pairs: dict[tuple[int, int], tuple[Sequences, float] | None] = {}
    for i in range(n):
        for j in range(m):
            found = unify(*_as_loops(_inner(a[i]), b[j]))
            likeness = 0.0 if found is None else _likeness(found, _inner(a[i]), b[j])
            pairs[i, j] = (found, likeness) if found is not None and likeness > 0 else None
    best = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in reversed(range(n)):
        for j in reversed(range(m)):
            pair = pairs[i, j]
            both = best[i + 1][j + 1] + pair[1] if pair else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], both)
    out: list[Sequences] = []
    i = j = hits = 0
    while i < n or j < m:
        pair = pairs[i, j] if i < n and j < m else None
        if pair is not None and best[i][j] == best[i + 1][j + 1] + pair[1]:
            out.append(_arm(pair[0], [*_present(a[i], count), True]))
            i, j, hits = i + 1, j + 1, hits + 1
        elif i < n and (j == m or best[i][j] == best[i + 1][j]):
            out.append(_arm(lacking(_inner(a[i])), [*_present(a[i], count), False]))
            i += 1
        else:
            out.append(_arm(later(b[j]), [False] * count + [True]))
            j += 1
    return out if hits >= ALIKE * max(n, m) else None


def _likeness(merged: Sequences, one: Sequences, other: Sequences) -> float:
    """How well two arms match: by their terms and equal arguments, against terms that one lacks."""
    if not one and not other:
        return 1.0  # both are what comes in
    there = [m for m in flat(merged) if m.present[-1] and any(m.present[:-1])]
    values = [v for m in there for v in m.args.values() if len(v) > 1]
    equal = sum(0.3 for v in values if repr(v[-1]) == repr(v[-2]))
    lacking = size(merged) - len(there)
    return len(there) + equal - 1.5 * lacking - (_is_loop(one) != _is_loop(other))


def _inner(arm: Sequences) -> Sequences:
    return arm[0].subs[0] if len(arm) == 1 and arm[0].kind == ARM else arm


def _present(arm: Sequences, count: int) -> list[bool]:
    return arm[0].present if len(arm) == 1 and arm[0].kind == ARM else [True] * count


def _arm(arm: Sequences, present: list[bool]) -> Sequences:
    if all(present):
        return arm
    none: list[None] = [None] * len(present)
    return [Merged(ARM, "", {}, [arm], present, [*none], [*none])]


def _is_loop(arm: Sequences) -> bool:
    return bool(arm) and arm[0].kind == ARMS


def _as_loops(one: Sequences, other: Sequences) -> tuple[Sequences, Sequences]:
    return _in_a_loop(one, other), _in_a_loop(other, one)


def _in_a_loop(arm: Sequences, like: Sequences) -> Sequences:
    """An arm as the only turn of a loop, where another is such a loop."""
    if not arm or _is_loop(arm) or not _is_loop(like):
        return arm
    first = arm[0]
    turns = {"n": [1 if there else None for there in first.present]}
    return [Merged(ARMS, "", turns, [arm], first.present, first.channels, first.ops)]
