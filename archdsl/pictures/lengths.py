"""Lengths that depend on which blocks are open.

A layout is worked out once for a part. Where a block in it may be open or closed, its sizes are
left open as well, and a length is then an ``Expr`` over them: sums, multiples and maxima. Files
evaluate it here, a page evaluates it again whenever the reader opens a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Expr:
    """A length that is not known yet: ``op`` is ``size`` (of a block, by its place and by which
    of its sizes), ``sum``, ``times`` or ``max``."""

    __slots__ = ("args", "op")

    def __init__(self, op: str, *args: Length) -> None:
        self.op = op
        self.args = args

    def __add__(self, other: Length) -> Length:
        return self if other == 0 else Expr("sum", self, other)

    __radd__ = __add__

    def __sub__(self, other: Length) -> Length:
        return self + other * -1

    def __rsub__(self, other: Length) -> Length:
        return self * -1 + other

    def __mul__(self, factor: float) -> Length:
        return self if factor == 1 else Expr("times", self, factor)

    __rmul__ = __mul__

    def __neg__(self) -> Length:
        return self * -1


Length = float | Expr
LENGTH, BEFORE, AFTER = range(3)  # the sizes of a block: along the flow, and beside its axis


def size(block: int, which: int) -> Expr:
    """A size of the block at this place among those of the part."""
    return Expr("size", block, which)


def most(*lengths: Length) -> Length:
    """The largest."""
    known = [x for x in lengths if not isinstance(x, Expr)]
    unknown = list({id(x): x for x in lengths if isinstance(x, Expr)}.values())
    if not unknown:
        return max(known)
    if len(unknown) == 1 and not known:
        return unknown[0]
    return Expr("max", *unknown, *([max(known)] if known else []))


class LengthProgram:
    """Lengths as a list of instructions, each over numbers and the results of those before:
    ``[n]`` stands for the result of the n-th."""

    def __init__(self) -> None:
        self.code: list[list[Any]] = []
        self.places: dict[int, int] = {}
        self.kept: list[Expr] = []  # an id is only an id as long as its object lives

    def add(self, length: Length) -> Any:
        """How a length is written among the instructions."""
        if not isinstance(length, Expr):
            return round(length, 2)
        stack = [length]
        while stack:
            expr = stack[-1]
            if id(expr) in self.places:
                stack.pop()
                continue
            waiting = [a for a in expr.args if isinstance(a, Expr) and id(a) not in self.places]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            arguments = [
                [self.places[id(a)]] if isinstance(a, Expr) else round(a, 2) for a in expr.args
            ]
            self.places[id(expr)] = len(self.code)
            self.kept.append(expr)
            self.code.append([expr.op, *arguments])
        return [self.places[id(length)]]

    def run(self, sizes: Sequence[Sequence[float]]) -> list[float]:
        """The results of the instructions for these sizes of the blocks."""
        found: list[float] = []
        for op, *args in self.code:
            values = [found[a[0]] if isinstance(a, list) else a for a in args]
            if op == "size":
                found.append(sizes[int(values[0])][int(values[1])])
            elif op == "sum":
                found.append(values[0] + values[1])
            elif op == "times":
                found.append(values[0] * values[1])
            else:
                found.append(max(values))
        return found


def value(written: Any, results: Sequence[float]) -> float:
    """A length as ``Program.add`` wrote it, for the results of a run."""
    found: float = results[written[0]] if isinstance(written, list) else written
    return found
