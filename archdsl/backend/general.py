"""One code for several: what differs between them is a counter's doing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archdsl.backend.python import Call, Code, Item, Text, Value
from archdsl.backend.symbols import ABSENT, line_through


def generalize(codes: Sequence[Code]) -> Code | None:
    """One code with an ``i`` that gives all of them in turn, if there is one."""
    first = codes[0]
    if isinstance(first, Value):
        return _general_value([c.value if isinstance(c, Value) else ABSENT for c in codes])
    if isinstance(first, Call):
        if not all(
            isinstance(c, Call)
            and c.head == first.head
            and len(c.items) == len(first.items)
            and all(a.name == b.name for a, b in zip(c.items, first.items, strict=True))
            for c in codes
        ):
            return None
        items = []
        for i, item in enumerate(first.items):
            common = generalize([c.items[i].value for c in codes if isinstance(c, Call)])
            if common is None:
                return None
            items.append(Item(common, item.name))
        return Call(first.head, tuple(items), first.tail)
    return first if all(c.flat() == first.flat() for c in codes) else None


def _general_value(values: Sequence[Any]) -> Code | None:
    if all(type(v) is type(values[0]) and v == values[0] for v in values):
        return Value(values[0])
    if not all(type(v) in (int, float) for v in values):
        return None
    text = line_through(range(len(values)), values, "i")
    return None if text is None else Text(text, loose=True)
