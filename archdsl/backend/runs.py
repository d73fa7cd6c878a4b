"""Blocks that follow each other, all alike: how many they are is a number of the class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.backend.names import run_stem
from archdsl.backend.scope import Entry, scope_of
from archdsl.backend.terms import Num
from archdsl.ir.network import Part

TURN = "turn"  # what a loop is called whose body has no name


def is_run(entry: Entry) -> bool:
    """Whether a step is a block, or a turn of a loop, that there may be more of, or fewer, one
    after the other."""
    op = entry.op
    block = isinstance(op, Part) and not op.given and (op.kind == "block" or op.name == TURN)
    goes_on = entry.repeat > 1 or entry.inputs_shapes[0] == entry.shape
    alone = entry.module is None and len(entry.inputs) == 1 and entry.weight is None
    return block and goes_on and alone and run_stem(entry.base, entry.number, 2) is not None


def differing(parts: Sequence[Part]) -> frozenset[str]:
    """The steps that some parts repeat more often than others, by their labels."""
    lengths: dict[str, set[int]] = {}
    refused: set[str] = set()
    for part in parts:
        for entry in scope_of(part, unroll=False).entries:
            lengths.setdefault(entry.label, set()).add(entry.repeat)
            if not is_run(entry):
                refused.add(entry.label)
    return frozenset(label for label, n in lengths.items() if len(n) > 1) - refused


def last_number(entry: Entry, turns: Any) -> Num | None:
    """The number of the last of a run, of a loop that has so many turns; nothing where that does
    not say it."""
    before = entry.number - 1
    if not isinstance(turns, Num) or turns not in (entry.repeat, before + entry.repeat):
        return None
    last: Num = turns + before if turns == entry.repeat else turns
    return last
