"""Which trials of a large study its report shows."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nsmallest

from archdsl.search.rows import SETTLE, R
from archdsl.search.study import Study

MOST = 2000  # trials that a page shows


def chosen(study: Study, rows: Sequence[R], count: int) -> list[R]:
    """At most ``count`` trials: those that were retrained; half of the room for the best of each
    budget; and of the others every so-manieth, so that charts show how they spread."""
    settled = [row for row in rows if row.stage == SETTLE][: count // 2]
    others = [row for row in rows if row.stage != SETTLE]
    sign = -1.0 if study.search.objectives[0].minimize else 1.0
    each = (count - len(settled)) // 2 // max(len(study.space.slices), 1)
    best: list[R] = []
    for slice in study.space.slices:
        mine = [row for row in others if row.slice == slice.name and row.is_result]
        best += nsmallest(each, mine, key=lambda row: -sign * row.values[0])
    taken = {id(row) for row in best}
    rest = [row for row in others if id(row) not in taken]
    return [*settled, *best, *spread(rest, count - len(settled) - len(best))]


def spread(rows: Sequence[R], count: int) -> list[R]:
    """At most ``count`` rows, evenly over all."""
    if len(rows) <= count:
        return list(rows)
    return [rows[place * len(rows) // count] for place in range(count)]


def words(shown: int, total: int) -> str:
    """What is shown of a large study, and what is not."""
    return (
        f"Shown here are {shown:,} of {total:,} trials: those that were retrained, the best of"
        f" each budget, and an even sample of the others. The answer, its intervals and its"
        f" curves are of all; {total - shown:,} more are in the study:"
        " `archdsl.study(...).rows` has each."
    )
