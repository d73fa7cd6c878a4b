"""A loop of layers that see some of the tensors before them, as text: a table of what each sees
and of the numbers in which they differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archdsl.importing.linked import LINKS, links_of
from archdsl.importing.scope import BlockScope
from archdsl.importing.terms import BareName, Merged, beside
from archdsl.importing.wrapped import INDENT, LONG, packed

TENSORS = "all"  # what the tensors so far are called
MORE = f"{TENSORS} + "  # how the line begins that adds one to them

LONG_WORDS = {"c": "channels", "to": "size"}  # where a block has the short ones

Lines = Callable[[BlockScope, list[Merged], int], list[str]]


class _Turns(BlockScope):
    """What turns of a loop differ in, in the instances of a block: a column of the loop's table for
    each, in the words of the block."""

    def __init__(self, outer: BlockScope, turns: int) -> None:
        super().__init__(outer.style, [*outer.entering] * turns)
        self.outer, self.turns = outer, turns

    def relate(
        self, values: list[Any], local: list[int | None] | None, role: str, inward: bool = False
    ) -> str:
        there = [None] * self.turns if local is None else self._each(local)
        of = [*zip(self._each(values), there, strict=True)]
        texts = [self.outer.relate(v, c, role, inward) for v, c in of]
        if len(set(texts)) > 1 and any("in." in text for text in texts):  # as none is in a table
            texts = [self.outer.relate(v, None, role) for v, _ in of]
        return self._one(texts, role)

    def known(self, values: list[Any], local: list[int | None] | None) -> str | None:
        there = [None] * self.turns if local is None else self._each(local)
        of = zip(self._each(values), there, strict=True)
        found = {self.outer.known(v, c) for v, c in of}
        return found.pop() if len(found) == 1 else None

    def condition(self, wanted: list[bool | None]) -> str:
        return self._one([self.outer.condition(w) for w in self._each(wanted)], "with_part")

    def param(self, role: str, values: list[Any]) -> str:
        return self.relate(values, None, role)

    def word(self, role: str) -> str:
        word = super().word(role)
        return LONG_WORDS.get(word, word) if word in self.outer.params else word

    def _each(self, values: list[Any]) -> list[list[Any]]:
        count = len(values) // self.turns
        return [values[n * count : (n + 1) * count] for n in range(self.turns)]

    def _one(self, texts: list[str], role: str) -> str:
        """What is the same in all turns, or else a name of what is not."""
        if len(set(texts)) == 1:
            return texts[0]
        self.tensors = {*self.outer.tensors, *self.outer.params, TENSORS, LINKS}
        name = super().param(role, [BareName(text) for text in texts])
        self.outer.tensors = {*self.outer.tensors, name}  # which the block's own may not have
        return name


def loop(m: Merged, scope: BlockScope, lines: Lines, depth: int) -> list[str]:
    """The loop and its end as lines; ``lines`` writes terms in a scope."""
    *turns, last = m.subs
    merged = turns[0][1:]
    for turn in turns[1:]:
        merged = beside(merged, turn[1:])
    inner = _Turns(scope, len(turns))
    pad, more = INDENT * depth, INDENT * (depth + 1)
    first, *rest = lines(inner, merged, depth + 1)
    links = [f"[{', '.join(of.split())}]" for of in links_of(m)]
    columns = [[str(value) for value in values] for values in inner.params.values()]
    rows = [", ".join(row) for row in zip(*columns, links[:-1], strict=True)]
    names = ", ".join([*inner.params, LINKS])
    if columns:
        rows, names = [f"({row})" for row in rows], f"({names})"
    table = f"{pad}for {names} in [{', '.join(rows)}] {{"
    head = [table]
    if len(table) > LONG:
        head = [f"{pad}for {names} in [", *packed(rows, more), f"{pad}] {{"]
    end = [line.strip() for line in lines(scope, last[1:], depth)]
    return [
        *head,
        f"{more}let {TENSORS} = in.tensors",
        f"{more}[{TENSORS}[i] for i in {LINKS}] -> {first.strip()}",
        *rest,
        f"{more}{MORE}[identity]",
        pad + "}",
        f"{pad}[in.tensors[i] for i in {links[-1]}] -> {end[0]}",
    ]
