"""A table of results in the place of a training: searches are replayed on what was trained once.

The trainings of a network are those rows that have its shape, budget and setting. They are dealt in
an order that the study's seed shuffles: the first to exploration, the others, each once, to the
fresh seeds. So a fresh result is one that nothing has seen, and another seed is another study.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isfinite
from pathlib import Path
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose
from archdsl.diagnostics.render import printable
from archdsl.elaborate.values import show
from archdsl.search.reach import Reach
from archdsl.search.request import MOST_SEEDS, SearchRequest
from archdsl.search.space import WHOLE
from archdsl.training.examples import packed
from archdsl.verdict.table import budget_of, rows_of

PLACE = ("shape", "budget", "setting")  # columns that say what was trained
TEXTS = ("curve", "examples", "test_examples")
STEP = 1_000_003  # a study's seed is so many times in the seeds of its trainings
SHOWN = 3  # of what a table lacks, that is told

Place = tuple[str, float, str]  # shape, budget (0 without one), setting


@dataclass(frozen=True, slots=True)
class RecordedTraining:
    """A training that is known. ``scores`` are empty where it failed; ``curve`` is the score
    after each epoch."""

    scores: Mapping[str, float]
    curve: tuple[float, ...]
    examples: str
    test_examples: str


@dataclass(frozen=True, slots=True)
class RecordedTable:
    """Results by what was trained. ``name`` is that of its file."""

    name: str
    rows: Mapping[Place, Sequence[RecordedTraining]]

    def dealt(self, place: Place, seed: int) -> list[RecordedTraining]:
        """The results of a network in the order of a study's seed."""
        found = list(self.rows.get(place, ()))
        random.Random(f"{seed} {place}").shuffle(found)
        return found


def read_table(search: SearchRequest, folder: Path) -> RecordedTable:
    """The table that a search names. Raises ``ArchError`` (A732) for what is none."""
    own = search.own
    assert own is not None
    try:
        rows = rows_of(folder / own.file)
        asked = [row for row in rows if _is_asked(row, own.settings)]
        if rows and not asked:
            told = ", ".join(f"{name} = {show(value)}" for name, value in own.settings.items())
            raise ValueError(f"no row has {told}")
        return RecordedTable(own.file, grouped(asked))
    except ValueError as problem:
        raise ArchError([_unusable(search, str(problem))]) from None


def _is_asked(row: Mapping[str, Any], settings: Mapping[str, Any]) -> bool:
    """Whether a training went by the settings of a search, of which the table tells."""
    for name, value in settings.items():
        known = row.get(name)
        if name in (*PLACE, *TEXTS) or known in (None, ""):
            continue
        try:
            if float(known) != float(value):
                return False
        except (TypeError, ValueError):
            if str(known) != str(value):
                return False
    return True


def grouped(rows: Sequence[Mapping[str, Any]]) -> dict[Place, list[RecordedTraining]]:
    found: dict[Place, list[RecordedTraining]] = {}
    if not rows:
        raise ValueError("there are no rows in it")
    for number, row in enumerate(rows, 1):
        if row.get("shape") in (None, ""):
            raise ValueError(f"row {number} has no `shape`")
        shape, setting = str(row["shape"]), str(row.get("setting") or "")
        place = (shape, budget_of(row.get("budget"), number), setting)
        found.setdefault(place, []).append(_recorded(row, number))
    return found


def _recorded(row: Mapping[str, Any], number: int) -> RecordedTraining:
    scores = {}
    for name, value in row.items():
        if name in (*PLACE, *TEXTS, "seed") or value in (None, ""):
            continue
        try:
            scores[str(name)] = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"row {number}: `{name}` is not a number, but {value!r:.40}") from None
    scores = {name: value for name, value in scores.items() if isfinite(value)}
    texts = {name: str(row.get(name) or "") for name in TEXTS}
    try:
        for name in TEXTS[1:]:
            packed(texts[name]) if texts[name] else None
        curve = tuple(float(part) for part in texts["curve"].split())
    except ValueError:
        what = "`curve` is not a list of numbers, or `examples` are not what archdsl writes"
        raise ValueError(f"row {number}: {what}") from None
    return RecordedTraining(scores, curve, texts["examples"], texts["test_examples"])


def check_table(search: SearchRequest, folder: Path, reaches: Sequence[Reach]) -> None:
    """Raises ``ArchError`` (A732) where a table cannot answer what a search may ask of it."""
    if search.own is None or not search.own.is_table:
        return
    table = read_table(search, folder)
    domains = search.tune.values()
    if any(domain.count is None for domain in domains):
        reason = "a table cannot hold every number of a range: list the values to tune"
        raise ArchError([_unusable(search, reason)])
    values = product(*(domain.enumerate() for domain in domains))
    settings = [
        ", ".join(f"{n} = {show(v)}" for n, v in zip(search.tune, value, strict=True))
        for value in values
    ]
    needed = search.explore_seeds + search.settle_seeds
    lacking = []
    for reach in reaches:
        for candidate in reach.candidates or ():
            for setting in settings:
                shape = candidate.shape.text
                count = len(table.rows.get((shape, reach.slice.budget or 0.0, setting), ()))
                if count < needed:
                    what = f"{shape}{', ' * bool(setting)}{setting} at {reach.slice.name}"
                    lacking.append(f"{what} has {count} of {needed} training runs")
    if lacking:
        more = f", and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
        reason = f"rows are missing: {'; '.join(lacking[:SHOWN])}{more}"
        raise ArchError([_unusable(search, reason)])


def place_of(shape: str, slice: str, setting: str) -> Place:
    """What was trained, as the rows of a table are found by it."""
    return shape, 0.0 if slice == WHOLE.name else budget_of(slice, 0), setting


def record_of(table: RecordedTable, place: Place, seed: int, explored: int) -> RecordedTraining:
    """The result for a training's seed, of a study that explores with ``explored`` seeds. Raises
    ``KeyError`` where the table has no more rows."""
    study, seed = divmod(seed, STEP)
    number = seed - 1 if seed <= MOST_SEEDS else seed - MOST_SEEDS - 1 + explored
    found = table.dealt(place, study)
    if number >= len(found):
        shape, _, setting = place
        name = f"{shape}, {setting}" if setting else shape
        raise KeyError(f"{table.name} has {len(found)} training runs of {name}, and no more")
    return found[number]


def _unusable(search: SearchRequest, reason: str) -> Diagnostic:
    assert search.own is not None
    fields = {"name": printable(search.own.file), "reason": printable(reason)}
    return diagnose(codes.BAD_TABLE, search.spans["train"], fields=fields)
