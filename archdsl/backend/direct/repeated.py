"""Bodies that are repeated and have no name: turns of a loop, and layers of a dense block."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.backend.direct.lists import Lists
from archdsl.backend.direct.nested_lines import WORD, Line
from archdsl.backend.direct.state import At
from archdsl.backend.direct.terms import INT, Said
from archdsl.backend.python import Added, Call, Code, Comprehension, Item
from archdsl.backend.runs import TURN
from archdsl.backend.terms import PRODUCT, SUM
from archdsl.backend.translate import Untranslatable
from archdsl.syntax import tree

DENSE, LAYER = "dense", "layer"


class RepeatedBodies(Lists):
    """Translates bodies of which each repetition is a module of its own."""

    def pattern(self, node: tree.Call) -> None:
        if node.callee.text == DENSE and node.body is not None:
            self.dense(node, node.body)
        else:
            super().pattern(node)

    def turn_of(self, node: tree.For | tree.Repeat) -> None:
        """The body of a loop, once: its statements, or a sequence where that is what it makes."""
        if self.uses.parts_at(node.body.span) != {TURN}:
            self.statements(node.body.statements)
            return
        source, before = self.at.now, self.at
        code, channels = self.module_of(node.body, before.channels)
        self.at = At(before.now, channels, before.counts)
        label = f"{TURN}{self.label(TURN)}"
        self.made.append(Line("", Added(label, code, self.free(TURN))))
        self.at.now = Call(f'getattr(self, f"{label}")(', (Item(source),))
        self.at.depth = 1

    def dense(self, node: tree.Call, body: tree.Body) -> None:
        """``DenseBlock(Layer(in_channels + c * i, c) for i in range(n))``."""
        plain = [a.value for a in node.arguments if a.name is None]
        known = self.uses.parts_at(node.callee.span) == {DENSE}
        bare = node.qualifier is None and node.turn is None and self.turn is None
        if not (known and bare and len(plain) == len(node.arguments) == 1):
            raise Untranslatable
        before, start, outer = self.at, self.here(), set(self.taken)
        count = self.value(plain[0])[0].quotient()
        moving, counter = self.free("channels"), self.free("i")
        _, growth = self.module_of(body, Said(moving, INT), LAYER)
        if growth is None or moving in WORD.findall(growth.text):
            raise Untranslatable
        more = growth.at(PRODUCT)
        seen = Said(f"{start.at(SUM)} + {more} * {counter}", INT, SUM)
        code, _ = self.module_of(body, seen, LAYER)
        self.taken = outer
        layers = Comprehension("", "", code, f"for {counter} in range({count.text})", "")
        self.at = before
        label = f"{DENSE}{self.label(DENSE)}"
        self.made.append(Line(f"self.{label} = ", Call("DenseBlock(", (Item(layers),))))
        self.applied(f"self.{label}(", None)
        self.at.channels = Said(f"{start.at(SUM)} + {more} * {count.at(PRODUCT + 1)}", INT, SUM)
        self.at.overwritable = False

    def module_of(
        self, body: tree.Body, channels: Said | None, name: str = ""
    ) -> tuple[Code, Said | None]:
        """The module that does what a body does, and the channels that it gives. ``name`` is what
        the only layer of a body is called."""
        links = self.links_in(body.statements)
        outer = self.at, self.turn, self.in_arm, self.chain_only
        self.at = At(outer[0].now, channels)
        self.turn, self.in_arm, self.chain_only = None, True, True
        with self.below() as (made, run):
            for link in links:
                self.alone = name if len(links) == 1 else ""
                self.link(link)
                self.alone = ""
        found, is_chain = self.at.channels, self.chain_only
        self.at, self.turn, self.in_arm, self.chain_only = outer
        if run or not made or not is_chain or any(line.body for line in made):
            raise Untranslatable
        codes = [(line.prefix.removeprefix("self."), line.code) for line in made]
        items = [Item(c, word.removesuffix(" = ")) for word, c in codes if c is not None]
        if len(items) < len(made) or any(not item.name.isidentifier() for item in items):
            raise Untranslatable
        alone = len(links) == 1 and items[0].name == name
        return items[0].value if alone else Call("seq(", tuple(items)), found

    def links_in(self, nodes: Sequence[tree.Node]) -> list[tree.Node]:
        """The layers of a body that is one chain of them."""
        found: list[tree.Node] = []
        for node in nodes:
            if isinstance(node, (tree.Default, tree.Require)):
                continue
            if not isinstance(node, tree.Apply):
                raise Untranslatable
            found += self.links_of(node.chain)
        if any(isinstance(link, tree.Call) and link.body is not None for link in found):
            raise Untranslatable
        return found
