"""The table of trials, and what opens below each: its figures, its frozen spec, its drawing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from archdsl.costs.base import Cost
from archdsl.diagnostics.model import ArchError
from archdsl.freeze import freeze
from archdsl.pictures.svg import svg
from archdsl.pictures.views import draw
from archdsl.report.facts import Facts
from archdsl.report.scales import cost_text, shape_text
from archdsl.report.shown import words
from archdsl.search.request import LEARNED
from archdsl.search.rows import BASELINE, EXPLORE, PASSED, SETTLE, TUNE, Row
from archdsl.units import duration, human, rate

DRAWN = 400  # networks with a drawing; a study of more has those of its best trials
DEPTH = 2  # levels that are open in a drawing
STAGES = {TUNE: "tuned", EXPLORE: "explored", BASELINE: "baseline", SETTLE: "retrained"}
ORDER = ("running", "done", "pruned", "failed", *PASSED, "waiting")


@dataclass
class LineTable:
    """Texts as the numbers of their lines: those of one spec, and their drawings, share most."""

    known: dict[str, int] = field(default_factory=dict)

    def numbers(self, text: str) -> list[int]:
        return [self.known.setdefault(line, len(self.known)) for line in text.split("\n")]

    @property
    def texts(self) -> list[str]:
        return list(self.known)


@dataclass
class Album:
    """Frozen specs and drawings by the hash of their network, kept from one report to the
    next."""

    known: dict[str, tuple[str, str]] = field(default_factory=dict)

    def of(self, facts: Facts, row: Row) -> tuple[str, str] | None:
        """The text and the drawing of a trial's network; nothing where it cannot be made."""
        if row.hash not in self.known:
            try:
                arch = facts.architecture(row)
            except ArchError:
                return None  # a layer of the user's is not what it was
            scene = draw(arch.network, arch.shown_knobs, depth=DEPTH, first_only=True)
            self.known[row.hash] = freeze(arch), svg(scene, notes=False, themed=True)
        return self.known[row.hash]


@dataclass(frozen=True, slots=True)
class TrialColumn:
    """A column of the table: what stands in a cell, and what it is sorted by."""

    title: str
    text: Callable[[Row], str]
    value: Callable[[Row], Any]
    number: bool = True


def columns(facts: Facts) -> Iterator[TrialColumn]:
    """The columns that this study has anything for."""
    measure, rows = facts.measure, facts.rows
    order = {p.name: p.place for p in facts.parts}
    yield TrialColumn(
        "trial", lambda r: str(r.called), lambda r: (r.called, r.stage, order[r.slice])
    )
    yield TrialColumn("stage", _stage, _stage, False)
    if len(facts.parts) > 1:
        yield TrialColumn("budget", lambda r: r.slice, lambda r: order[r.slice], False)
    yield TrialColumn("shape", lambda r: shape_text(r.shape), _natural, False)
    if any(r.solved for r in rows):
        yield TrialColumn("solved for", lambda r: shape_text(r.solved), lambda r: r.solved, False)
    if any(r.setting for r in rows):
        yield TrialColumn("setting", lambda r: r.setting, lambda r: r.setting, False)
    yield TrialColumn("seed", lambda r: _some(r.seed), lambda r: r.seed)
    yield TrialColumn("state", _state, lambda r: ORDER.index(_kind(r)), False)
    yield TrialColumn(
        measure.name,
        lambda r: _shown(measure.of(r), measure.text),
        measure.of,
    )
    if any(r.test is not None for r in rows):
        tested = _percent if measure.is_share or measure.name in LEARNED else measure.text
        yield TrialColumn("test", lambda r: _shown(r.test, tested), lambda r: r.test)
    yield TrialColumn("layers", lambda r: _some(r.depth), lambda r: r.depth)
    yield TrialColumn("channels", lambda r: _shown(r.width, "{:.4g}".format), lambda r: r.width)
    yield TrialColumn("MACs", lambda r: _shown(r.macs, human), lambda r: r.macs)
    yield TrialColumn("parameters", lambda r: _shown(r.params, human), lambda r: r.params)
    yield TrialColumn(
        "activations", lambda r: _shown(r.activations, human), lambda r: r.activations
    )
    if any(r.latency is not None for r in rows):
        yield TrialColumn("latency", lambda r: _shown(r.latency, _latency), lambda r: r.latency)
    for name, cost in facts.search.costs.items():
        if any(r.costs and name in r.costs for r in rows):
            yield _further(name, cost)
    yield TrialColumn("time", lambda r: _shown(r.seconds, _seconds), lambda r: r.seconds)


def _further(name: str, cost: Cost) -> TrialColumn:
    """The column of a cost that only some studies note."""
    return TrialColumn(
        cost.heading, lambda r: _shown(r.cost(name), cost.show), lambda r: r.cost(name)
    )


def _stage(row: Row) -> str:
    return STAGES[row.stage]


def _kind(row: Row) -> str:
    """What a trial is told apart by: its state, and what ended it where that is no failure."""
    passed = row.state == "failed" and not row.is_failure and row.failure
    return passed or row.state


def _state(row: Row) -> str:
    if row.state == "failed":
        return row.failure or "failed"
    if row.state == "pruned":
        return f"pruned ({len(row.curve)})" if row.curve else "pruned"
    return f"same as {row.same_as}" if row.same_as is not None else row.state


def _natural(row: Row) -> tuple[float, str]:
    return row.depth or 0, row.shape


def _some(value: object) -> str:
    return "" if value is None else str(value)


def _shown(value: Any, show: Callable[[Any], str]) -> str:
    return "" if value is None else show(value)


def _percent(share: float) -> str:
    return cost_text("accuracy", share)


def _latency(seconds: float) -> str:
    return cost_text("latency", seconds)


