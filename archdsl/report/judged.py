"""The report on results that were made elsewhere: what they say, a chart, and all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from html import escape
from pathlib import Path
from typing import Any

from archdsl.diagnostics.render import printable
from archdsl.outputs import check_output, write_output
from archdsl.pictures.charts import AxisScale, Plot
from archdsl.pictures.fonts import fit as fitted
from archdsl.pictures.fonts import text_width
from archdsl.pictures.page import page
from archdsl.pictures.scene import Disc, Words
from archdsl.report.figure import (
    COLUMN,
    PAGE,
    Figure,
    Group,
    Panel,
    figure_html,
    lying,
    mark,
    plain,
)
from archdsl.report.figure import table as html_table
from archdsl.report.page import style
from archdsl.report.scales import Measure, place_text, shape_text, with_interval
from archdsl.report.shapes import ROW, SIZE, axes
from archdsl.verdict.answer import Verdict, words
from archdsl.verdict.model import Settled, SliceVerdict
from archdsl.verdict.results import Result

CAPTION = "Each panel is one budget, the best shape above. The trainings that were judged decide."


@dataclass(frozen=True, eq=False)
class TableVerdict(Verdict):
    """The verdict on a table, which can be written as a page: see ``archdsl.judge``. It is equal to
    a verdict that says the same."""

    results: Sequence[Result] = field(default=(), repr=False)
    name: str = field(default="results", repr=False)
    file: Path | None = field(default=None, repr=False)  # that has the table

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Verdict):
            return NotImplemented
        return all(getattr(self, f.name) == getattr(other, f.name) for f in fields(Verdict))

    __hash__ = Verdict.__hash__

    @classmethod
    def of(cls, table: Any, found: Verdict, results: Sequence[Result]) -> TableVerdict:
        """It is called as the file, where the table is one."""
        file = Path(table) if isinstance(table, (str, Path)) else None
        name = "results" if file is None else printable(file.stem)
        parts = {f.name: getattr(found, f.name) for f in fields(found)}
        return cls(**parts, results=results, name=name, file=file)

    def report(self) -> str:
        """The report, as the text of an HTML file."""
        return judged_page(self, self.results, self.name)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Writes the report. Raises ``ArchError``, also for the table's own file and, unless
        ``force`` is said, for a file that archdsl did not write."""
        check_output(Path(path), [] if self.file is None else [self.file], force, in_python=True)
        write_output(Path(path), self.report())


def judged_page(verdict: Verdict, results: Sequence[Result], name: str) -> str:
    """The page, as the text of an HTML file."""
    lines = "".join(
        f'<p class="{"figures" if line.startswith("  ") else "answer"}">{escape(line.strip())}</p>'
        for line in words(verdict).split("\n")
    )
    measure = Measure(verdict.question.measure, verdict.question.maximize)
    header = ("budget", "shape", "setting", "seed", "judged", verdict.question.measure, "test")
    rows = [_told(measure, result) for result in results]
    body = (
        f'<header><div class="top"><h1>{escape(name)}</h1></div></header><main>'
        f'<section id="answer" aria-labelledby="h-answer"><h2 id="h-answer">The answer</h2>{lines}'
        f"</section>{figure_html(_figure(verdict, results, measure))}"
        f'<section id="results"><h2>Results</h2>{html_table(header, rows)}</section></main>'
    )
    return page(f"{name}: a report", body, style=style())


def _told(measure: Measure, result: Result) -> tuple[str, ...]:
    scores = (result.score, result.test)
    shown = ["" if s is None else measure.text(s * measure.factor) for s in scores]
    shown[0] = shown[0] or "failed"
    judged = "yes" if result.settled else "no"
    place = place_text(result.slice), shape_text(result.shape), result.setting, str(result.seed)
    return (*place, judged, *shown)


