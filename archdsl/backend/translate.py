"""The spec's expressions in Python: an expression of a block's body, over the parameters of
the class that stands for the block.

Each is worked out for one instance, and its text is right for all others; what cannot be said
(rounding to steps, lists, functions of the spec) is ``Untranslatable``: ``Symbols`` finds
what its numbers have in common.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from archdsl.backend.spec_text import Written
from archdsl.backend.terms import (
    BOTH,
    COMPARISON,
    EITHER,
    LONGEST,
    SUM,
    Num,
    Ratio,
    Real,
    Word,
    added,
    both,
    chosen,
    divided,
    multiplied,
    opposite,
    ratio,
    rounded_down,
    rounded_up,
    shown,
    written,
)
from archdsl.diagnostics.source import Span
from archdsl.syntax import tree

PLAIN = (bool, int, float, Fraction, str, Num, Real, Word)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


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
        keep: Callable[[str, Num], str] | None = None,
    ) -> None:
        self.written, self.block = written, block
        self.values, self.knobs = values, knobs
        self.channels = channels  # of what comes into the block
        self.keep = keep  # makes a variable of a `let` that is long
        self.kept: dict[int, Num] = {}
        self.stood: dict[int, int] = {}  # the channels where a `let` stands, as far as they are met

    def stand(self, span: Span, here: int) -> None:
        """Notes the channels that come to a place as those of the `let`s that stand before it."""
        for let in self.written.lets_before(span, self.block):
            self.stood.setdefault(id(let), here)

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
        if isinstance(node, tree.Compare) or (
            isinstance(node, (tree.Unary, tree.Binary)) and node.operator in ("not", "and", "or")
        ):
            return self.truth(node, here)
        if isinstance(node, tree.Binary):
            return self.binary(node, here)
        if isinstance(node, tree.Call):
            return self.call(node, here)
        if isinstance(node, tree.Ternary):
            return self.ternary(node, here)
        raise Untranslatable

    def argument(self, node: tree.Node, here: int | None) -> Any:
        """What a call is given: whole numbers, and lists of them."""
        if isinstance(node, tree.ListOf):
            return tuple([self.argument(item, here) for item in node.items])
        value = self.value(node, here)
        return value.whole() if isinstance(value, Ratio) else value

    def name(self, node: tree.Name) -> Any:
        let = self.written.let(node, self.block)
        if let is None:  # a parameter of the block, or a knob
            if self.block is not None and any(
                p.name.text == node.text for p in self.block.parameters
            ):
                if node.text in self.values:
                    return self.values[node.text]
                raise Untranslatable
            if node.text in self.knobs and isinstance(self.knobs[node.text], (int, Fraction, str)):
                return self.knobs[node.text]
            raise Untranslatable
        if not isinstance(let, tree.Let):
            raise Untranslatable
        first = self.block is not None and self.written.is_first(let, self.block)
        if id(let) in self.kept and not let.unpack:
            return self.kept[id(let)]
        value = let.value
        if let.unpack:
            value = self.item(value, [t.text for t in let.targets].index(node.text), first)
        found = self.value(value, self.channels if first else self.stood.get(id(let)))
        long = isinstance(found, Num) and found.is_long
        if self.keep is None or not long or let.unpack:
            return found
        made = self.kept[id(let)] = Num.of(found, self.keep(node.text, found))
        return made

    def item(self, node: tree.Node, place: int, first: bool) -> tree.Node:
        """One of several values that a `let` takes apart."""
        if isinstance(node, tree.ListOf) and place < len(node.items):
            return node.items[place]
        if isinstance(node, tree.Ternary):
            then, otherwise = (self.item(n, place, first) for n in (node.then, node.otherwise))
            return tree.Ternary(node.span, then, node.condition, otherwise)
        raise Untranslatable

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
            return Num.of(best, f"{word}({', '.join(shown(v, SUM) for v in values)})")
        raise Untranslatable

    def ternary(self, node: tree.Ternary, here: int | None) -> Any:
        condition = self.truth(node.condition, here)
        if isinstance(condition, bool):
            return self.value(node.then if condition else node.otherwise, here)
        then, otherwise = self.value(node.then, here), self.value(node.otherwise, here)
        if not all(isinstance(v, PLAIN) for v in (then, otherwise)):
            raise Untranslatable
        found = chosen(condition, then, otherwise)
        if len(found.text) > LONGEST:
            raise Untranslatable
        return found

    def truth(self, node: tree.Node, here: int | None) -> bool | Word:
        """A condition: a truth, if it is the same in all instances."""
        if isinstance(node, tree.Compare):
            return self.comparison(node, here)
        if isinstance(node, tree.Unary) and node.operator == "not":
            found = self.truth(node.operand, here)
            if isinstance(found, bool):
                return not found
            return opposite(found)
        if isinstance(node, tree.Binary) and node.operator in ("and", "or"):
            return self.logic(node, here)
        found = self.value(node, here)
        if isinstance(found, bool) or (isinstance(found, Word) and isinstance(found.value, bool)):
            return found
        raise Untranslatable

    def taken(self, node: tree.If | tree.Ternary, number: int, here: int | None) -> bool | Word:
        """Whether this body is taken: those before it are not."""
        conditions = node.conditions if isinstance(node, tree.If) else (node.condition,)
        found: list[Word] = []
        for i, condition in enumerate(conditions[: number + 1]):
            one = self.truth(condition, here)
            if i < number:
                one = (not one) if isinstance(one, bool) else opposite(one)
            if one is False:
                return False
            if isinstance(one, Word):
                found.append(one)
        return both(found) if found else True

    def turns(self, loop: tree.For | tree.Repeat, here: int) -> Any:
        """How often the body of a loop runs."""
        if isinstance(loop, tree.Repeat):
            return self.argument(loop.count, here)
        if not isinstance(loop.items, tree.Range) or loop.items.step is not None:
            raise Untranslatable
        low, high = (self.argument(end, here) for end in (loop.items.low, loop.items.high))
        return high if low == 1 else high - low + 1

    def logic(self, node: tree.Binary, here: int | None) -> bool | Word:
        sides = self.truth(node.left, here), self.truth(node.right, here)
        ends = node.operator == "or"
        known = [s for s in sides if isinstance(s, bool)]
        if ends in known:
            return ends
        rest = [s for s in sides if not isinstance(s, bool)]
        if len(rest) < 2:
            return rest[0] if rest else not ends
        level = EITHER if ends else BOTH
        values = [s.value for s in rest]
        text = f" {node.operator} ".join(written(s, level) for s in rest)
        return Word(any(values) if ends else all(values), text, level)

    def comparison(self, node: tree.Compare, here: int | None) -> bool | Word:
        values = [self.value(operand, here) for operand in node.operands]
        if not all(isinstance(v, PLAIN) for v in values):
            raise Untranslatable
        plain = [getattr(v, "value", v) for v in values]
        pairs = zip(node.operators, plain, plain[1:], strict=False)
        if not all(symbol in COMPARISONS for symbol in node.operators):
            raise Untranslatable
        truth = all(COMPARISONS[symbol](a, b) for symbol, a, b in pairs)
        if not any(isinstance(v, (Num, Real, Word)) for v in values):
            return truth
        symbols = list(node.operators)
        if len(values) == 2 and not isinstance(values[0], (Num, Real, Word)):
            values.reverse()  # the number stands last
            symbols = [MIRRORED[symbols[0]]]
        text = written(values[0], SUM)
        for symbol, value in zip(symbols, values[1:], strict=True):
            text += f" {symbol} {written(value, SUM)}"
        return Word(truth, text, COMPARISON)


def _plain(value: Ratio) -> Any:
    """A quotient by 1 as the number that it is."""
    return value.top if value.is_whole else value
