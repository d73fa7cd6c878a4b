"""Anti-unification: the instances of a class laid over each other.

Sequences are aligned by their longest common subsequence. What some instances lack is optional, and
arguments that differ are lists of values, which ``definition`` relates to each other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.importing.linked import LINKED, are_one_form, links_of
from archdsl.importing.side_by_side import unified
from archdsl.importing.terms import ACTIVATIONS, MISSING, Kept, Merged, flat, size

ALIKE = 0.5  # of two sequences that have to match
SHORTCUTS = (
    0.3  # of two shortcuts, whose sums are alike, and of arms whose place says what they are
)
OPTIONAL = 0.4  # of a block that may be optional
EITHER = "either"  # the layer that stands for activations that differ


@dataclass(slots=True)
class _Pairs:
    """So many instances and one more: what their pairs of terms are as one, each worked out once.
    The terms are held, so that no other has the id of one."""

    count: int
    found: dict[tuple[int, int], tuple[Merged, Merged, tuple[Merged, float] | None]] = field(
        default_factory=dict
    )


def merge(a: list[Merged], b: list[Merged], count: int) -> list[Merged] | None:
    """A sequence of so many instances and one of another; nothing where they differ too much."""
    pairs = [(a, b)]
    if (wrapped := _wrapped(b, a, 1)) is not None:
        pairs.append((a, wrapped))
    if (wrapped := _wrapped(a, b, count)) is not None:
        pairs.append((wrapped, b))
    best: tuple[int, list[Merged]] | None = None
    known = _Pairs(count)
    for x, y in pairs:
        found = _unify(x, y, known)
        if found is not None:
            optional = sum(1 for m in flat(found) if not all(m.present))
            if best is None or optional < best[0]:
                best = optional, found
    if best is None:
        return None
    optional, found = best
    return found if optional <= OPTIONAL * max(3, sum(1 for _ in flat(found))) else None


def _match(a: Merged, b: Merged, known: _Pairs) -> tuple[Merged, float] | None:
    """Two terms as one, and how well they match."""
    pair = id(a), id(b)
    if pair not in known.found:
        known.found[pair] = a, b, _matched(a, b, known)
    return known.found[pair][2]


def _matched(a: Merged, b: Merged, known: _Pairs) -> tuple[Merged, float] | None:
    count = known.count
    a, b = _in_a_turn(a, b), _in_a_turn(b, a)
    if a.kind != b.kind or a.keep != b.keep:
        return None
    present, channels, ops = (
        a.present + b.present,
        a.channels + b.channels,
        a.ops + b.ops,
    )
    if a.kind == "residual":
        return _match_residuals(a, b, known)
    if a.kind == "layer" and a.op != b.op and {a.op, b.op} <= ACTIVATIONS | {EITHER}:
        if (a.args and a.op != EITHER) or (b.args and b.op != EITHER):
            return None
        one = a.args["act"] if a.op == EITHER else [a.op if p else None for p in a.present]
        other = b.args["act"] if b.op == EITHER else [b.op]
        return Merged("layer", EITHER, {"act": one + other}, [], present, channels, ops), 0.8
    if a.op != b.op or (len(a.subs) != len(b.subs) and a.kind != "branch"):
        return None
    subs: list[list[Merged]] | None = None
    if len(a.subs) == len(b.subs):
        by_place = a.kind == "branch" and bool(a.args)
        least = SHORTCUTS if by_place else ALIKE
        each = [_unify(x, y, known, least) for x, y in zip(a.subs, b.subs, strict=True)]
        laid = [sub for sub in each if sub is not None]
        subs = laid if len(laid) == len(each) else None
    if a.kind == "branch" and not a.args and not b.args and subs is None:
        arms = unified(
            a.subs,
            b.subs,
            count,
            lambda x, y: _unify(x, y, known),
            lambda arm: [_absent(m) for m in arm],
            lambda arm: [_later(m, count) for m in arm],
        )
        if arms is None:
            return None
        joined = Merged("branch", a.op, {}, arms, present, channels, ops, a.keep)
        return joined, 1.0 + sum(map(size, arms))
    uneven = a.kind == LINKED and (links_of(a) != links_of(b) or not are_one_form(subs or []))
    if subs is None or uneven:
        return None
    args, weight = {}, 1.0
    for name in dict.fromkeys([*a.args, *b.args]):
        one, other = a.args.get(name, [MISSING] * count), b.args.get(name, [MISSING])
        if one[-1] != other[0] and isinstance(one[-1], Kept):
            return None
        args[name] = one + other
        if one[-1] == other[0]:
            weight += 0.3
        elif name == "kernel":
            weight -= 0.4
    made = Merged(a.kind, a.op, args, subs, present, channels, ops, a.keep)
    return made, weight + sum(size(sub) for sub in subs)


def _in_a_turn(m: Merged, like: Merged) -> Merged:
    """A term as the only turn of a loop, where another is such a loop of more."""
    inside = like.subs[0] if like.kind in ("repeat", "dense") and not m.keep else []
    if like.kind == "dense" and m.kind == "branch" and m.op == "concat" and not m.args:
        body = m.subs[1] if len(m.subs) == 2 and not m.subs[0] else []
    elif (
        like.kind == "repeat"
        and len(inside) == 1
        and (m.kind, m.op) == (inside[0].kind, inside[0].op)
    ):
        body = [m]
    else:
        body = []
    if not body:
        return m
    turns = {"n": [1 if there else None for there in m.present]}
    return Merged(like.kind, "", turns, [body], m.present, m.channels, m.ops)


def _match_residuals(a: Merged, b: Merged, known: _Pairs) -> tuple[Merged, float] | None:
    count = known.count
    body = _unify(a.subs[0], b.subs[0], known)
    if body is None:
        return None
    one = a.subs[1] if len(a.subs) > 1 else None
    other = b.subs[1] if len(b.subs) > 1 else None
    short: list[Merged] | None = None
    if one is not None and other is not None:
        short = _unify(one, other, known, SHORTCUTS)
        if short is None:
            return None
    elif other is not None:
        short = [_later(m, count) for m in other]
    elif one is not None:
        short = [_absent(m) for m in one]
    args = {
        name: a.args.get(name, [MISSING] * count) + b.args.get(name, [MISSING])
        for name in dict.fromkeys([*a.args, *b.args])
    }
    made = Merged(
        "residual",
        a.op if a.op == b.op else "mixed",
        args,
        [body] if short is None else [body, short],
        a.present + b.present,
        a.channels + b.channels,
        a.ops + b.ops,
        a.keep,
    )
    return made, 2.0 + len(body)


def _absent(m: Merged) -> Merged:
    """A term that one more instance lacks."""
    return Merged(
        m.kind,
        m.op,
        {name: [*values, None] for name, values in m.args.items()},
        [[_absent(x) for x in sub] for sub in m.subs],
        [*m.present, False],
        [*m.channels, None],
        [*m.ops, None],
        m.keep,
    )


def _later(m: Merged, count: int) -> Merged:
    """A term that the first instances lack."""
    none = [None] * count
    return Merged(
        m.kind,
        m.op,
        {name: [*none, *values] for name, values in m.args.items()},
        [[_later(x, count) for x in sub] for sub in m.subs],
        [False] * count + m.present,
        [*none, *m.channels],
        [*none, *m.ops],
        m.keep,
    )


def _unify(
    a: list[Merged], b: list[Merged], known: _Pairs, alike: float = ALIKE
) -> list[Merged] | None:
    """The longest common subsequence by weight; what is in one alone is optional."""
    n, m = len(a), len(b)
    pairs = {(i, j): _match(a[i], b[j], known) for i in range(n) for j in range(m)}
    best = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in reversed(range(n)):
        for j in reversed(range(m)):
            found = pairs[i, j]
            both = best[i + 1][j + 1] + found[1] if found else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], both)
    out: list[Merged] = []
    i = j = hits = 0
    while i < n or j < m:
        pair = pairs[i, j] if i < n and j < m else None
        if pair is not None and best[i][j] == best[i + 1][j + 1] + pair[1]:
            out.append(pair[0])
            i, j, hits = i + 1, j + 1, hits + 1
        elif i < n and (j == m or best[i][j] == best[i + 1][j]):
            out.append(_absent(a[i]))
            i += 1
        else:
            out.append(_later(b[j], known.count))
            j += 1
    longest = max(n, m)
    return None if hits < alike * longest or (not hits and longest) else out


def _wrapped(sequence: list[Merged], like: list[Merged], count: int) -> list[Merged] | None:
    """A sequence without the residual that another has, as one whose shortcut is none."""
    places = [i for i, m in enumerate(like) if m.kind == "residual"]
    if len(places) != 1 or any(m.kind == "residual" for m in sequence):
        return None
    start, tail = places[0], len(like) - places[0] - 1
    end = len(sequence) - tail
    body = sequence[start:end]
    if not body:
        return None
    channels = list(body[0].channels)
    made = Merged("residual", "none", {}, [body], [True] * count, channels, ["none"] * count)
    return [*sequence[:start], made, *sequence[end:]]
