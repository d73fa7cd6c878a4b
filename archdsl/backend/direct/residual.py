"""Residual units: what a body gives, and what came in or its projection added to it."""

from __future__ import annotations

from archdsl.backend.direct.arms import Arms
from archdsl.backend.direct.lines import Line
from archdsl.backend.direct.state import AFTER, MOST_NESTED, At
from archdsl.backend.python import Code, Operation
from archdsl.backend.scope import SHORTCUT
from archdsl.backend.translate import Untranslatable
from archdsl.ir.network import Op
from archdsl.layers.base import Expression
from archdsl.syntax import tree

STRIDE = "stride"


class Residual(Arms):
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
        for use in (*self.uses.of(node.callee.span), *self.uses.of(node.span)):
            code = use.step.op.layer.torch(*use.inputs) if isinstance(use.step.op, Op) else None
            if not isinstance(code, Expression) or code.text != "{0} + {1}":
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
        if in_place or self.at.depth > MOST_NESTED - 2:
            self.settle()
        self.words = outer
        self.taken.discard(y)
        after, channels = self.at.now, self.at.channels
        if SHORTCUT not in given and self.strides(body) - self.asked:
            raise Untranslatable  # other arguments may want a projection
        self.at = At(before.now, before.channels, self.at.counts)
        first = self.shortcut(given.get(SHORTCUT))
        counts = self.at.counts
        if in_place and after.flat() == y:
            self.run.append(Line(f"{y} += ", first))
            self.at = At(after, channels, counts, overwritable=True)
        else:
            sum_ = Operation((first, after), "+")
            self.at = At(sum_, channels, counts, MOST_NESTED - 1, overwritable=True)

    def strides(self, body: tree.Node) -> set[str]:
        """The parameters that decide a stride of what is applied."""
        parameters = {p.name.text for p in self.definition.parameters}
        found: set[str] = set()
        for node in body.walk():
            if isinstance(node, tree.Name) and node.text in self.passed:
                found |= self.strides(self.passed[node.text])
            elif isinstance(node, tree.Name) and node.text == STRIDE:
                found.add(STRIDE)
            elif isinstance(node, tree.Argument) and node.name and node.name.text == STRIDE:
                found |= {n.text for n in node.value.walk() if isinstance(n, tree.Name)}
        return found & parameters

    def shortcut(self, node: tree.Node | None) -> Code:
        """What is added: the input, or what a layer makes of it."""
        if isinstance(node, tree.Ternary):  # as the knobs say
            known = self.value(node.condition)[0].text
            node = {"True": node.then, "False": node.otherwise}.get(known, node)
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
