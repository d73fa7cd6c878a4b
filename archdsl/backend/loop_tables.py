"""Numbered parts of a class that differ in numbers alone, as a loop over a table of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from archdsl.backend.general import FEW, NamedPart
from archdsl.backend.names import attribute
from archdsl.backend.pieces import POSITIONS
from archdsl.backend.python import Added, Call, Code, Const, Item, Text

MOST = 2  # columns beside the numbers: a wider table hides what it is of
COUNTER = "i"
NewName = Callable[..., str]  # the first of some names that is free, and taken then


def statements(parts: Sequence[str | NamedPart], new_name: NewName) -> list[str]:
    """The lines that make parts, in their order; what stands between them is given as lines."""
    out: list[str] = []

    def kind(part: str | NamedPart) -> str:
        return "" if isinstance(part, str) else part.base

    for _, group in groupby(parts, key=kind):
        found = list(group)
        run = [p for p in found if isinstance(p, NamedPart)]
        if not run:
            out += [line for line in found if isinstance(line, str)]
            continue
        single = [x for p in run for x in p.code.lines(2, f"self.{attribute(p.label)} = ")]
        looped = _looped(run, new_name) if len(single) >= FEW * len(run) else None
        out += single if looped is None or len(looped) >= len(single) else looped
    return out


def _looped(run: Sequence[NamedPart], new_name: NewName) -> list[str] | None:
    """Parts as one loop over what differs between them, if that is little."""
    stem = run[0].base
    numbered = all(attribute(p.label) == f"{stem}{p.number}" for p in run)
    if len(run) < FEW or not numbered:
        return None
    table = _Table(new_name, [p.number for p in run])
    common = table.common([p.code for p in run], "")
    if common is None or not table.columns or len(table.columns) > MOST:
        return None
    rows = zip(table.numbers, *table.columns.values(), strict=True)
    listing = Call("(", tuple(Item(Const(row)) for row in rows))
    head = listing.lines(2, f"for {', '.join((COUNTER, *table.columns))} in ", ":")
    return [*head, *Added(f"{stem}{{{COUNTER}}}", common, new_name(stem)).lines(3)]


@dataclass(slots=True)
class _Table:
    """What differs between parts: a column for each number that is no multiple of another's."""

    new_name: NewName
    numbers: list[int]
    columns: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def common(self, codes: Sequence[Code], name: str) -> Code | None:
        """One code for all, which names the columns."""
        first = codes[0]
        if all(c.flat() == first.flat() for c in codes):
            return first
        if isinstance(first, Const):
            values = tuple(c.value for c in codes if isinstance(c, Const))
            whole = len(values) == len(codes) and all(type(v) is int for v in values)
            return self.number(values, name) if whole else None
        calls = [c for c in codes if isinstance(c, Call) and c.head == getattr(first, "head", "")]
        names = [[i.name for i in c.items] for c in calls]
        if len(calls) < len(codes) or any(n != names[0] for n in names):
            return None
        kind = calls[0].head.rstrip("(0123d")
        places = POSITIONS.get("nn.Conv" if kind.endswith("Conv") else kind, ())
        items: list[Item] = []
        for place, item in enumerate(calls[0].items):
            wanted = item.name or (places[place] if place < len(places) else "n")
            inner = self.common([c.items[place].value for c in calls], wanted)
            if inner is None:
                return None
            items.append(Item(inner, item.name))
        return Call(calls[0].head, tuple(items), calls[0].tail)

    def number(self, values: tuple[int, ...], name: str) -> Code:
        """A number of each part: a column, or a multiple of one."""
        for column, known in self.columns.items():
            if values == known:
                return Text(column)
            factor = values[0] // known[0] if known[0] else 0
            if factor > 1 and values == tuple(factor * k for k in known):
                return Text(f"{factor} * {column}", loose=True)
        short = name.removeprefix("in_")
        column = self.new_name(short[0], short)
        self.columns[column] = values
        return Text(column)
