"""One code for several: what differs between them is a counter's doing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from archdsl.backend.names import attribute, run_stem, unnumbered
from archdsl.backend.python import (
    Call,
    Code,
    Comprehension,
    Const,
    Deferred,
    Either,
    Item,
    Text,
    call,
    operand,
)
from archdsl.backend.symbols import ABSENT, line_through
from archdsl.layers.base import Module

PRODUCT = r"[\w.]+(?: (?:\*|//) [\w.]+)*"  # of names and numbers: nothing in it binds less than +
FEW = 3  # like parts that are written in a loop; fewer are written out


@dataclass(slots=True)
class NamedPart:
    """The code of a named part, ``repeat`` times in a row."""

    label: str
    number: int
    code: Code
    repeat: int = 1
    last: Code | None = None  # the number of the last of them, where a parameter says it

    @property
    def base(self) -> str:
        return unnumbered(self.label, self.number)

    @property
    def looped(self) -> bool:
        """Whether the repetitions can be named by a counter."""
        return self.last is not None or (
            self.repeat >= FEW and run_stem(self.base, self.number, self.repeat) is not None
        )

    def apart(self) -> Iterator[NamedPart]:
        """The repetitions one by one."""
        if self.repeat == 1:
            yield self
            return
        for number in range(self.number, self.number + self.repeat):
            yield NamedPart(f"{self.base}{number}", number, self.code)


def named_items(parts: Sequence[NamedPart]) -> list[Item]:
    """Named parts as keyword arguments, runs of like ones as a loop."""
    items: list[Item] = []
    single: list[NamedPart] = []
    for part in _folded(parts):
        if not part.looped:
            single.extend(part.apart())
            continue
        items += _runs(single)
        single.clear()
        stop = part.number + part.repeat if part.last is None else more(part.last)
        items.append(_loop(part, stop, part.code))
    return items + _runs(single)


def _folded(parts: Sequence[NamedPart]) -> list[NamedPart]:
    """Neighbours that are alike and counted on as one part, repeated."""
    found: list[NamedPart] = []
    for part in parts:
        last = found[-1] if found else None
        if (
            last is not None
            and last.last is None
            and part.last is None
            and (last.base, last.number + last.repeat) == (part.base, part.number)
            and last.code.flat() == part.code.flat()
        ):
            found[-1] = replace(last, repeat=last.repeat + part.repeat)
        else:
            found.append(part)
    return found


def _runs(parts: Sequence[NamedPart]) -> list[Item]:
    items: list[Item] = []
    at = 0
    while at < len(parts):
        part, end = parts[at], at + 1
        while (
            end < len(parts)
            and parts[end].base == part.base
            and parts[end].number == part.number + end - at
        ):
            end += 1
        length, common, _ = like([p.code for p in parts[at:end]], part.number)
        if common is not None and run_stem(part.base, part.number, length) is not None:
            items.append(_loop(part, part.number + length, common))
            at += length
        else:
            items.append(Item(part.code, attribute(part.label)))
            at += 1
    return items


def more(last: Code) -> str:
    """Where a range ends that has a number as its last."""
    text = last.flat()
    if ends := re.fullmatch(rf"({PRODUCT}) - 1", text):
        return ends[1]
    if ends := re.fullmatch(rf"({PRODUCT}) \+ (\d+)", text):
        return f"{ends[1]} + {int(ends[2]) + 1}"
    return f"{operand(last)} + 1"


def _loop(part: NamedPart, stop: int | str, code: Code) -> Item:
    first = part.number
    key = f'f"{run_stem(part.base, first, FEW)}{{i}}": '
    loop = f"for i in range({first}, {stop})"
    return Item(Comprehension("{", key, code, loop, "}"), "**")


def like(codes: Sequence[Code], start: int = 0) -> tuple[int, Code | None, bool]:
    """How many of the first codes are alike, what they have in common, and whether that moves
    on evenly with a counter from ``start`` on."""
    same = 1
    first = codes[0].flat()
    while same < len(codes) and codes[same].flat() == first:
        same += 1
    if same >= FEW:
        return same, codes[0], False

    def common(length: int) -> Code | None:
        return generalize(codes[:length], start)

    if len(codes) <= FEW or common(FEW + 1) is None:
        return 1, None, False
    whole = common(len(codes))
    if whole is not None:
        return len(codes), whole, True
    low, high = FEW + 1, len(codes)  # so many are alike, and so many are not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if common(middle) is None else (middle, high)
    return low, common(low), True


def in_turn(codes: Sequence[Code]) -> tuple[Code, str] | None:
    """One code that gives all of them, and its counter from 0 on; the first may be another's in
    some of its arguments. ``_`` counts where the code does not ask."""
    length, common, moving = like(codes)
    if common is not None and length == len(codes):
        return common, "i" if moving else "_"
    first, *later = codes
    if len(later) < FEW:
        return None
    length, common, _ = like(later, 1)
    if common is None or length < len(later):
        return None
    both = either(first, common)
    return None if isinstance(both, Either) else (both, "i")


def generalize(codes: Sequence[Code], start: int = 0) -> Code | None:
    """One code with an ``i``, counted from ``start``, that gives all of them in turn."""
    first = codes[0]
    if isinstance(first, Const):
        return _general_value([c.value if isinstance(c, Const) else ABSENT for c in codes], start)
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
            values = [c.items[i].value for c in codes if isinstance(c, Call)]
            common = generalize(values, start)
            if common is None:
                return None
            items.append(Item(common, item.name))
        return Call(first.head, tuple(items), first.tail)
    return first if all(c.flat() == first.flat() for c in codes) else None


def _general_value(values: Sequence[Any], start: int) -> Code | None:
    if all(type(v) is type(values[0]) and v == values[0] for v in values):
        return Const(values[0])
    if not all(type(v) in (int, float) for v in values):
        return None
    text = line_through(range(start, start + len(values)), values, "i")
    return None if text is None else Text(text, loose=True)


def either(first: Code, later: Code) -> Code:
    """One code for both: ``i`` is 0 for the first."""
    if first.flat() == later.flat():
        return first
    if (
        isinstance(first, Call)
        and isinstance(later, Call)
        and first.head == later.head
        and [i.name for i in first.items] == [i.name for i in later.items]
    ):
        pairs = [*zip(first.items, later.items, strict=True)]
        values = [either(a.value, b.value) for a, b in pairs]
        makers = [v for v in values if isinstance(v, Either) and isinstance(v.first, Deferred)]
        if not makers:  # whose own ``i`` would hide this one
            items = tuple(Item(v, a.name) for v, (a, _) in zip(values, pairs, strict=True))
            return Call(first.head, items, first.tail)
    return Either(first, later)


def plain_code(module: Module) -> Code:
    """The code of a layer of which there is one alone, and of which the spec says but numbers."""
    items = [Item(Const(value)) for value in module.arguments]
    order = {**module.usual, **module.keywords}
    items += [Item(Const(v), k) for k, v in order.items() if k in module.keywords]
    made = call(module.target, items)
    return call(module.through, [Item(made)]) if module.through else made
