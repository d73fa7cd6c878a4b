"""What gives the scores of candidates from a table of results, in the place of a training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from archdsl.search.asked import Asked, Scores, Unscored
from archdsl.search.recorded import place_of, read_table, record_of
from archdsl.search.request import SearchRequest
from archdsl.search.rows import DIVERGED, ERROR


def replay(search: SearchRequest, folder: Path) -> Callable[[Asked], Any]:
    """Looks candidates up in the table that a search names. Raises ``ArchError``."""
    table = read_table(search, folder)

    def objective(asked: Asked) -> Scores:
        place = place_of(asked.shape, asked.slice, asked.setting)
        try:
            found = record_of(table, place, asked.seed, search.explore_seeds)
        except KeyError as problem:
            raise Unscored(ERROR, problem.args[0]) from None
        for epoch, score in enumerate(found.curve, 1):
            asked.report(epoch, score)
        known = dict(found.scores)
        test, seconds = known.pop("test", None), known.pop("seconds", None)
        if not known:
            raise Unscored(DIVERGED, "the table says that this training failed")
        if "accuracy" in known:
            known.setdefault("error", 1 - known["accuracy"])
        return Scores(known, test, found.examples, found.test_examples, seconds)

    return objective
