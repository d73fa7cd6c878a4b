"""How diagnostics are made and raised. JSON and SARIF are made from them elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import accumulate
from types import MappingProxyType
from typing import Any

from archdsl.diagnostics.diagnostic import Diagnostic, Kind, Label, TrailFrame
from archdsl.diagnostics.render import render
from archdsl.diagnostics.source import Span

__all__ = [
    "MAX_WORD",
    "MOST",
    "ArchError",
    "Diagnostic",
    "Fault",
    "Kind",
    "Label",
    "TrailFrame",
    "diagnose",
    "did_you_mean",
    "fault",
    "in_order",
]

MOST = 100  # mistakes of one spec that are told
MAX_WORD = 60  # of longer words, no other spelling is looked for
MOST_COMPARED = 200_000  # pairs of letters, of a word and of those that it may stand for


def diagnose(
    kind: Kind,
    *labels: Span | Label | None,
    notes: Iterable[str] = (),
    help: Iterable[str] = (),
    fields: Mapping[str, object] | None = None,
    **more: object,
) -> Diagnostic:
    """A diagnostic of ``kind`` at the given places, the first of which is the main one.

    What the templates of the kind name is given by keyword, or together as ``fields``.
    """
    placed = tuple(Label(x) if isinstance(x, Span) else x for x in labels if x is not None)
    return Diagnostic(kind, {**(fields or {}), **more}, placed, tuple(notes), tuple(help))


class Fault(Exception):
    """A diagnostic on its way up. Inside the library only: users see ``ArchError``."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic

    def note(self, text: str) -> None:
        """Adds where it comes from, if nobody nearer has done so."""
        if not self.diagnostic.notes:
            self.diagnostic = replace(self.diagnostic, notes=(text,))


def fault(
    kind: Kind,
    *labels: Span | Label | None,
    notes: Iterable[str] = (),
    help: Iterable[str] = (),
    fields: Mapping[str, object] | None = None,
    **more: object,
) -> Fault:
    """``raise fault(...)``: a diagnostic that ends what is being done."""
    return Fault(diagnose(kind, *labels, notes=notes, help=help, fields=fields, **more))


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Diagnostics as their places follow each other in each text."""
    sources: dict[int, int] = {}

    def place(d: Diagnostic) -> tuple[int, int]:
        if d.span is None:
            return -1, 0
        return sources.setdefault(id(d.span.source), len(sources)), d.span.start

    return sorted(diagnostics, key=place)


class ArchError(Exception):
    """What every failure of the library is. ``str()`` is the text a user should see.

    ``diagnostics`` are the first of very many; ``complete`` says whether they are all. Who looks
    for mistakes looks for one more than are told, to know it.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics: tuple[Diagnostic, ...] = tuple(diagnostics[:MOST])
        self.complete = len(diagnostics) <= MOST
        super().__init__(self.diagnostics[0].message if self.diagnostics else "")

    def __str__(self) -> str:
        return render(self.diagnostics)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.diagnostics,), {"complete": self.complete}


def did_you_mean(
    word: str, known: Iterable[str], named: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """A help line naming what is spelled most like ``word``, or nothing: see ``spelled_like``."""
    near = spelled_like(word, known, named)
    return [] if near is None else [f"did you mean `{near}`?"]


def which_knob(word: str, known: Iterable[str]) -> list[str]:
    """A help line for a name that no knob has: the knob that is spelled most like it, or all."""
    names = list(known)
    shown = f"the knobs are {', '.join(names)}" if names else "it has no knobs"
    return did_you_mean(word, names) or [shown]


def spelled_like(
    word: str, known: Iterable[str], named: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """What is spelled most like ``word``, if anything is. ``named`` has other spellings, and what
    they are of: that is given then."""
    if len(word) > MAX_WORD:
        return None
    near = sorted(k for k in {*known, *named} if len(k) <= MAX_WORD)
    near.sort(key=lambda k: abs(len(k) - len(word)))
    letters = list(accumulate(map(len, near)))
    near = near[: bisect_right(letters, MOST_COMPARED // max(len(word), 1))]
    found = [k for k in near if k.lower() == word.lower()]
    if not found:  # two neighbours that changed places: `gleu` is `gelu`, not `glu`
        turned = {f"{word[:i]}{word[i + 1]}{word[i]}{word[i + 2 :]}" for i in range(len(word) - 1)}
        found = sorted(turned.intersection(near), key=lambda k: (k in named, k))
    found = found or get_close_matches(word, near, n=1, cutoff=0.6)
    if found and found[0] in named and not get_close_matches(word, found, cutoff=0.65):
        return None  # a word of another library has to be nearer
    return named.get(found[0], found[0]) if found else None
