"""Residual units: what a body gives, and what came in or its projection added to it."""

from __future__ import annotations

from collections.abc import Set

from archdsl.backend.direct.arms import BranchTranslation
from archdsl.backend.direct.nested_lines import Line
from archdsl.backend.direct.state import AFTER, MOST_NESTED, At
from archdsl.backend.direct.terms import Said
from archdsl.backend.flow import INCOMING
from archdsl.backend.python import Code, Operation, Text
from archdsl.backend.scope import SHORTCUT
from archdsl.backend.symbols import spoken
from archdsl.backend.translate import Untranslatable
from archdsl.ir.network import Op
from archdsl.layers.base import Expression, Steps, signature
from archdsl.registry import REGISTRY
from archdsl.syntax import tree

CONVOLUTIONS = ("conv", "std_conv")  # a kernel keeps the size of an image, unless it is padded
PAD = "pad"
SIZING = ("stride", "pad", "dilation", "output_pad", "factor", "size", "before", "after")


class ResidualTranslation(BranchTranslation):
    """Translates ``residual``, where it adds all that it joins."""

    def pattern(self, node: tree.Call) -> None:
        if node.callee.text == "residual" and node.body is not None:
            self.residual(node, node.body)
        else:
            super().pattern(node)

    def residual(self, node: tree.Call, body: tree.Body) -> None:
        """``x + self.conv1(y)``, or ``self.shortcut(x) + ...``."""
        given = {a.name.text: a.value for a in node.arguments if a.name is not None}
        if len(given) != len(node.arguments) or given.keys() - {SHORTCUT} or self.turn is not None:
            raise Untranslatable
        said = self.chosen(given.get(SHORTCUT))
        is_padded = said is not None and _is_word(said, PAD)
        steps, sums = list[Steps](), 0  # of a padded shortcut, in each use
        for use in (*self.uses.of(node.callee.span), *self.uses.of(node.span)):
            layer = use.layer if isinstance(use.step.op, Op) else None
            if is_padded and layer is not None and len(use.inputs) == 1:
                steps.append(layer.window(use.inputs[0])[1])
                continue
            code = layer.torch(*use.inputs) if layer is not None else None
            if not isinstance(code, Expression) or code.text != "{0} + {1}":
                raise Untranslatable
            sums += 1
        strides = [step for step in steps if any(s != 1 for s in step)]
        if len(strides) != (sums if is_padded else 0):  # in some uses what comes in is added
            raise Untranslatable
        self.chain_only = False
        self.settle()
        before = self.at
        self.at = At(before.now, before.channels, before.counts)
        y = self.free("y")
        if before.now.flat() == y:  # the sum of a residual before it, which is needed again
            y = self.free("y")
        outer, self.words = self.words, (y, *self.words[1:])
        self.statements(body.statements)
        in_place = self.at.overwritable
        if in_place or is_padded or self.at.depth > MOST_NESTED - 2:
            self.settle()
        self.words = outer
        self.taken.discard(y)
        after, channels = self.at.now, self.at.channels
        if SHORTCUT not in given:
            if self.sizing(body, self.definition) - self.asked:
                raise Untranslatable  # other arguments may want a projection
            self.same_channels(before.channels, channels)
        self.at = At(before.now, before.channels, self.at.counts)
        first = self.padded(set(strides), after, body) if is_padded else self.shortcut(said)
        counts = self.at.counts
        if in_place and after.flat() == y:
            self.run.append(Line(f"{y} += ", first))
            self.at = At(after, channels, counts, overwritable=True)
        else:
            sum_ = Operation((first, after), "+")
            self.at = At(sum_, channels, counts, MOST_NESTED - 1, overwritable=True)

    def same_channels(self, before: Said | None, after: Said | None) -> None:
        """Says that a body gives as many channels as come in, where other arguments may want a
        projection."""
        if before is None or after is None or before.text == after.text:
            return
        words = spoken(before.text) | spoken(after.text)
        own = {bound.made: word for word, bound in self.say.names.items()}
        own["in_channels"] = INCOMING
        if any(own.get(word, "") not in self.asked for word in words):
            self.made.append(Line(f"assert {before.text} == {after.text}"))

    def sizing(
        self, body: tree.Node, block: tree.Block, within: frozenset[int] = frozenset()
    ) -> set[str]:
        """The parameters of a block that may decide the size of what a body of it gives."""
        file = self.written.files.get(block.span.source.name)
        statements = () if file is None else file.statements
        blocks = {n.name.text: n for n in statements if isinstance(n, tree.Block)}
        found: set[str] = set()
        for node in body.walk():
            if isinstance(node, tree.Name) and node.text in self.passed and not within:
                found |= self.sizing(self.passed[node.text], block)
            if not isinstance(node, tree.Call):
                continue
            word = node.callee.text
            layer, inner = REGISTRY.layers.get(word), blocks.get(word)
            names, decide = list[str](), set(SIZING)
            if inner is not None and id(inner) not in within:
                names = [p.name.text for p in inner.parameters]
                decide = self.sizing(inner.body, inner, within | {id(inner)})
            elif inner is None and layer is not None:
                names = [p.name for p in signature(layer)]
                padded = any(a.name is not None and a.name.text == "pad" for a in node.arguments)
                decide |= {"kernel"} if padded or word not in CONVOLUTIONS else set()
            for place, argument in enumerate(node.arguments):
                if argument.name is not None:
                    name = argument.name.text
                else:
                    name = names[place] if place < len(names) and node.body is None else ""
                if name in decide:
                    found |= {n.text for n in argument.value.walk() if isinstance(n, tree.Name)}
        return found & {p.name.text for p in block.parameters}

    def chosen(self, node: tree.Node | None) -> tree.Node | None:
        """A shortcut, as the knobs say it."""
        if not isinstance(node, tree.Ternary):
            return node
        known = self.value(node.condition)[0].text
        return {"True": node.then, "False": node.otherwise}.get(known, node)

    def padded(self, strides: Set[Steps], after: Code, body: tree.Body) -> Code:
        """What is added without a layer: every so many pixels of the input, and zeros for the
        channels that it lacks; ``strides`` are how many, in the uses of the block."""
        decides = sorted(self.sizing(body, self.definition))
        axes = len(self.uses.input) - 1
        if len(strides) != 1 or not isinstance(after, Text) or len(decides) != 1:
            raise Untranslatable
        blocks = [b for b in self.uses.blocks if any(s.name == SHORTCUT for s in b.steps)]
        values = {dict(b.arguments)[decides[0]] for b in blocks}
        if len(values) != 1:
            raise Untranslatable
        word = self.say.names[decides[0]].made
        self.made.append(Line(f"assert {word} == {values.pop()}"))
        (stride,) = strides
        x, zeros = self.at.now.flat(), ", ".join(["0"] * (2 * axes + 1))
        taken = f"{x}[:, :, {', '.join(f'::{s}' if s != 1 else ':' for s in stride)}]"
        return Text(f"F.pad({taken}, ({zeros}, {after.text}.shape[1] - {x}.shape[1]))")

    def shortcut(self, node: tree.Node | None) -> Code:
        """What is added: the input, or what a layer makes of it."""
        if node is None or _is_word(node, "identity"):
            return self.at.now
        if self.at.counts[SHORTCUT] or self.at.counts[f"{AFTER}{SHORTCUT}"]:
            raise Untranslatable
        counts = self.at.counts
        self.at = At(self.at.now, self.at.channels)
        if isinstance(node, (tree.Literal, tree.Ternary)):
            raise Untranslatable
        with self.below() as (made, run):
            self.arm(node, "", SHORTCUT)
        if run or not made:
            raise Untranslatable
        self.made += made
        found, self.at.counts = self.at.now, counts
        counts[SHORTCUT] += 1
        return found


def _is_word(node: tree.Node, word: str) -> bool:
    if isinstance(node, tree.Name):
        return node.text == word
    return isinstance(node, tree.Literal) and node.value == word
