"""How long a trial may take: one that hangs is failed, and its worker begins anew."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial, TrialState

from archdsl.search.rows import TIMED_OUT
from archdsl.units import duration

EXPIRED = 75  # the exit code of a worker whose trial took too long


def leave() -> None:
    """Ends this process at once, whatever its other threads are in."""
    os._exit(EXPIRED)


def begin_anew() -> None:
    """Takes the place of this process by one that begins with the same command."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


@dataclass
class Clock:
    """Fails a trial after ``limit`` seconds, and then calls ``leave``: what hangs in a thread can
    be ended with its process only."""

    limit: float | None = None
    leave: Callable[[], None] = leave

    @contextmanager
    def running(self, trial: Trial) -> Iterator[None]:
        """What stands below is a trial."""
        if self.limit is None:
            yield
            return
        timer = threading.Timer(self.limit, self.expire, [trial])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def expire(self, trial: Trial) -> None:
        assert self.limit is not None
        with suppress(UpdateFinishedTrialError):  # it has ended in this moment
            trial.set_user_attr("failure", TIMED_OUT)
            trial.set_user_attr("cause", f"it took longer than {duration(self.limit)}")
            trial.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        self.leave()
