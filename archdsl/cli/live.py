"""What is seen of a search while it runs: a live table, lines, lines of JSON, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from archdsl.cli.output import cut, harmless, shown_json, wants_color
from archdsl.cli.progress import LOADING, unechoed
from archdsl.search.at_work import called, said
from archdsl.search.outcome import name_of
from archdsl.search.request import LEARNED, Objective
from archdsl.search.rows import ASIDE, DROPPED, PASSED, SETTLE, TUNE, UNREACHABLE, Row
from archdsl.units import SHARES, duration

if TYPE_CHECKING:
    from archdsl.search.leader import SearchProgress

ACCURACY = Objective("accuracy", minimize=False)
RECENT = 5  # results that the live view shows
AT_ONCE = 8  # trials at work that it shows
NARROW = 60  # columns in which a trial at work says what its numbers are
ROOM = 70  # columns that the head takes with its bar
STAGES = {
    "tune": "tuning",
    "explore": "exploring",
    "baseline": "baseline",
    "settle": "settling",
}


class SearchView(AbstractContextManager["SearchView"]):
    """Shows nothing; others show more."""

    def __exit__(self, *problem: object) -> None:
        return None

    def show(self, progress: SearchProgress) -> None:
        """Looks at a search anew."""


class LinesView(SearchView):
    """A line for each trial that has ended: its number, and how many are planned so far."""

    def __init__(self, objective: Objective = ACCURACY) -> None:
        self.objective = objective

    def show(self, progress: SearchProgress) -> None:
        for row in progress.news:
            if row.failure in (UNREACHABLE, DROPPED):  # its turn is not over, or not wanted
                continue
            said = line(row, objective=self.objective)
            print(f"{row.called}/{progress.trials}  {said}", flush=True)


class JsonLines(SearchView):
    """A line of JSON for each trial."""

    def show(self, progress: SearchProgress) -> None:
        for row in progress.news:
            event = {"event": "trial", "stage": row.stage, **plain(row)}
            print(shown_json(event), flush=True)


class LiveTable(SearchView):
    """A table that follows the search, on a terminal."""

    def __init__(
        self,
        workers: int,
        objective: Objective = ACCURACY,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self.workers = workers
        self.now = now
        self.objective = objective
        self.recent: list[Row] = []
        self.let_echo: Callable[[], None] = lambda: None
        self.began = False  # whether a worker was seen at work
        self.slices: dict[str, Tried] = {}
        color = wants_color(sys.stdout)
        self.console = Console(no_color=not color, highlight=False)
        self.live = Live(console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveTable:
        self.let_echo = unechoed(sys.stdout)
        self.live.start()
        self.live.update(Text(LOADING), refresh=True)
        return self

    def __exit__(self, *problem: object) -> None:
        self.live.stop()
        self.let_echo()

    def show(self, progress: SearchProgress) -> None:
        seen = [row for row in (*progress.before, *progress.news) if row.failure not in PASSED]
        self.recent = [*self.recent, *seen][-RECENT:]
        for row in seen:
            self.slices.setdefault(row.slice, Tried(self.objective)).add(row)
        parts: list[Any] = [self.head(progress), slices_table(self.slices)]
        room, now = self.console.width - 1, self.now()
        parts += [
            Text(at_work(row, room, progress.score, progress.epochs, now))
            for row in progress.at_work[:AT_ONCE]
        ]
        more = max(progress.running - AT_ONCE, 0)
        parts += [Text(f"and {more:,} more")] if more else []
        parts += [
            Text(line(row, room, self.objective, numbered=True), "dim") for row in self.recent
        ]
        self.live.update(Group(*parts))

    def head(self, progress: SearchProgress) -> Any:
        """What is at work, and how far it is: with a bar, where there is room for one."""
        left = time_left(progress, self.workers)
        self.began = self.began or progress.running > 0
        running = f"{progress.running} running" if self.began else LOADING
        words = [f"{progress.done} of {progress.planned}", running]
        words += [f"{duration(left)} left"] if left is not None else []
        if self.console.width < ROOM:
            return Text(" · ".join([STAGES[progress.stage], *words]))
        head = Table.grid(padding=(0, 2))
        bar = ProgressBar(max(progress.planned, 1), progress.done, width=20)
        head.add_row(STAGES[progress.stage], bar, " · ".join(words))
        return head


@dataclass
class Tried:
    """What has ended in a slice: the sums of the first objective of each shape and setting."""

    objective: Objective = ACCURACY
    count: int = 0
    arms: dict[bool, dict[tuple[str, str], tuple[str, float, int]]] = field(
        default_factory=lambda: {False: {}, True: {}}
    )  # explored ones, and those that were settled: name, sum, how many

    def add(self, row: Row) -> None:
        self.count += 1
        if row.is_result and row.stage not in ASIDE:
            arms, key = self.arms[row.stage == SETTLE], (row.shape, row.setting)
            name, total, count = arms.get(key, (name_of(row), 0.0, 0))
            value = row.values[0] if row.values else row.accuracy or 0.0
            arms[key] = (name, total + value, count + 1)

    @property
    def best(self) -> tuple[str, float, int] | None:
        """The best so far: its name, the mean of its objective, and of how many trainings."""
        arms = self.arms[True] or self.arms[False]
        known = [(name, total / count, count) for name, total, count in arms.values()]
        best = min if self.objective.minimize else max
        return best(known, key=lambda arm: arm[1], default=None)

    def shown(self, value: float) -> str:
        """A value of the objective."""
        share = self.objective.name in SHARES
        return f"{100 * value:.2f} %" if share else f"{value:.4g}"


def slices_table(slices: Mapping[str, Tried]) -> Table:
    """The best of each slice so far."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", expand=True)
    for name in ("slice", "tried", "best so far", "score", "seeds"):
        number = name in ("tried", "score", "seeds")
        room = 1 if name == "best so far" else None  # this one gives way
        table.add_column(name, justify="right" if number else "left", no_wrap=True, ratio=room)
    for slice, tried in slices.items():
        if tried.best is not None:
            name, value, count = tried.best
            shown = (harmless(name), tried.shown(value), str(count))
        else:
            shown = ("", "", "")
        table.add_row(Text(harmless(slice)), str(tried.count), Text(shown[0]), *shown[1:])
    return table


