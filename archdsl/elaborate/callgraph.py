"""What blocks and functions read and choose, counting all that they call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archdsl.elaborate.code import BlockCode, FnCode

Callee = BlockCode | FnCode


def close_over(callees: Iterable[Callee]) -> None:
    """Gives each what its callees read and choose: a memo must know all of it."""
    for group in groups(callees):
        reads: set[tuple[int, int]] = set()
        chooses = False
        for code in group:
            for used in (code, *code.calls):
                reads |= used.reads
                chooses = chooses or used.chooses
        for code in group:
            code.reads, code.chooses = reads, chooses


def groups(callees: Iterable[Callee]) -> Iterator[list[Callee]]:
    """Those that call each other, together; what a group calls comes before it.

    These are the strongly connected components of the calls (Tarjan 1972), without recursion.
    """
    number: dict[Callee, int] = {}
    lowest: dict[Callee, int] = {}
    waiting: dict[Callee, None] = {}
    for root in callees:
        if root in number:
            continue
        path = [(root, iter(root.calls))]
        number[root] = lowest[root] = len(number)
        waiting[root] = None
        while path:
            code, calls = path[-1]
            callee = next(calls, None)
            if callee is None:
                path.pop()
                if path:
                    above = path[-1][0]
                    lowest[above] = min(lowest[above], lowest[code])
                if lowest[code] == number[code]:
                    group = []
                    while code in waiting:
                        group.append(waiting.popitem()[0])
                    yield group
            elif callee not in number:
                number[callee] = lowest[callee] = len(number)
                waiting[callee] = None
                path.append((callee, iter(callee.calls)))
            elif callee in waiting:
                lowest[code] = min(lowest[code], number[callee])
