"""Work: what a text costs to run, weighed when it is compiled, and how much of it may be done.

One unit of work is one piece of a spec (an operator, a call, a statement), run once. A body is
weighed once, and its weight is spent at each of its turns, calls and runs; what is more than a
piece, such as a long list or a fraction of many digits, is counted where it is made.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import TypeVar

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.source import Span

MAX_STEPS = 500_000  # units that one candidate may take
MAX_WORK = 1_500_000  # and all that one command does with one text, but a proof of its space
PROOF_WORK = 5_200_000  # which that and the proof may take together, and its sample a tenth more
FIT_WORK = 2_400_000  # and what solving for knobs may take, with what is done before and after it
COMPILING = 16  # units that it takes to compile a piece
MAX_PIECES = 50_000  # that are compiled, defaults counted at each place where they are in force

T = TypeVar("T")


class Work:
    """What is left of the work that may be done with one text: for one command so much in all,
    for a program that uses it as often as it likes (``Work(inf)``) so much for each candidate."""

    __slots__ = ("done", "left")

    def __init__(self, limit: float = MAX_WORK) -> None:
        self.left = limit
        self.done = 0

    def of_one(self) -> int:
        """What one candidate, or one constant, may take."""
        return int(min(MAX_STEPS, max(self.left, 0)))

    def take(self, amount: int) -> None:
        self.left -= amount
        self.done += amount


ENDLESS = Work(inf)


class Weigher:
    """Counts the pieces of a spec as they are compiled, those of each body by themselves."""

    __slots__ = ("here", "total")

    def __init__(self) -> None:
        self.here = 0  # in the body that is being compiled
        self.total = 0

    def count(self, span: Span, pieces: int = 1) -> None:
        """Raises ``ArchError`` where a text, with its defaults put in, is too large."""
        self.here += pieces
        self.total += pieces
        if self.total > MAX_PIECES:
            raise ArchError([diagnose(codes.TOO_MUCH_WORK, span, fields={"limit": MAX_PIECES})])

    def weighed(self, compile: Callable[[], T]) -> tuple[T, int]:
        """What is compiled, and its weight, which is then no part of the weight around it."""
        around, self.here = self.here, 1
        try:
            return compile(), self.here
        finally:
            self.here = around
