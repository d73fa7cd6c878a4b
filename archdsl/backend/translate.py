"""The spec's expressions in Python: an expression of a block's body, over the parameters of
the class that stands for the block.

Each is worked out for one instance, and its text is right for all others; what cannot be said
(rounding to steps, lists, functions of the spec) is ``Untranslatable``: ``Symbols`` finds
what its numbers have in common.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from archdsl.backend.terms import (
    SUM,
    Ratio,
    Whole,
    added,
    divided,
    multiplied,
    ratio,
    rounded_down,
    rounded_up,
    shown,
)
from archdsl.backend.written import Written
from archdsl.syntax import tree


class Untranslatable(Exception):
    """What Python would say in too many words, or what is known to elaboration alone."""


class Translator:
    """Translates the expressions of one block. ``values`` are the constructor's parameters by
    the names of the spec; ``knobs`` those of the header, which are constants here."""

    def __init__(
        self,
        written: Written,
        block: tree.Block | None,
        values: Mapping[str, Any],
        knobs: Mapping[str, Any],
        channels: int,
        keep: Callable[[str, Whole], str] | None = None,
    ) -> None:
        self.written, self.block = written, block
        self.values, self.knobs = values, knobs
        self.channels = channels  # of what comes into the block
        self.keep = keep  # makes a variable of a `let` that is long
        self.kept: dict[int, Whole] = {}

    def number(self, node: tree.Node, here: int) -> int | Fraction | Ratio:
        """An expression as a number; ``here`` are the channels where it stands."""
        found = self.value(node, here)
        if isinstance(found, bool) or not isinstance(found, (int, Fraction, Ratio)):
            raise Untranslatable
        return found

    def value(self, node: tree.Node, here: int | None) -> Any:
        if isinstance(node, tree.Literal):
            return node.value
        if isinstance(node, tree.Name):
            return self.name(node)
        if isinstance(node, tree.Here):
            if node.field != "channels" or here is None:
                raise Untranslatable
            return here
        if isinstance(node, tree.Unary) and node.operator == "-":
            return added(Ratio(0, 1), ratio(self.value(node.operand, here)), -1)
        if isinstance(node, tree.Binary):
            return self.binary(node, here)
        if isinstance(node, tree.Call):
            return self.call(node, here)
        if isinstance(node, tree.Ternary):
            return self.ternary(node, here)
        raise Untranslatable

    def name(self, node: tree.Name) -> Any:
        let = self.written.let(node, self.block)
        if let is None:  # a parameter of the block, or a knob
            if self.block is not None and any(
                p.name.text == node.text for p in self.block.parameters
            ):
                if node.text in self.values:
                    return self.values[node.text]
                raise Untranslatable
            if node.text in self.knobs and isinstance(self.knobs[node.text], (int, Fraction)):
                return self.knobs[node.text]
            raise Untranslatable
        if not isinstance(let, tree.Let) or let.unpack:
            raise Untranslatable
        first = self.block is not None and self.written.is_first(let, self.block)
        if id(let) in self.kept:
            return self.kept[id(let)]
        found = self.value(let.value, self.channels if first else None)
        if self.keep is None or not isinstance(found, Whole) or not found.is_long:
            return found
        made = self.kept[id(let)] = Whole.of(found, self.keep(node.text, found))
        return made

    def binary(self, node: tree.Binary, here: int | None) -> Any:
        left, right = self.value(node.left, here), self.value(node.right, here)
        for value in (left, right):
            if isinstance(value, bool) or not isinstance(value, (int, Fraction, Ratio)):
                raise Untranslatable
        a, b = ratio(left), ratio(right)
        if node.operator == "+":
            return _plain(added(a, b))
        if node.operator == "-":
            return _plain(added(a, b, -1))
        if node.operator == "*":
            return _plain(multiplied(a, b))
        if node.operator == "/" and int(b.top):
            return _plain(divided(a, b))
        if node.operator == "//" and int(b.top):
            return rounded_down(divided(a, b))
        raise Untranslatable

    def call(self, node: tree.Call, here: int | None) -> Any:
        word = node.callee.text
        values = [self.value(a.value, here) for a in node.arguments]
        if not all(isinstance(v, (int, Fraction, Ratio)) for v in values):
            raise Untranslatable
        if word in ("ceil", "floor") and len(values) == 1:
            return (rounded_up if word == "ceil" else rounded_down)(ratio(values[0]))
        if word in ("max", "min") and len(values) == 2 and all(isinstance(v, int) for v in values):
            best = (max if word == "max" else min)(int(v) for v in values)
            return Whole.of(best, f"{word}({', '.join(shown(v, SUM) for v in values)})")
        raise Untranslatable

    def ternary(self, node: tree.Ternary, here: int | None) -> Any:
        raise Untranslatable


def _plain(value: Ratio) -> Any:
    """A quotient by 1 as the number that it is."""
    return value.top if value.is_whole else value
