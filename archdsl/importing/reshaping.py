"""Operations that leave the numbers of a tensor as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.importing.record import TracedCall

if TYPE_CHECKING:
    from archdsl.importing.lower import Lowering

RESHAPING = frozenset(
    "view reshape unsqueeze squeeze contiguous to flatten float type_as __getitem__ __get__ expand "
    "repeat tile".split()
)


def turns(lower: Lowering, record: TracedCall, rank: int) -> bool:
    """Whether the last two axes of a tensor change places, and no others."""
    if record.op in ("mT", "t"):
        return rank >= 2
    if record.op in ("transpose", "swapaxes", "swapdims"):
        axes = (lower.argument(record, 1, "dim0"), lower.argument(record, 2, "dim1"))
        return sorted(axis % rank for axis in axes) == [rank - 2, rank - 1]
    if record.op == "permute":
        order = record.args[1] if isinstance(record.args[1], tuple) else record.args[1:]
        wanted = [*range(rank - 2), rank - 1, rank - 2]
        return rank >= 2 and [axis % rank for axis in order] == wanted
    return False