def _seconds(seconds: float) -> str:
    return cost_text("seconds", seconds)


# --------------------------------------------------------------------------------- the table


def trials_html(facts: Facts) -> str:
    """The table, whole without a script; a script sorts, filters and opens it."""
    if not facts.rows:
        return "<p class=faint>No trial is planned yet.</p>"
    shown = list(columns(facts))
    ranks = [_ranks(facts, c) for c in shown]
    head = "".join(
        f'<th scope="col"{_style(c)} aria-sort="none"><button type="button">{escape(c.title)}'
        "</button></th>"
        for c in shown
    )
    body = "".join(_line(facts, r, shown, ranks) for r in facts.rows)
    left_out = "" if facts.is_whole else f"<p>{escape(words(len(facts.rows), facts.total))}</p>"
    return (
        f'{left_out}{_tools(facts)}<div class="scroll" id="grid"><table class="trials">'
        f'<caption class="hide">The trials of this study</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _ranks(facts: Facts, column: TrialColumn) -> dict[str, int]:
    """The place of each trial in the order of a column; those without a value have none."""
    known = [(column.value(r), facts.key(r)) for r in facts.rows]
    values = sorted({v for v, _ in known if v not in (None, "")})
    places = {v: i for i, v in enumerate(values)}
    return {key: places[v] for v, key in known if v in places}


def _line(facts: Facts, row: Row, shown: list[TrialColumn], ranks: list[dict[str, int]]) -> str:
    key = facts.key(row)
    cells = []
    for place, (column, rank) in enumerate(zip(shown, ranks, strict=True)):
        text = escape(column.text(row))
        if not place:
            said = f'aria-label="trial {row.called}, {_stage(row)}, {escape(row.slice)}"'
            text = (
                f'<button type="button" class="open" aria-expanded="false" {said}>{text}</button>'
            )
        sort = f' data-v="{rank[key]}"' if key in rank else ""
        cells.append(f"<td{_style(column)}{sort}>{text}</td>")
    return f'<tr id="t-{key}" data-state="{escape(_kind(row))}">{"".join(cells)}</tr>'


def _style(column: TrialColumn) -> str:
    return ' class="n"' if column.number else ""


def _tools(facts: Facts) -> str:
    counts = Counter(map(_kind, facts.rows))
    states = [s for s in ORDER if counts[s]]
    fields = [_select("state", "any state", [(s, f"{s} ({counts[s]})") for s in states])]
    if len({r.stage for r in facts.rows}) > 1:
        stages = [
            (s[0], name) for s, name in STAGES.items() if any(r.stage == s for r in facts.rows)
        ]
        fields.append(_select("stage", "all stages", stages))
    if len(facts.parts) > 1:
        titles = [(str(p.place), p.title) for p in facts.parts]
        fields.append(_select("budget", "all budgets", titles))
    return (
        '<div class="tools"><input id="filter" type="search" placeholder="Filter: depth 16, done"'
        f' aria-label="filter trials">{"".join(fields)}'
        '<button type="button" id="all" hidden>All trials</button>'
        f'<span id="count" class="faint" role="status">{len(facts.rows)} trials</span></div>'
    )


def _select(name: str, every: str, options: list[tuple[str, str]]) -> str:
    items = "".join(f'<option value="{escape(v)}">{escape(t)}</option>' for v, t in options)
    return (
        f'<select id="by-{name}" aria-label="{name}"><option value="">{every}</option>'
        f"{items}</select>"
    )


# ----------------------------------------------------------------------------- what opens


def trials_data(facts: Facts, album: Album) -> dict[str, Any]:
    """What the script shows of a trial when it is opened."""
    lines = LineTable()
    nets: dict[str, Any] = {}
    rows = sorted((r for r in facts.rows if r.hash), key=lambda r: _merit(facts, r))
    for row in rows:
        if row.hash in nets or len(nets) >= DRAWN:
            continue
        made = album.of(facts, row)
        if made is not None:
            spec, drawing = made
            nets[row.hash] = {"spec": lines.numbers(spec), "drawing": lines.numbers(drawing)}
    trials = {facts.key(r): {"hash": r.hash, "about": list(_about(facts, r))} for r in facts.rows}
    return {"lines": lines.texts, "nets": nets, "trials": trials}


def _merit(facts: Facts, row: Row) -> tuple[bool, float]:
    value = facts.measure.of(row) if row.is_result else None
    return value is None, -facts.measure.sign * (value or 0)


def _about(facts: Facts, row: Row) -> Iterator[tuple[str, str]]:
    """What does not stand in the table."""
    if row.cause:
        yield "why it failed", row.cause
    if row.knobs:
        yield "knobs", ", ".join(f"{k} = {v}" for k, v in _knobs(row.knobs))
    if row.loss is not None:
        yield "loss", f"{row.loss:.4f}"
    names = [o.name for o in facts.search.objectives]
    if len(names) > 1 and len(row.values) == len(names):
        yield (
            "objectives",
            ", ".join(
                f"{n} {cost_text(n, v, facts.search.costs)}"
                for n, v in zip(names, row.values, strict=True)
            ),
        )
    if row.curve:
        yield "epochs", str(len(row.curve))
    if row.images_per_second is not None:
        yield "images a second", rate(row.images_per_second)
    if row.started is not None:
        took = (
            f", took {duration((row.ended - row.started).total_seconds())}"
            if row.ended is not None
            else ""
        )
        yield "started", f"{row.started:%Y-%m-%d %H:%M:%S}{took}"
    if row.worker:
        yield "worker", row.worker
    if row.weights:
        yield "weights", f"weights/{row.weights}"
    if row.hash:
        yield "hash of its graph", row.hash


def _knobs(knobs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from knobs.items()
