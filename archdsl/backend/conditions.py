"""What has to hold of the arguments of a class: conditions over its constructor's parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from archdsl.backend.terms import COMPARISON, EITHER, SUM, Num, Word, both, same, shown


def changes(channels: int, wanted: int, stride: int) -> Word:
    """Whether a body changes the shape of what comes in."""
    parts = []
    if isinstance(stride, Num):
        parts.append(Word(stride != 1, f"{shown(stride, SUM)} != 1", COMPARISON))
    if not same(channels, wanted):
        text = f"{shown(channels, SUM)} != {shown(wanted, SUM)}"
        parts.append(Word(int(channels) != int(wanted), text, COMPARISON))
    text = " or ".join(p.text for p in parts) or "False"
    return Word(any(p.value for p in parts), text, EITHER if len(parts) > 1 else COMPARISON)


def fixed(terms: Sequence[tuple[int, int, int]], sometimes: bool, also: Word | None = None) -> Word:
    """That terms are the numbers that are written in a part; where the part is there only
    ``sometimes``, they may be what they are without it. A term is given with both numbers.
    ``also`` holds without the part."""
    if sometimes and also is not None:
        there = fixed(terms, False)
        without = both([fixed([(term, n, n) for term, _, n in terms], False), also])
        return Word(True, f"{there.text} or ({without.text})", EITHER)
    texts = [shown(term, SUM) for term, _, _ in terms]
    cases = [[without for *_, without in terms]] if sometimes else []
    cases.append([number for _, number, _ in terms])
    several = len(terms) > 1
    said = [f"({', '.join(map(str, case))})" if several else str(case[0]) for case in cases]
    left = f"({', '.join(texts)})" if several else texts[0]
    right = f"in ({', '.join(said)})" if sometimes else f"== {said[0]}"
    return Word(True, f"{left} {right}", COMPARISON)


def numbers(values: Iterable[Any]) -> Iterator[Word]:
    """That values are the numbers that are written for them."""
    for value in values:
        if isinstance(value, Num):
            yield Word(True, f"{shown(value, SUM)} == {int(value)}", COMPARISON)
