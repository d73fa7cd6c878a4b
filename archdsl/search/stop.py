"""When a process may be stopped: SIGTERM, SIGINT, and SIGHUP of a terminal that is closed leave
nothing half done."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("SIGTERM", "SIGINT", "SIGHUP")  # Windows has not all of them
SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


class Stop:
    """A wish to stop. It raises ``KeyboardInterrupt`` at once where that is allowed, and else
    where it is asked for: an interruption within Optuna's storages would leave them out of step
    with what is written."""

    def __init__(self) -> None:
        self.wished = False
        self.allowed = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Takes the signals of this process as the wish."""
        before = [(number, signal.signal(number, self.wish)) for number in SIGNALS]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def wish(self, *signal: Any) -> None:
        self.wished = True
        if self.allowed:
            self.allowed = False
            raise KeyboardInterrupt

    def ask(self) -> None:
        """Raises ``KeyboardInterrupt`` where somebody wishes it."""
        if self.wished:
            self.allowed = False
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """What stands below may be interrupted anywhere."""
        with self._set(True):
            self.ask()
            yield

    @contextmanager
    def later(self) -> Iterator[None]:
        """What stands below is not interrupted."""
        with self._set(False):
            yield
        self.ask()

    @contextmanager
    def _set(self, allowed: bool) -> Iterator[None]:
        before, self.allowed = self.allowed, allowed
        try:
            yield
        finally:
            self.allowed = before and not self.wished
