"""All that a report tells of a study, read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from archdsl.diagnostics.model import ArchError
from archdsl.layers.base import Shape
from archdsl.report.importance import Importance, importance_of
from archdsl.report.scales import Measure, measure_of, place_text
from archdsl.report.shown import MOST, chosen
from archdsl.search.card import Card
from archdsl.search.fair import fair_words
from archdsl.search.outcome import beside, best, front, judged, question, results, verdict
from archdsl.search.refused import refusal, words
from archdsl.search.request import SearchRequest
from archdsl.search.rows import STATES, BriefRow, Row, moment
from archdsl.search.study import Study
from archdsl.spec import Architecture
from archdsl.verdict import Question, Verdict
from archdsl.verdict.curve import Fit, fit
from archdsl.verdict.judge import RESAMPLES
from archdsl.verdict.model import SliceVerdict
from archdsl.verdict.results import BudgetResults
from archdsl.verdict.settled import Explored, explored

OPEN = ("waiting", "running")
AT_WORK = 100  # trials that run and are shown, of a large study


@dataclass(frozen=True, slots=True)
class SliceFacts:
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
    search: SearchRequest
    input: Shape | None
    stage: str
    rows: Sequence[Row]  # those that the page shows: all of them, if they are not too many
    total: int
    parts: Sequence[SliceFacts]
    measure: Measure
    question: Question
    verdict: Verdict | None
    best: Row | None
    front: Sequence[Row]
    importances: Sequence[Importance]
    fair: Sequence[str]  # what is said of the fairness of each comparison
    beside: Sequence[str]  # what is said of the baseline of each slice
    counts: Counter[str] = field(default_factory=Counter)  # of all trials, by their state
    failures: Counter[str] = field(default_factory=Counter)  # of those that failed, by what
    passed: int = 0  # trials whose turn was given to another one, or taken from the queue
    seconds: Sequence[float] = ()  # of trainings
    last_end: datetime | None = None
    refused: str = ""  # that the checks of today refuse the spec, in words

    @property
    def name(self) -> str:
        return self.card.study

    @property
    def turns(self) -> int:
        """How many trials there are, but for those whose turn was given to another one."""
        return self.total - self.passed

    @property
    def is_whole(self) -> bool:
        """Whether all trials are shown."""
        return len(self.rows) == self.total

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
    ids = study.ids()
    counts = Counter[str]()
    for (_, state), count in study.tables.counts(list(ids)).items():
        counts[STATES.get(state, state)] += count
    total = counts.total()
    if total <= MOST:
        rows = study.rows()
        known: Sequence[BriefRow] = rows
        total = len(rows)
    else:
        known = judged(study)
        running = study.rows(states=("RUNNING",))[:AT_WORK]
        rows = [*study.whole(chosen(study, known, MOST - len(running))), *running]
    found = results(study, known)
    asked = question(study.search, found)
    scored = any(r.score is not None for r in found)
    compared = explored(found, asked) if scored and not study.search.is_pareto else None
    said = None if compared is None else verdict(study, known, found, compared)
    try:
        top = best(study, rows=known)
    except ArchError:
        top = None  # there are no results yet
    ends = study.tables.last_end(list(ids))
    mistakes = refusal(study, top)
    return Facts(
        card=study.card,
        folder=study.folder,
        storage=storage,
        search=study.search,
        input=study.space.input,
        stage=study.stage,
        rows=rows,
        total=total,
        parts=_parts(study, rows, compared or (), asked, said),
        measure=measure_of(study.search),
        question=asked,
        verdict=said,
        best=top,
        front=study.whole(front(study, known)) if study.search.is_pareto else (),
        importances=[importance_of(study, s.name, known) for s in study.space.slices],
        fair=[] if said is None else fair_words(study, known, said),
        beside=[p.words(study.search.objectives[0].name) for p in beside(study, known)],
        counts=counts,
        failures=Counter(row.failure for row in known if row.is_failure),
        passed=sum(row.state == "failed" and not row.is_failure for row in known),
        seconds=study.tables.amounts(list(ids), "seconds"),
        last_end=None if ends is None else moment(ends, study.name),
        refused=words(study, mistakes) if mistakes else "",
    )


def _parts(
    study: Study,
    rows: Sequence[Row],
    compared: Sequence[tuple[BudgetResults, Sequence[Explored]]],
    asked: Question,
    judged: Verdict | None,
) -> list[SliceFacts]:
    held = study.search.hold is not None
    known = {part.name: shapes for part, shapes in compared}
    said = {part.slice: part for part in judged.slices} if judged else {}
    parts = []
    for place, slice in enumerate(study.space.slices):
        mine = [row for row in rows if row.slice == slice.name]
        name = slice.name if held else ""
        shapes: Sequence[Explored] = ()
        curve = None
        if name in known and judged is not None:
            shapes = known[name]
            curve = fit(shapes, RESAMPLES, 0) if asked.ordered and shapes else None
        elif judged is not None:  # each kind is judged for itself; here are all together
            shapes = [
                shape
                for part, of_kind in compared
                if part.name.removesuffix(f"with {part.kind}").strip() == name
                for shape in of_kind
            ]
            shapes = sorted(shapes, key=lambda shape: -shape.shrunk)
        title = place_text(slice.name) if held else "all networks"
        parts.append(
            SliceFacts(place, slice.name, title, slice.budget, mine, shapes, curve, said.get(name))
        )
    return parts
