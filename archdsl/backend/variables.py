"""The variables of a ``forward``: a tensor that the spec keeps has its name; others have that of
what they are made of, where nobody reads it after them, or a short one.

A name that stands for something else in the class gets a number: so does a kept tensor's while
what had the name before is still read.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import chain, count

from archdsl.backend.names import SPOKEN, UNCLEAR, identifier
from archdsl.backend.scope import SHORTCUT, Unrolled
from archdsl.backend.spec_text import Written

SHORT = "xyzh"
RUNNING = "x"  # what comes in, if it has no name


def kept_names(scope: Unrolled, written: Written) -> dict[int, str]:
    """The names that the spec gives to values of a scope: ``... as name``, and those of results."""
    found: dict[int, str] = {}
    for value, entry in enumerate(scope.entries, 1):
        name = written.kept_as(entry.span)
        if not name and value in scope.results and scope.part.results:
            name = scope.part.results[scope.results.index(value)].name
        if name and entry.weight is None and not entry.picks and entry.name != SHORTCUT:
            found[value] = identifier(name)
    return found


class Variables:
    """The names of values. ``wanted`` are those that the spec gives, ``given`` stand for something
    else in the file; ``start`` are the parameters of ``forward``, by their values."""

    def __init__(
        self,
        wanted: Mapping[int, str],
        given: Container[str],
        start: Mapping[int, str],
        others: Sequence[str],
        named: bool,
    ) -> None:
        self.wanted, self.given = wanted, given
        self.names: dict[int, str] = dict(start)
        self.taken = {*SPOKEN, *UNCLEAR, *start.values(), *others}
        if RUNNING not in start.values():
            self.taken.discard(RUNNING)
        self.fixed = {0} if named else set[int]()  # what the spec names: nothing else has it
        self.numbered: dict[str, Iterator[str]] = {}  # names that were not looked at yet

    def reusable(self, reads: Sequence[int], value: int, last_use: Mapping[int, int]) -> list[str]:
        """The variables of values that nobody reads after this one."""
        return [
            self.names[read]
            for read in reads
            if last_use.get(read) == value and read >= 0 and read not in self.fixed
        ]

    def beside(
        self, value: int, reads: Sequence[int], others: Sequence[str], last_use: Mapping[int, int]
    ) -> str:
        """The variable of one of several results of a step, which is none of the others'."""
        free = [n for n in self.reusable(reads, value, last_use) if n not in others]
        return free[0] if free else self.new()

    def of(
        self, value: int, reads: Sequence[int], last_use: Mapping[int, int], repeated: bool = False
    ) -> str:
        """The variable of a value that is made of others; ``repeated``: they are read again after
        it has been given a first time."""
        wanted = self.wanted.get(value)
        if wanted is not None:
            self.fixed.add(value)
            return self.kept(wanted, value, reads[:1] if repeated else reads, last_use)
        free = self.reusable(reads, value, last_use)
        return free[0] if free else self.new()

    def kept(self, name: str, value: int, reads: Sequence[int], last_use: Mapping[int, int]) -> str:
        """A name of the spec's, which is free where nobody reads what had it before."""
        holders = [n for n, held in self.names.items() if held == name]
        ends = (last_use.get(n, 0) - (n in reads) for n in holders)
        if holders and name not in self.given and all(end < value for end in ends):
            return name
        return self.new(name)

    def new(self, wanted: str = "") -> str:
        """A name for a variable; a short one, which the spec gives to nothing, if none is
        wanted."""
        base = wanted or "y"
        numbered = self.numbered.setdefault(base, (f"{base}{n}" for n in count(2)))
        kept = set() if wanted else set(self.wanted.values())
        for name in chain([wanted] if wanted else SHORT, numbered):
            if not any(name in names for names in (self.taken, self.given, kept)):
                self.taken.add(name)
                return name
        raise AssertionError("numbers do not end")
