"""How many fresh seeds the slices of a study have by now, and which of them need more.

With ``seeds 2 then 3..20`` results are looked at after 3, 5, 8, 12, 16 and 20 seeds: a slice that
has its answer, a difference or none that matters, is not trained further.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archdsl.search.opened import OpenStudy
from archdsl.search.outcome import budget_of, judged, looks_of, question, results, tuning
from archdsl.search.request import MOST_SEEDS
from archdsl.search.rows import SETTLE
from archdsl.verdict import judge
from archdsl.verdict.model import NO_EVIDENCE, NOT_SETTLED, SliceVerdict

FRESH = MOST_SEEDS  # seeds of retrained winners begin after this
OPEN = (NO_EVIDENCE, NOT_SETTLED)  # answers that more seeds may change


def begun(study: OpenStudy, slices: Iterable[str]) -> dict[str, int]:
    """The fresh seeds of each slice: those that are queued, and no fewer than the first look's."""
    first = looks_of(study.search)[0]
    found = {}
    for slice in slices:
        id = study.part_id(SETTLE, slice)
        seeds = {} if id is None else study.tables.values_of(id, "seed")
        found[slice] = max([first, *(int(s) - FRESH for s in seeds.values())])
    return found


def is_open(part: SliceVerdict) -> bool:
    """Whether more seeds may change what is said of any two arms of a slice."""
    pairs = len(part.arms) * (len(part.arms) - 1) // 2 - 1
    words = [part.word, *(pair.word for pair in part.pairs)]
    return len(part.pairs) < pairs or any(word in OPEN for word in words)


def further(study: OpenStudy, counts: Mapping[str, int]) -> dict[str, int] | None:
    """The fresh seeds of each slice after the next look; nothing where no slice needs more."""
    looks = looks_of(study.search)
    if all(count >= looks[-1] for count in counts.values()):
        return None
    held = study.search.hold is not None
    rows = judged(study)
    found = results(study, rows)
    said = judge(found, question(study.search, found), resamples=0, short=tuning(study, rows))
    homes = {result.slice: budget_of(result) for result in found}
    needed = {homes[part.slice] for part in said.slices if is_open(part)}
    more = {
        slice: next((look for look in looks if look > count), count)
        if (slice if held else "") in needed
        else count
        for slice, count in counts.items()
    }
    return None if more == dict(counts) else more
