"""Several tensors in the place of one: a list in ``forward``, and the channels of each in the
constructor."""

from __future__ import annotations

import re
from collections import Counter

from archdsl.backend.direct.residual import ResidualTranslation
from archdsl.backend.direct.state import AFTER, At, LoopTurn
from archdsl.backend.direct.terms import TENSORS, Said
from archdsl.backend.python import Call, Code, Comprehension, Item, Text
from archdsl.backend.terms import ATOM, CHOICE
from archdsl.backend.translate import Untranslatable
from archdsl.syntax import tree

LISTS = (tree.ListOf, tree.Comprehension, tree.Binary)
# ``[xs[i - 1] for i in range(1, len(xs) + 1)]``, and what is that list, too
ALL = re.compile(r"\[(?P<xs>\w+)\[(?P<i>\w+) - 1\] for (?P=i) in range\(1, len\((?P=xs)\) \+ 1\)\]")
EACH = re.compile(r"\[(?P<x>\w+) for (?P=x) in (?P<xs>\w+)\]")


class Lists(ResidualTranslation):
    """Translates lists of layers: each begins at the current tensor, and their results are what is
    current then."""

    def several(self, node: tree.Node) -> None:
        """A list as a layer."""
        self.chain_only = False
        self.settle()
        code, channels = self.listed(node)
        self.at = At(code, Said(plain(channels), TENSORS), self.at.counts, depth=1)

    def listed(self, node: tree.Node) -> tuple[Code, str]:
        """A list of tensors, and the channels of each."""
        if isinstance(node, tree.ListOf):
            return self.written_out(node)
        if isinstance(node, tree.Comprehension):
            return self.in_a_loop(node)
        if isinstance(node, tree.Binary) and node.operator == "+":
            items: list[Item] = []
            channels: list[str] = []
            for code, text in map(self.listed, (node.left, node.right)):
                shown = isinstance(code, Call) and code.head == "["
                items += code.items if isinstance(code, Call) and shown else [starred(code.flat())]
                channels.append(text[1:-1].rstrip(",") if text[0] == "(" else f"*{text}")
            return Call("[", tuple(items), "]"), f"({', '.join(channels)})"
        made, run = self.value(node)
        if made.kind != TENSORS:
            raise Untranslatable
        return Text(run.text), made.at(ATOM)

    def item(self, node: tree.Node) -> None:
        """One of a list, from what is current before it; ``at`` is its result."""
        if isinstance(node, tree.Name) and node.text == "identity":
            return
        with self.below() as (made, run):
            self.link(node)
        self.here()
        if run:
            raise Untranslatable
        self.made += made

    def written_out(self, node: tree.ListOf) -> tuple[Code, str]:
        """``[a, self.conv1(x)]``."""
        before, items, channels = self.at, [], []
        for one in node.items:
            self.at = At(before.now, before.channels, before.counts)
            self.item(one)
            items.append(Item(self.at.now))
            channels.append(self.here().at(CHOICE))
        self.at = before
        comma = "," if len(channels) == 1 else ""
        return Call("[", tuple(items), "]"), f"({', '.join(channels)}{comma})"

    def in_a_loop(self, node: tree.Comprehension) -> tuple[Code, str]:
        """``[getattr(self, f"units{i}")(x) for i, x in enumerate(xs, 1)]``."""
        (clause, *others) = node.clauses
        if others or clause.condition is not None or self.turn is not None:
            raise Untranslatable
        head = tree.For(
            node.span,
            clause.targets,
            clause.unpack,
            clause.items,
            None,
            tree.Body(node.span, ()),
        )
        before, outer = self.at, set(self.taken)
        header = self.header(head)
        self.at = At(before.now, before.channels, before.counts.copy())
        self.turn = LoopTurn(header.counter, before.counts.copy())
        self.in_item = True
        with self.say.within(**header.names), self.below() as (made, _):
            self.item(node.item)
            found = self.at
        self.in_item = False
        self.turn, self.taken = None, outer
        assert found.channels is not None
        if made:
            self.made.append(header.line(0, made))
        channels = f"[{found.channels.at(CHOICE)} {header.plain[0].removesuffix(':')}]"
        numbered = header.counter in re.findall(r"\w+", found.now.flat())
        loop = (header.counted if numbered else header.plain)[1].removesuffix(":")
        inside = found.counts - before.counts
        before.counts |= Counter({f"{AFTER}{name}": 1 for name in inside})
        self.at = before
        return Comprehension("[", "", found.now, loop, "]"), channels


def starred(text: str) -> Item:
    return Item(Text(text), "*")


def plain(channels: str) -> str:
    """The channels of each, without a loop that gives those of another list."""
    for pattern in (ALL, EACH):
        channels = pattern.sub(r"\g<xs>", channels)
    return channels