def time_left(progress: SearchProgress, workers: int) -> float | None:
    """The seconds that a stage still takes, by the trials so far; nothing before the first."""
    if progress.seconds is None:
        return None
    left = (progress.planned - progress.done) * progress.seconds / max(workers, 1)
    if progress.deadline is not None:
        left = min(left, max(0.0, progress.deadline - time.monotonic()))
    return left


def line(row: Row, width: int = 0, objective: Objective = ACCURACY, numbered: bool = False) -> str:
    """A trial in a line, of at most so many characters if told: what came of it is kept."""
    trained = [f"#{row.called}"] if numbered else []
    trained += [row.slice, name_of(row), row.setting, f"seed {row.seed}"]
    if row.stage == TUNE:
        trained.append("short, to tune")
    words = []
    if row.state == "failed":
        words.append(": ".join(filter(None, (row.failure, row.cause))))
    elif row.same_as is not None:
        words.append(f"the same as trial {row.same_as}")
    elif objective.name in SHARES and objective.name not in LEARNED and row.state == "done":
        words.append(f"{objective.name} {100 * row.values[0]:.2f} %")
    elif row.accuracy is not None:
        words.append(f"accuracy {100 * row.accuracy:.2f} %")
    elif row.state == "done":
        words.append(f"score {row.values[0]:.4g}")
    if row.state == "pruned":
        share = objective.name in SHARES or objective.name in LEARNED
        last = ""
        if row.curve:
            score = row.curve[-1][1]
            last = f" at {100 * score:.2f} %" if share else f" at {score:.4g}"
        words.append(f"pruned in epoch {row.curve[-1][0]:g}{last}" if row.curve else "pruned")
    if row.seconds is not None:
        words.append(f"{row.seconds:.1f} s")
    start, end = ("  ".join(filter(None, texts)) for texts in (trained, words))
    if width and end:
        start = cut(start, max(width - len(end) - 2, 0))
    text = f"{start}  {end}" if end else start
    return harmless(cut(text, width) if width else text)


def at_work(row: Row, width: int, score: str, epochs: int | None, now: datetime) -> str:
    """A trial that runs, in a line of so many characters: what it is called gives way to how far
    it is."""
    words = said(row, score, epochs, now)
    if width < NARROW:  # "3/15  56.25 %  12 s left"
        words = [word.removeprefix("epoch ") for word in words[:3]]
        if row.reached and row.reached[1] is not None:
            words[1] = words[1].removeprefix(f"{score} ")
    end = "  ".join(words)
    start = "  ".join(filter(None, (f"#{row.called}", *called(row))))
    start = cut(start, max(width - len(end) - 2, 0))
    return harmless(cut(f"{start}  {end}", width))


def plain(row: Row) -> dict[str, Any]:
    """A trial as JSON has it."""
    long = ("curve", "reached", "examples", "test_examples")
    found = {n: getattr(row, n) for n in row.__dataclass_fields__ if n not in long}
    for name in ("started", "ended"):
        found[name] = None if found[name] is None else found[name].isoformat()
    return {name: value for name, value in found.items() if value not in (None, "", (), {})}


def view_of(
    quiet: bool, as_json: bool, workers: int, objective: Objective = ACCURACY
) -> SearchView:
    """The view that suits the terminal and what was asked for."""
    if quiet:
        return SearchView()
    if as_json:
        return JsonLines()
    return LiveTable(workers, objective) if sys.stdout.isatty() else LinesView(objective)
