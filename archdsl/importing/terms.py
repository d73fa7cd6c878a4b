"""What a spec is made of, before it is text: terms within terms, and several of them laid over
each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from archdsl.layers.base import Shape

ACTIVATIONS = frozenset("relu relu6 silu gelu hardswish hardsigmoid sigmoid mish tanh".split())
NUMBERED = re.compile(r"(^|_)t\d+$")  # names that the importer gives


@dataclass(eq=False, slots=True)
class Term:
    """A layer, or a pattern with its sequences of terms.

    ``kind`` is ``layer`` (a built-in one, or a block), ``branch``, ``residual``, ``dense``,
    ``fractal``, ``repeat``, ``for``, ``use`` (of a tensor that was kept), ``output`` (in training
    alone), ``result`` (always), ``shared`` (a module that is applied by its name); and on the way
    ``module``, a call of a module, and ``splice``, one whose terms belong to the sequence around
    it.
    """

    kind: str
    op: str = ""
    args: dict[str, Any] = field(default_factory=dict)
    subs: list[list[Term]] = field(default_factory=list)
    channels: int | None = None  # that come in
    keep: str = ""  # under which name its result is kept
    path: str = ""  # of the module
    label: str = ""
    shapes: tuple[Shape, Shape] | None = None  # of a module: what comes in and what goes out


def key(term: Term) -> Any:
    """Equal for terms that are the same."""
    args = tuple(sorted((k, repr(v)) for k, v in term.args.items()))
    subs = tuple(tuple(map(key, s)) for s in term.subs)
    return term.kind, term.op, args, subs, term.keep


def skeleton(term: Term) -> Any:
    """Equal for terms that are the same but for their arguments."""
    subs = tuple(tuple(map(skeleton, s)) for s in term.subs)
    return term.kind, term.op, subs, bool(term.keep)


def walk(sequence: list[Term]) -> Iterator[Term]:
    """All terms of a sequence, outer ones first."""
    for term in sequence:
        yield term
        for sub in term.subs:
            yield from walk(sub)


def of_scope(sequence: list[Term]) -> Iterator[Term]:
    """All terms of a sequence, without those of the modules in it, whose names are their own."""
    for term in sequence:
        yield term
        if term.kind != "module":
            for sub in term.subs:
                yield from of_scope(sub)


def copied(sequence: list[Term]) -> list[Term]:
    """The same terms, as others."""
    return [
        replace(term, args=dict(term.args), subs=[copied(sub) for sub in term.subs])
        for term in sequence
    ]


def last(sequence: list[Term]) -> Term | None:
    """The term whose result is that of a sequence: not a side output, which takes it too."""
    return next((t for t in reversed(sequence) if t.kind not in ("output", "result")), None)


def keep(sequence: list[Term], name: str) -> None:
    """Keeps what comes out of a sequence under a name."""
    end = last(sequence)
    if end is None or end.keep:
        at = 0 if end is None else sequence.index(end) + 1
        sequence.insert(at, end := Term("layer", "identity"))
    end.keep = name


def rename(sequence: list[Term], names: Mapping[str, str]) -> None:
    """Gives tensors that are kept in a sequence other names."""
    for term in of_scope(sequence):
        term.keep = names.get(term.keep, term.keep)
        if term.kind == "use":
            term.op = names.get(term.op, term.op)
        for name, value in term.args.items():
            if isinstance(value, Kept):
                term.args[name] = Kept(names.get(value, value))


def renumber(sequence: list[Term]) -> None:
    """Counts the tensors that are kept in a sequence anew, those of opened modules too."""
    kept = [term.keep for term in of_scope(sequence) if NUMBERED.search(term.keep)]
    taken = {term.op for term in of_scope(sequence) if term.kind == "use"} - set(kept)
    fresh = (name for n in count(1) if (name := f"t{n}") not in taken)
    rename(sequence, dict(zip(kept, fresh, strict=False)))


NAMED = ("use", "output", "result", "shared")  # terms with names of their own


class BareName(str):
    """An argument that is a name, and no text."""


class Kept(BareName):
    """An argument that is a tensor which was kept, by its name."""


def is_named(term: Term) -> bool:
    """Whether a term has a name of its own, or is given a tensor by its name."""
    kept = any(isinstance(value, Kept) for value in term.args.values())
    return kept or bool(term.keep) or term.kind in NAMED


@dataclass(frozen=True, slots=True)
class FirstTurn:
    """One value in the first turn of a ``repeat``, another in the others."""

    first: Any
    rest: Any


@dataclass(frozen=True, slots=True)
class Ramp:
    """A value that grows by one with each turn of a ``repeat``."""

    start: int


class Expansion(int):
    """A number of channels inside a block that is a multiple of those that come in, as it is in all
    blocks of its kind."""

    times: int

    def __new__(cls, value: int, channels: int) -> Expansion:
        made = super().__new__(cls, value)
        made.times = value // channels
        return made

    def __repr__(self) -> str:
        return f"{self.times} * in.channels" if self.times > 1 else "in.channels"

    __str__ = __repr__


class Classes(int):
    """A number of results of a head, as of classes: by its place, and no other number's equal."""

    def __repr__(self) -> str:
        return f"{self} classes"

    def __str__(self) -> str:
        return int.__repr__(self)


class _Missing:
    def __repr__(self) -> str:
        return "-"


class _Unused:
    def __repr__(self) -> str:
        return "any"


MISSING = _Missing()  # an argument that was not given
UNUSED = _Unused()  # one of which nothing is made, so that it may be any


@dataclass(eq=False, slots=True)
class Merged:
    """Terms of several instances of a block, laid over each other: each list has a value for each
    instance. ``present`` says which of them have the term at all."""

    kind: str
    op: str
    args: dict[str, list[Any]]
    subs: list[list[Merged]]
    present: list[bool]
    channels: list[int | None]
    ops: list[str | None]
    keep: str = ""


def lift(sequence: list[Term]) -> list[Merged]:
    """A sequence as that of one instance."""
    return [
        Merged(
            term.kind,
            term.op,
            {name: [value] for name, value in term.args.items()},
            [lift(sub) for sub in term.subs],
            [True],
            [term.channels],
            [term.op],
            term.keep,
        )
        for term in sequence
    ]


def size(merged: list[Merged]) -> int:
    """Terms in a sequence and within."""
    return sum(1 + sum(size(sub) for sub in m.subs) for m in merged)


def flat(merged: list[Merged]) -> Iterator[Merged]:
    for m in merged:
        yield m
        for sub in m.subs:
            yield from flat(sub)


def beside(a: list[Merged], b: list[Merged]) -> list[Merged]:
    """Two sequences of one form, laid over each other."""
    out = []
    for x, y in zip(a, b, strict=True):
        count = len(x.present)
        args = {
            name: x.args.get(name, [MISSING] * count) + y.args.get(name, [MISSING])
            for name in dict.fromkeys([*x.args, *y.args])
        }
        subs = [beside(s, t) for s, t in zip(x.subs, y.subs, strict=True)]
        out.append(
            Merged(
                x.kind,
                x.op if x.op == y.op else "mixed",
                args,
                subs,
                x.present + y.present,
                x.channels + y.channels,
                x.ops + y.ops,
                x.keep,
            )
        )
    return out
