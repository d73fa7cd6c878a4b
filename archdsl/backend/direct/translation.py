"""What the translation of a body writes, and where it stands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from archdsl.backend.direct.expressions import SIZES, Expressions, Functions
from archdsl.backend.direct.nested_lines import WORD, Line, walk, words
from archdsl.backend.direct.numbers import lowest
from archdsl.backend.direct.state import GIVEN, At, LoopTurn, NeedsWhole
from archdsl.backend.direct.terms import (
    INT,
    INTS,
    MADE,
    RUN,
    TENSOR,
    TENSORS,
    Bound,
    Said,
    more_one,
)
from archdsl.backend.direct.uses import Uses
from archdsl.backend.names import identifier
from archdsl.backend.plan import Plan
from archdsl.backend.python import (
    Added,
    Call,
    Code,
    Item,
    Text,
)
from archdsl.backend.spec_text import Written
from archdsl.backend.terms import CHOICE, EITHER
from archdsl.backend.translate import Untranslatable
from archdsl.syntax import tree


class Base:
    """Translates one block. ``whole`` are the definitions that are translated like it."""

    def __init__(
        self,
        written: Written,
        knobs: Mapping[str, Any],
        functions: Functions,
        definition: tree.Block,
        names: Mapping[str, Bound],
        uses: Uses,
        plans: Mapping[int, Plan],
        incoming: At,
        words: tuple[str, str, str],
        taken: set[str],
        whole: frozenset[int],
    ) -> None:
        self.written, self.knobs, self.whole = written, knobs, whole
        self.definition, self.uses, self.plans = definition, uses, plans
        self.say = Expressions(names, functions)
        self.words = words  # what a tensor is called, a list of them, and what comes in
        self.taken = {*taken, *words}
        self.made: list[Line] = []
        self.run: list[Line] = []
        self.turn: LoopTurn | None = None
        self.passed: dict[str, tree.Node] = {}  # the layers that names stand for
        self.constant: set[str] = set()  # the parameters that are one layer in all uses
        self.untold: set[str] = set()  # the parameters of one value that its class does without
        self.in_forward: set[str] = set()  # the names of what only ``forward`` knows
        self.finals: dict[str, str] = {}  # what variables are after the loops that change them
        self.at = incoming
        self.in_item = False  # of a list that a loop makes: there is no place for statements
        self.in_arm = False  # where there is no place for a variable of the constructor
        self.asked: set[str] = set()  # the words of the conditions around a statement
        self.alone = ""  # the name of an arm, for what is alone in it
        self.chain_only = True  # a sequence of modules does all that it does

    # ------------------------------------------------------------------- lines

    @contextmanager
    def below(self) -> Iterator[tuple[list[Line], list[Line]]]:
        """Collects the lines of a body."""
        outer = self.made, self.run
        self.made, self.run = [], []
        try:
            yield self.made, self.run
        finally:
            self.made, self.run = outer

    def free(self, wanted: str) -> str:
        name = identifier(wanted, self.taken)
        self.taken.add(name)
        return name

    def settle(self, name: str = "") -> None:
        """Gives the tensor at hand a name, where it is an expression."""
        code = self.at.now
        if name or self.at.depth or not isinstance(code, Text):
            name = name or self.variable()
            if code.flat() != name:
                self.run.append(Line(f"{name} = ", code, target=name))
            self.at.now, self.at.depth = Text(name), 0

    def variable(self) -> str:
        """The name of the tensor at hand, or of the list of them."""
        return self.words[self.at.several]

    def own(self) -> str:
        """Gives the tensor at hand a name that may be given to another: what the text calls a
        tensor is that tensor further down, too."""
        self.settle()
        now, name = self.at.now.flat(), self.variable()
        if now == name or (now == GIVEN and self.words[2] in self.words[:2]):
            return now
        self.run.append(Line(f"{name} = {now}", target=name))
        self.at.now = Text(name)
        return name

    def named_width(self, channels: Said | None) -> Said | None:
        """A long expression of channels as a variable of the constructor, from the last line on."""
        if channels is None or channels.kind != INT or self.in_arm:
            return channels
        if not (channels.level == CHOICE or "(" in channels.text):
            return channels
        line, name = self.made[-1], self.free("width")
        assert line.code is not None
        code = _replaced(line.code, channels.text, name)
        self.made[-1:] = [Line(f"{name} = {channels.text}", target=name)]
        self.made.append(Line(line.prefix, code, line.suffix))
        return Said(name, INT)

    def here(self) -> Said:
        if self.at.channels is None and self.at.maker is not None:
            raise NeedsWhole(self.at.maker)
        if self.at.channels is None or self.at.several:
            raise Untranslatable
        return self.at.channels

    def look(self) -> Expressions:
        """The expressions, for what stands here."""
        self.say.here = self.at.channels
        self.say.here_run = self.at.now.flat() if isinstance(self.at.now, Text) else ""
        return self.say

    def value(self, node: tree.Node) -> tuple[Said, Said]:
        """An expression in the constructor and in ``forward``."""
        if any(isinstance(n, tree.Here) for n in node.walk()):
            self.settle()
        say = self.look()
        return say.value(node, MADE), say.value(node, RUN)

    def run_only(self, node: tree.Node) -> Said:
        """An expression that ``forward`` alone can say, as it is of an image's size."""
        if not any(
            isinstance(n, (tree.Here, tree.Field, tree.Name))
            and (
                getattr(n, "field", getattr(n, "name", "")) in SIZES
                or getattr(n, "text", "") in self.in_forward
            )
            for n in node.walk()
        ):
            raise Untranslatable
        if any(isinstance(n, tree.Here) for n in node.walk()):
            self.settle()
        return self.look().value(node, RUN).quotient()

    def join(self, before: At, ends: list[At], made: list[list[Line]], ended: bool) -> None:
        """What is known after several ways, of which one was gone."""
        counts: Counter[str] = Counter()
        for end in ends:
            counts |= end.counts
        said = {e.channels.text if e.channels is not None else "" for e in ends}
        channels = ends[0].channels if len(said) == 1 else None
        if len(said) > 1 and "" not in said and not ended:
            name = self.free("channels")
            for end, lines in zip(ends, made, strict=False):
                assert end.channels is not None
                lines.append(Line(f"{name} = {end.channels.text}", target=name))
            if len(ends) > len(made):
                assert before.channels is not None
                self.made.append(Line(f"{name} = {before.channels.text}", target=name))
            channels = Said(name, ends[0].channels.kind if ends[0].channels else INT)
        if len({e.several for e in ends}) > 1:
            raise Untranslatable
        now = ends[0].now if len({e.now.flat() for e in ends}) == 1 else before.now
        self.at = At(now, channels, counts, ended=ended)

    def header(self, node: tree.For | tree.Repeat) -> Header:
        """The heads of a loop, its counter, and what it gives names to."""
        names: dict[str, Bound] = {}
        turn = "" if node.turn is None else self.free(node.turn.text)
        if isinstance(node, tree.Repeat):
            counter = turn or self.free("i")
            heads = [f"for {counter} in range(1, {_after(s)}):" for s in self.value(node.count)]
            if node.turn is not None:
                names[node.turn.text] = Bound(INT, counter, counter, 1)
            return Header(counter, names, heads, heads, self.value(node.count)[0])
        if node.unpack or len(node.targets) != 1:
            raise Untranslatable
        items = self.value(node.items)
        kind = {INTS: INT, TENSORS: TENSOR}.get(items[0].kind)
        if kind is None:
            raise Untranslatable
        word = node.targets[0].text
        item = self.free(word)
        names[word] = Bound(kind, item, item, lowest(node.items))
        plain = [f"for {item} in {_items(s, item)}:" for s in items]
        if not turn and isinstance(node.items, tree.Range) and counts_from_one(node.items):
            return Header(item, names, plain, plain, self.value(node.items.high)[0])
        counter = turn or self.free("k" if item == "i" else "i")
        if node.turn is not None:
            names[node.turn.text] = Bound(INT, counter, counter, 1)
        heads = [f"for {counter}, {item} in enumerate({s.at(CHOICE)}, 1):" for s in items]
        return Header(counter, names, heads, plain)


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a loop in the constructor and in ``forward``, with its counter and without; and
    the names that it gives."""

    counter: str
    names: dict[str, Bound]
    counted: list[str]
    plain: list[str]
    high: Said | None = None  # of one that counts from 1: the last number

    def heads(self, text: str) -> list[str]:
        """Its heads around an expression: with the counter where that says it."""
        return self.counted if self.counter in WORD.findall(text) else self.plain

    def line(self, mode: int, body: list[Line]) -> Line:
        """The loop, which counts if its body says the counter."""
        says = self.counter in words(body) or self.counter in _formatted(body)
        return Line((self.counted if says else self.plain)[mode], body=body)


def counts_from_one(items: tree.Range) -> bool:
    low = items.low
    return isinstance(low, tree.Literal) and low.value == 1 and items.step is None


def _formatted(lines: list[Line]) -> set[str]:
    """The names within ``f"conv{i}"``."""
    return set(re.findall(r"\{(\w+)\}", "\n".join(line.text for line in walk(lines))))


def _items(items: Said, word: str) -> str:
    """What a loop goes over; a list that a loop of the same name makes, as that loop."""
    start = f"[{word} for {word} in "
    if items.text.startswith(start) and items.text.count(" for ") == 1:
        return items.text.removeprefix(start).removesuffix("]")
    return items.at(EITHER)


def _after(said: Said) -> str:
    return more_one(said)


def _replaced(code: Code, text: str, name: str) -> Code:
    """Code in which a name stands for an expression."""
    if isinstance(code, Text):
        return Text(name) if code.text == text else code
    if isinstance(code, Added):
        return replace(code, code=_replaced(code.code, text, name))
    if isinstance(code, Call):
        items = tuple(Item(_replaced(i.value, text, name), i.name) for i in code.items)
        return Call(code.head, items, code.tail)
    return code
