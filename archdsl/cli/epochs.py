"""What is seen of a training: a line for each epoch and, on a terminal, the time that is left."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from archdsl.cli.output import harmless
from archdsl.cli.progress import unbroken, unechoed
from archdsl.units import SHARES

if TYPE_CHECKING:
    from archdsl.training.outcome import Epoch, TrainingStep

HEADER = "epoch     train loss     loss  accuracy        lr  seconds"
SCORE = "accuracy"  # in the header; of other tasks, another one stands there
NARROW = 39  # columns of the table without the learning rate and the seconds


class EpochView(AbstractContextManager["EpochView"]):
    """Hears of steps and epochs. It prints to standard output; with ``quiet``, where that is for
    tools, only the bar is seen, on standard error."""

    def __init__(self, epochs: int, quiet: bool, shown: bool, score: str = SCORE) -> None:
        self.epochs, self.quiet, self.shown, self.score = epochs, quiet, shown, score
        self.headed = False
        self.let_echo: Callable[[], None] = lambda: None
        self.console = console = Console(stderr=quiet)
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(8 if self.narrow() else 30),
            TaskProgressColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            refresh_per_second=2,  # each time takes milliseconds from the training
            disable=not (shown and console.is_terminal),
        )
        self.task = self.bar.add_task("", total=None, epoch=f"1/{epochs}")

    def __enter__(self) -> EpochView:
        if not self.bar.disable:
            self.let_echo = unechoed(self.console.file)
        self.bar.start()
        return self

    def __exit__(self, *problem: object) -> None:
        if not self.bar.disable:  # before rich 14.2, a bar that is off ends in an empty line
            self.bar.stop()
            self.let_echo()

    def step(self, step: TrainingStep) -> None:
        """A step is done."""
        if self.bar.disable:
            return
        at, total = (step.epoch - 1) * step.steps + step.done, self.epochs * step.steps
        self.bar.update(self.task, completed=at, total=total, epoch=f"{step.epoch}/{self.epochs}")

    def epoch(self, epoch: Epoch) -> None:
        """An epoch is done."""
        if self.quiet or not self.shown:
            return
        if not self.headed:
            self.print(HEADER.replace(SCORE, f"{self.score:>{len(SCORE)}}"))
        self.headed = True
        losses = f"{number(epoch.train_loss):>10} {number(epoch.loss):>8}"
        at = f"{epoch.epoch:>4}/{self.epochs:<4}"
        score = shown_score(self.score, epoch.score(self.score))
        self.print(f"{at} {losses} {score:>9} {epoch.lr:>9.3g} {epoch.seconds:>8.1f}")

    def say(self, text: str) -> None:
        """A line about the whole of it, above the table."""
        if not self.quiet and self.shown:
            self.console.print(harmless(text), markup=False, highlight=False)
            self.console.print()

    def narrow(self) -> bool:
        """Whether a line does not fit on the terminal, whose size may change."""
        return self.console.is_terminal and self.console.width <= len(HEADER)

    def print(self, line: str) -> None:
        """A line of the table, above the bar: the console of the bar wipes it first, which
        others do not know of."""
        shown = line[:NARROW] if self.narrow() else line
        with unbroken():
            self.console.print(shown, markup=False, highlight=False, soft_wrap=True)


def shown_score(name: str, value: float) -> str:
    """A score as people read it: a share in percent."""
    return f"{value:.2%}" if name in (*SHARES, "share") else f"{value:.4g}"


def number(loss: float) -> str:
    return f"{loss:.4f}" if loss < 100 else f"{loss:.3g}"
