"""Times on a command line, and how long a trial may take."""

from __future__ import annotations

from typing import Any

import click

from archdsl.syntax.build_search import read_duration


class Duration(click.ParamType[float]):
    """``90s``, ``15min``, ``2h``."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            return read_duration(str(value))
        except (ValueError, StopIteration):
            self.fail(f"{value!r} is not a time such as 90s, 15min, 2h", param, ctx)


trial_timeout_option = click.option(
    "--trial-timeout",
    type=Duration(),
    metavar="TIME",
    help="Fail a trial that takes longer; its worker starts anew.",
)


def check_ranks(ranks: int, trial_timeout: float | None, own: bool = False) -> None:
    """Raises where several processes are to train a trial whose time is bounded, or whose
    training is the user's own."""
    if ranks > 1 and own:
        raise click.UsageError("--ranks is for archdsl's own loop: here your training starts them")
    if ranks > 1 and trial_timeout is not None:
        raise click.UsageError("--trial-timeout is for trials of one process, not for --ranks")
