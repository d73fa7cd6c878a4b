"""All that a report tells of a study, read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.diagnostics.model import ArchError
from archdsl.layers.base import Shape as Sizes
from archdsl.report.importance import Importance, importance_of
from archdsl.report.measure import Measure, measure_of, place_text
from archdsl.search.card import Card
from archdsl.search.outcome import beside, best, front, question, results, verdict
from archdsl.search.request import Search
from archdsl.search.rows import EXPLORE, Row
from archdsl.search.study import Study
from archdsl.spec import Architecture
from archdsl.verdict import Question, Result, Verdict
from archdsl.verdict.arms import Explored, explored_shapes
from archdsl.verdict.curve import Fit, fit
from archdsl.verdict.judge import RESAMPLES
from archdsl.verdict.model import SliceVerdict
from archdsl.verdict.results import slices_of

OPEN = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Part:
    """A slice of a study. ``shapes`` are those that were explored, the best first, with scores of
    which more is better; ``fit`` is the curve through them, where it can be drawn."""

    place: int
    name: str
    title: str
    budget: float | None
    rows: Sequence[Row]
    shapes: Sequence[Explored] = ()
    fit: Fit | None = None
    judged: SliceVerdict | None = None


@dataclass(frozen=True)
class Facts:
    """A study as it stood when it was read."""

    card: Card
    folder: Path
    storage: bool  # whether it stands in a storage of its own, and not in its folder
    search: Search
    input: Sizes | None
    stage: str
    rows: Sequence[Row]
    parts: Sequence[Part]
    measure: Measure
    question: Question
    results: Sequence[Result]
    verdict: Verdict | None
    best: Row | None
    front: Sequence[Row]
    importances: Sequence[Importance]
    beside: Sequence[str]  # what is said of the baseline of each slice
    counts: Counter[str] = field(default_factory=Counter)  # of trials, by their state

    @property
    def name(self) -> str:
        return self.card.study

    @property
    def compares(self) -> bool:
        """Whether shapes are compared at budgets; with several objectives, fronts are drawn."""
        return not self.search.is_pareto

    @property
    def is_done(self) -> bool:
        return self.stage == "done" and not any(self.counts[s] for s in OPEN)

    def key(self, row: Row) -> str:
        """What a trial is called within the page: numbers are those of its slice and stage."""
        place = next(p.place for p in self.parts if p.name == row.slice)
        return f"{row.stage[0]}{place}-{row.number}"

    def architecture(self, row: Row) -> Architecture:
        """The network of a trial. Raises ``ArchError``."""
        return self.search.spec.candidate(dict(row.knobs or {}), self.input)


def gather(study: Study, storage: bool = False) -> Facts:
    """What is known of a study."""
    rows = study.rows()
    found = results(study, rows)
    asked = question(study.search, found)
    scored = any(r.score is not None for r in found)
    judged = verdict(study, rows) if scored and not study.search.is_pareto else None
    try:
        top = best(study)
    except ArchError:
        top = None  # there are no results yet
    return Facts(
        card=study.card,
        folder=study.folder,
        storage=storage,
        search=study.search,
        input=study.space.input,
        stage=study.stage,
        rows=rows,
        parts=_parts(study, rows, found, asked, judged),
        measure=measure_of(study.search),
        question=asked,
        results=found,
        verdict=judged,
        best=top,
        front=front(study, rows) if study.search.is_pareto else (),
        importances=[
            importance_of(study.parts[EXPLORE, s.name], s.name) for s in study.space.slices
        ],
        beside=[p.words(study.search.objectives[0].name) for p in beside(study, rows)],
        counts=Counter(row.state for row in rows),
    )


def _parts(
    study: Study,
    rows: Sequence[Row],
    found: Sequence[Result],
    asked: Question,
    judged: Verdict | None,
) -> list[Part]:
    held = study.search.hold is not None
    known = {part.name: part for part in slices_of(found)}
    said = {part.slice: part for part in judged.slices} if judged else {}
    parts = []
    for place, slice in enumerate(study.space.slices):
        mine = [row for row in rows if row.slice == slice.name]
        name = slice.name if held else ""
        shapes: Sequence[Explored] = ()
        curve = None
        if name in known and judged is not None:
            shapes = explored_shapes(known[name], asked)
            curve = fit(shapes, RESAMPLES, 0) if asked.ordered and shapes else None
        title = place_text(slice.name) if held else "all networks"
        parts.append(
            Part(place, slice.name, title, slice.budget, mine, shapes, curve, said.get(name))
        )
    return parts
