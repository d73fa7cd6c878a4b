"""Whether two steps of a part would have one name, and so their weights one key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from archdsl.ir.network import Part, Pick, Step

if TYPE_CHECKING:
    from archdsl.diagnostics.source import Span

DIGITS = frozenset("0123456789")


def clash(steps: Sequence[Step], names: Mapping[str, int]) -> tuple[str, Span, Span] | None:
    """A name that two steps have, and their places.

    Names without a digit at their end cannot meet what numbering makes of others; those
    that have one (a label ``stage2`` beside ``stage`` in a loop) are compared with all.
    """
    if DIGITS.isdisjoint([name[-1] for name in names]):
        return None
    seen: dict[str, Span] = {}
    for name, span in numbered_names(steps, {}):
        if name in seen:
            return name, seen[name], span
        seen[name] = span
    return None


def numbered_names(
    steps: Sequence[Step], offsets: Mapping[str, int], own: bool = False
) -> Iterator[tuple[str, Span]]:
    """The names that the steps of a part have, those of turns in each turn, and their places;
    with ``own`` those of steps that have weights of their own."""
    for step in steps:
        op = step.op
        if isinstance(op, Pick):
            continue
        number = step.number + offsets.get(step.name, 0)
        for copy in range(step.repeat):
            if isinstance(op, Part) and op.kind == "turn":
                moved = dict(offsets)
                for name, count in op.counts.items():
                    moved[name] = moved.get(name, 0) + copy * count
                yield from numbered_names(op.steps, moved, own)
            elif not own or step.module is None:
                yield step.numbered(number + copy), step.span
