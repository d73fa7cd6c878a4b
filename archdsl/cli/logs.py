"""``--log``: trainings are told to loggers, which are let go when they fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from archdsl.cli.output import say
from archdsl.diagnostics.model import ArchError, did_you_mean
from archdsl.registry import Registry
from archdsl.search.rows import Row
from archdsl.training.loggers import Logger
from archdsl.training.packages import missing

log_option = click.option(
    "--log",
    "logs",
    multiple=True,
    metavar="LOGGER",
    help="Send scores to tensorboard, mlflow or wandb; may be given again.",
)
POINT = ("score", "loss", "train_loss", "lr")  # of an epoch, in the order of a curve
RESULTS = ("accuracy", "loss", "test", "seconds", "macs", "params", "activations", "latency")


class Logs:
    """Several loggers. One that fails is let go, with a word; what trains goes on."""

    def __init__(self, loggers: Iterable[Logger] = ()) -> None:
        self.loggers = list(loggers)

    @classmethod
    def named(cls, names: Iterable[str], project: str, folder: Path, registry: Registry) -> Logs:
        """The loggers of these names. Raises ``click.UsageError`` for a name that is none, and
        ``ArchError`` where a package is not installed."""
        known = registry.loggers
        found: dict[str, Logger] = {}
        for name in names:
            if name not in known:
                hints = did_you_mean(name, known) or [f"they are {', '.join(known)}"]
                raise click.UsageError(" ".join([f"there is no logger `{name}`;", *hints]))
            if package := known[name].missing():
                raise missing(package, name)
            found[name] = known[name](project, folder)
        return cls(found.values())

    def start(self, run: str, settings: Mapping[str, str]) -> None:
        self._each(lambda logger: logger.start(run, settings))

    def epoch(self, number: int, scores: Mapping[str, float]) -> None:
        self._each(lambda logger: logger.epoch(number, scores))

    def end(self, scores: Mapping[str, float]) -> None:
        self._each(lambda logger: logger.end(scores))

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Says that a training which breaks off has ended, without a result."""
        try:
            yield
        except BaseException:
            self.end({})
            raise

    def trial(self, row: Row) -> None:
        """A trial of a search that has ended: it is told from its start to its end."""
        if not self.loggers or row.same_as is not None or row.state == "waiting":
            return
        settings = {**(row.knobs or {}), "slice": row.slice, "stage": row.stage}
        settings |= {"setting": row.setting} if row.setting else {}
        settings |= {"seed": str(row.seed), "state": row.state}
        settings |= {"failure": row.failure} if row.failure else {}
        self.start(f"{row.stage} {row.slice} {row.called} {row.shape}", settings)
        for number, *point in row.curve:
            self.epoch(int(number), dict(zip(POINT, point, strict=False)))
        results = {name: getattr(row, name) for name in RESULTS} if row.state != "failed" else {}
        if row.values and row.state != "failed":
            results["score"] = row.values[0]
        self.end({name: float(v) for name, v in results.items() if v is not None})

    def _each(self, tell: Callable[[Logger], Any]) -> None:
        for logger in list(self.loggers):
            try:
                tell(logger)
            except Exception as problem:  # whatever a logger's package raises
                self.loggers.remove(logger)
                if isinstance(problem, ArchError):
                    reason = problem.diagnostics[0].message
                else:
                    text = str(problem).strip().split("\n", 1)[0] or "no reason was given"
                    reason = f"{type(problem).__name__}: {text}"
                say(f"note: nothing more is logged to {logger.name}: {reason}", error=True)
