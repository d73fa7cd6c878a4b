"""How far long work is, on a terminal: one line, written anew and wiped in the end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import IO, TextIO, TypeVar

from archdsl.cli.output import columns_of, cut
from archdsl.diagnostics.render import printable
from archdsl.units import duration

T = TypeVar("T")
QUIET = 1.0  # seconds before anything is said
PAUSE = 0.2  # seconds between two lines
LOADING = "loading PyTorch"  # takes seconds, in which nothing else is seen
ENOUGH = 0.01  # of the work, before the time that is left is told


def unechoed(stream: IO[str]) -> Callable[[], None]:
    """Keeps the terminal of a stream from showing Ctrl-C as `^C`, which would move what is wiped
    later; to be called in the end, it gives what lets it again."""
    try:
        import termios
    except ImportError:  # Windows shows none
        return lambda: None

    def echo(on: bool) -> None:
        try:
            file = stream.fileno()
            if os.tcgetpgrp(file) != os.getpgrp():  # in the background that would stop the process
                return
            settings = termios.tcgetattr(file)
            kept = settings[3] & ~termios.ECHOCTL
            settings[3] = kept | termios.ECHOCTL if on else kept
            termios.tcsetattr(file, termios.TCSANOW, settings)
        except (OSError, ValueError, termios.error):  # no terminal, or not ours
            return

    echo(False)
    return lambda: echo(True)


class Meter(AbstractContextManager["Meter"]):
    """Says on standard error how much is done, and how long the rest takes if it goes on so.

    Short work says nothing; a stream that is no terminal gets nothing at all.
    """

    def __init__(self, what: str, now: Callable[[], float] = time.monotonic) -> None:
        self.what = printable(what)
        self.now = now
        self.start = self.last = now()
        self.shown = False
        self.stream = sys.stderr
        self.let_echo: Callable[[], None] = lambda: None
        self.is_on = self.stream.isatty() and os.environ.get("TERM") != "dumb"

    def __call__(self, share: float, text: str = "") -> None:
        """The share of the work that is done, 0 to 1; ``text`` says what is at work."""
        now = self.now()
        if not self.is_on or now - self.start < QUIET:
            return
        if self.shown and now - self.last < PAUSE:
            return
        if not self.shown:
            self.let_echo = unechoed(self.stream)
        words = [f"{self.what} {100 * min(share, 1):.0f} %"]
        if share >= ENOUGH:
            left = (now - self.start) * max(1 - share, 0) / share
            words.append(f"{duration(left)} left")
        words += [printable(text)] if text else []
        self.shown, self.last = True, now
        room = self.room()
        self.stream.write(f"\r{cut(' · '.join(words), room):<{room}}")
        self.stream.flush()

    def room(self) -> int:
        return room_of(self.stream)

    def __exit__(self, *problem: object) -> None:
        if self.shown:
            self.stream.write("\r" + " " * self.room() + "\r")
            self.stream.flush()
            self.let_echo()


def room_of(stream: TextIO) -> int:
    """Columns of the line: a line that is too long would stay when it is written anew."""
    return columns_of(stream) - 1


@contextmanager
def told(what: str) -> Iterator[None]:
    """Says on a terminal what is at work, and wipes it when that is over."""
    stream = sys.stderr
    if not what or not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield
        return
    what = cut(printable(what), room_of(stream))
    let_echo = unechoed(stream)
    try:
        stream.write(what)
        stream.flush()
        yield
    finally:
        stream.write("\r" + " " * len(what) + "\r")
        stream.flush()
        let_echo()


def followed(
    items: Sequence[T], what: str, name: Callable[[T], str] = lambda item: ""
) -> Iterator[T]:
    """The items in their order, and how many of them are done."""
    with Meter(what) as meter:
        for done, item in enumerate(items):
            meter(done / len(items), name(item))
            yield item


@contextmanager
def unbroken() -> Iterator[None]:
    """Ctrl-C comes after what is within: rich prints a text again that was interrupted after it
    was printed."""
    came: list[FrameType | None] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield  # no other thread hears of signals
        return
    signal.signal(signal.SIGINT, lambda number, frame: came.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        before(signal.SIGINT, came[0])
