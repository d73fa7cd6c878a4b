"""What is seen of a search while it runs: a live table, lines, lines of JSON, or nothing."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from archdsl.cli.output import cut, wants_color
from archdsl.search.leader import Progress
from archdsl.search.outcome import name_of
from archdsl.search.rows import BASELINE, SETTLE, Row
from archdsl.units import duration

RECENT = 5  # results that the live view shows
STAGES = {"explore": "exploring", "baseline": "baseline", "settle": "settling"}


class View(AbstractContextManager["View"]):
    """Shows nothing; others show more."""

    def __init__(self) -> None:
        self.told: set[tuple[str, str, int]] = set()

    def __exit__(self, *problem: object) -> None:
        return None

    def show(self, progress: Progress) -> None:
        """Looks at a search anew."""

    def news(self, progress: Progress) -> list[Row]:
        """The trials that have ended since this was last asked, in the order of their ends."""
        found = []
        for row in progress.rows:
            key = (row.stage, row.slice, row.number)
            if row.ended is not None and key not in self.told:
                self.told.add(key)
                found.append(row)
        return sorted(found, key=lambda row: str(row.ended))


class Lines(View):
    """A line for each trial."""

    def show(self, progress: Progress) -> None:
        news = self.news(progress)
        for place, row in enumerate(news, progress.done - len(news) + 1):
            print(f"{max(place, 1)}/{progress.planned}  {line(row)}", flush=True)


class JsonLines(View):
    """A line of JSON for each trial."""

    def show(self, progress: Progress) -> None:
        for row in self.news(progress):
            event = {"event": "trial", "stage": row.stage, **plain(row)}
            print(json.dumps(event, ensure_ascii=False), flush=True)


class LiveTable(View):
    """A table that follows the search, on a terminal."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self.workers = workers
        self.recent: list[Row] = []
        color = wants_color(sys.stdout)
        self.console = Console(no_color=not color, highlight=False)
        self.live = Live(console=self.console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveTable:
        self.live.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.live.stop()

    def show(self, progress: Progress) -> None:
        self.recent = [*self.recent, *self.news(progress)][-RECENT:]
        running = [r for r in progress.rows if r.state == "running"]
        bar = ProgressBar(max(progress.planned, 1), progress.done, width=20)
        head = Table.grid(padding=(0, 2))
        left = time_left(progress, self.workers)
        words = [f"{progress.done} of {progress.planned}", f"{len(running)} running"]
        words += [f"{duration(left)} left"] if left is not None else []
        head.add_row(STAGES[progress.stage], bar, " · ".join(words))
        parts: list[Any] = [head, slices_table(progress.rows)]
        parts += [Text(line(row, self.console.width - 1), "dim") for row in self.recent]
        self.live.update(Group(*parts))


def slices_table(rows: Sequence[Row]) -> Table:
    """The best of each slice so far."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", expand=True)
    for name in ("slice", "tried", "best so far", "score", "seeds"):
        number = name in ("tried", "score", "seeds")
        room = 1 if name == "best so far" else None  # this one gives way
        table.add_column(name, justify="right" if number else "left", no_wrap=True, ratio=room)
    for slice in dict.fromkeys(r.slice for r in rows):
        mine = [r for r in rows if r.slice == slice and r.is_result and r.stage != BASELINE]
        settled = [r for r in mine if r.stage == SETTLE]
        groups: dict[tuple[str, str], list[Row]] = {}
        for row in settled or mine:
            groups.setdefault((row.shape, row.setting), []).append(row)
        tried = str(sum(r.slice == slice and r.ended is not None for r in rows))
        if groups:
            top = max(groups.values(), key=mean_accuracy)
            best, score = name_of(top[0]), f"{100 * mean_accuracy(top):.2f} %"
            table.add_row(slice, tried, best, score, str(len(top)))
        else:
            table.add_row(slice, tried, "", "", "")
    return table


def mean_accuracy(rows: Sequence[Row]) -> float:
    return sum(r.accuracy or 0.0 for r in rows) / len(rows)


def time_left(progress: Progress, workers: int) -> float | None:
    """The seconds that a stage still takes, by the trials so far; nothing before the first."""
    seconds = [r.seconds for r in progress.rows if r.seconds is not None]
    if not seconds:
        return None
    turns = progress.planned - progress.done
    left = turns * sum(seconds) / len(seconds) / max(workers, 1)
    if progress.deadline is not None:
        left = min(left, max(0.0, progress.deadline - time.monotonic()))
    return left


def line(row: Row, width: int = 0) -> str:
    """A trial in a line, of at most so many characters if told: what came of it is kept."""
    trained = [row.slice, name_of(row), row.setting, f"seed {row.seed}"]
    words = []
    if row.state == "failed":
        words.append(f"{row.failure}: {row.cause}")
    elif row.same_as is not None:
        words.append(f"the same as trial {row.same_as}")
    elif row.accuracy is not None:
        words.append(f"accuracy {100 * row.accuracy:.2f} %")
    if row.state == "pruned":
        last = f" at {100 * row.curve[-1][1]:.2f} %" if row.curve else ""
        words.append(f"pruned in epoch {len(row.curve)}{last}")
    if row.seconds is not None:
        words.append(f"{row.seconds:.1f} s")
    start, end = ("  ".join(filter(None, texts)) for texts in (trained, words))
    if width and end:
        start = cut(start, max(width - len(end) - 2, 0))
    text = f"{start}  {end}" if end else start
    return cut(text, width) if width else text


def plain(row: Row) -> dict[str, Any]:
    """A trial as JSON has it."""
    names = row.__dataclass_fields__
    found = {name: getattr(row, name) for name in names if name != "curve"}
    for name in ("started", "ended"):
        found[name] = None if found[name] is None else found[name].isoformat()
    return {name: value for name, value in found.items() if value not in (None, "", ())}


def view_of(quiet: bool, as_json: bool, workers: int) -> View:
    """The view that suits the terminal and what was asked for."""
    if quiet:
        return View()
    if as_json:
        return JsonLines()
    return LiveTable(workers) if sys.stdout.isatty() else Lines()