def _figure(verdict: Verdict, results: Sequence[Result], measure: Measure) -> Figure:
    parts = [(p, [r for r in results if r.slice == p.slice]) for p in verdict.slices]
    drawn = [(part, rows) for part, rows in parts if any(r.score is not None for r in rows)]
    if not drawn:
        return Figure("shapes", "Shape against shape", "", why="No training has succeeded.")
    wide = tuple(_panel(*p, measure, PAGE) for p in drawn) if len(drawn) == 1 else ()
    mean = (*lying(7, 3, 23, "curve2"), *mark("diamond", 13, 7, 3.6, "curve2"))
    return Figure(
        "shapes",
        "Shape against shape",
        CAPTION,
        tuple(_panel(*p, measure, COLUMN) for p in drawn),
        wide,
        (
            (plain(mark("disc", 13, 7, 2.6, "edge")), "one training"),
            (plain(mean), "mean of those that were judged, 95 % interval"),
        ),
        ("budget", "shape", "judged", "failed", "mean", "test"),
        tuple(_row(part, arm, measure) for part, _ in drawn for arm in part.arms),
    )


def _row(part: SliceVerdict, arm: Settled, measure: Measure) -> tuple[str, ...]:
    size = "" if arm.mean is None else _size(arm, measure)
    test = "" if arm.test is None else measure.text(arm.test * measure.factor)
    place = place_text(part.slice), shape_text(arm.shape)
    return (*place, str(arm.seeds), str(arm.failed), size, test)


def _size(arm: Settled, measure: Measure) -> str:
    assert arm.mean is not None
    return with_interval(arm.mean, arm.interval, measure.factor, measure.unit)


def _panel(part: SliceVerdict, rows: Sequence[Result], measure: Measure, width: float) -> Panel:
    judged = {(a.shape, a.setting): a for a in part.arms}
    scores: dict[tuple[str, str], list[Result]] = {}
    for row in rows:
        if row.score is not None:
            scores.setdefault((row.shape, row.setting), []).append(row)

    def best_first(arm: tuple[str, str]) -> float:
        found = [measure.sign * r.score for r in scores[arm] if r.score is not None]
        return -sum(found) / len(found)

    arms = sorted(scores, key=lambda arm: (arm not in judged, best_first(arm)))
    ends = [e for a in part.arms for e in (a.interval or ())]
    values = [s * measure.factor for s in (*ends, *(r.score for r in rows)) if s is not None]
    names = [", ".join(filter(None, (shape_text(shape), setting))) for shape, setting in arms]
    left = min(width * 0.45, 16 + max(text_width(n, SIZE) for n in names))
    across = AxisScale(0, len(arms))
    plot = Plot(left, 10, width - left - 14, ROW * len(arms), measure.scale(values), across)
    groups = [plain(axes(plot, measure.title))]
    for place, (arm, name) in enumerate(zip(arms, names, strict=True)):
        y = plot.top + (place + 0.5) * ROW
        label = fitted(name, SIZE, left - 12)
        groups.append(plain([Words(left - 8, y, label, SIZE, "end", arm in judged)]))
        groups += _drawn(judged.get(arm), scores[arm], name, measure, plot, y)
    title = place_text(part.slice) or "all networks"
    return Panel(title, width, ROW * len(arms) + 56, tuple(groups))


def _drawn(
    arm: Settled | None, rows: Sequence[Result], name: str, measure: Measure, plot: Plot, y: float
) -> Iterator[Group]:
    """The trainings of a shape, and their mean above them."""
    for row in rows:
        assert row.score is not None
        value = row.score * measure.factor
        disc = Disc(plot.at(value, 0)[0], y + 5, 2.6, "edge", "edge")
        yield Group((disc,), (), f"{name}, seed {row.seed}: {measure.text(value)}")
    if arm is None or arm.mean is None:
        return
    shapes = mark("diamond", plot.at(arm.mean * measure.factor, 0)[0], y - 5, 4.5, "curve2")
    if arm.interval is not None:
        low, high = (plot.at(v * measure.factor, 0)[0] for v in arm.interval)
        shapes = (*lying(y - 5, low, high, "curve2"), *shapes)
    yield Group(shapes, (), f"{name}: {_size(arm, measure)}")
