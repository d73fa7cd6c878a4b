"""The spec's expressions in Python, whole: over the names that the body of a block has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from archdsl.backend.direct.numbers import constant, folded, lowest, rounded
from archdsl.backend.direct.terms import (
    ANNOTATIONS,
    BOOL,
    EXACT,
    INT,
    INTS,
    MADE,
    RUN,
    STR,
    TENSOR,
    TENSORS,
    Bound,
    Said,
    less_one,
    more_one,
)
from archdsl.backend.names import BUILTINS, UNCLEAR, identifier
from archdsl.backend.python import INDENT, WIDTH
from archdsl.backend.terms import ATOM, BOTH, CHOICE, COMPARISON, EITHER, POWER, PRODUCT, SUM
from archdsl.backend.translate import COMPARISONS, Untranslatable
from archdsl.syntax import tree

NUMBERS = (INT, EXACT)
TRUTHS = ("True", "False")
LEVELS = {"+": SUM, "-": SUM, "*": PRODUCT, "%": PRODUCT, "//": PRODUCT}
SIZES = {"height": -2, "width": -1}  # the axes of what is known in ``forward`` alone
LOGIC = {"or": EITHER, "and": BOTH}
SPOKEN = frozenset("F Fraction OrderedDict Tensor math nn self seq torch super".split())
RESERVED = SPOKEN | UNCLEAR | BUILTINS  # what the code means something else by


class Functions:
    """The functions of the spec that the file needs, each as one of Python's."""

    def __init__(self, files: Mapping[str, tree.File], knobs: Mapping[str, Any]) -> None:
        self.files, self.knobs = files, knobs
        self.lines: dict[str, list[str]] = {}
        self.kinds: dict[str, tuple[list[str], str]] = {}  # of parameters and of the result
        self.nodes: dict[str, tree.Fn] = {}  # of two files, each may have one of a name
        self.running: set[str] = set()
        self.all = {
            n.name.text for f in files.values() for n in f.statements if isinstance(n, tree.Fn)
        }

    def find(self, name: str, place: tree.Node) -> tree.Fn | None:
        file = self.files.get(place.span.source.name)
        nodes = () if file is None else file.statements
        return next((n for n in nodes if isinstance(n, tree.Fn) and n.name.text == name), None)

    def result(self, node: tree.Fn, kinds: list[str]) -> str:
        """The kind of its result; its lines are written when it is first asked for."""
        name = node.name.text
        if self.nodes.setdefault(name, node) is not node:
            raise Untranslatable
        if name in self.kinds:
            known, result = self.kinds[name]
            if known != kinds:
                raise Untranslatable
            return result
        if name in self.running or len(kinds) != len(node.parameters):
            raise Untranslatable
        if identifier(name, RESERVED) != name or not set(kinds) <= ANNOTATIONS.keys():
            raise Untranslatable
        self.running.add(name)
        names: dict[str, Bound] = {}
        words: list[str] = []
        for parameter, kind in zip(node.parameters, kinds, strict=True):
            words.append(identifier(parameter.name.text, {*RESERVED, *self.all, *words}))
            names[parameter.name.text] = Bound(kind, words[-1], words[-1])
        said = Expressions(names, self).value(node.value, MADE)
        if said.kind not in ANNOTATIONS or said.bottom:
            raise Untranslatable
        given = ", ".join(f"{w}: {ANNOTATIONS[k]}" for w, k in zip(words, kinds, strict=True))
        body = [f"{INDENT}return {said.text}"]
        if len(body[0]) > WIDTH:
            body = [f"{INDENT}return (", f"{INDENT * 2}{said.text}", f"{INDENT})"]
        if said.kind == INTS:
            body = [f"{INDENT}return {_display(said.text)}"]
        self.lines[name] = [f"def {name}({given}) -> {ANNOTATIONS[said.kind]}:", *body]
        self.kinds[name] = (kinds, said.kind)
        return said.kind


def _display(text: str) -> str:
    """A list that is made by a loop, as a tuple."""
    return f"tuple({text})" if text.startswith("[") else text


class Expressions:
    """Translates expressions; ``names`` are what stands around them."""

    def __init__(self, names: Mapping[str, Bound], functions: Functions) -> None:
        self.names = dict(names)
        self.functions = functions
        self.here: Said | None = None  # the channels of what comes in where they stand
        self.rounds = (
            0  # how many `floor`s and `ceil`s are around: what is in them may be a fraction
        )
        self.here_run = ""  # the same in ``forward``

    @contextmanager
    def within(self, **names: Bound) -> Iterator[None]:
        before = self.names
        self.names = {**before, **names}
        try:
            yield
        finally:
            self.names = before

    def value(self, node: tree.Node, mode: str) -> Said:
        way = WAYS.get(type(node))
        if way is None:
            raise Untranslatable
        found: Said = way(self, node, mode)
        return found

    def number(self, node: tree.Node, mode: str) -> Said:
        found = self.value(node, mode)
        if found.kind not in NUMBERS:
            raise Untranslatable
        return found

    def literal(self, node: tree.Literal, mode: str) -> Said:
        return constant(node.value)

    def name(self, node: tree.Name, mode: str) -> Said:
        bound = self.names.get(node.text)
        if bound is not None:
            if not bound.kind:
                raise Untranslatable
            return bound.said(mode)
        if node.text in self.functions.knobs:
            return constant(self.functions.knobs[node.text])
        raise Untranslatable

    def place(self, node: tree.Here, mode: str) -> Said:
        if mode == RUN and node.field in SIZES:
            return Said(f"{self.here_run}.shape[{SIZES[node.field]}]", INT)
        if self.here is None:
            raise Untranslatable
        several = self.here.kind == TENSORS
        if node.field == "tensors":
            if mode == RUN:
                return Said(self.here_run if several else f"[{self.here_run}]", TENSORS)
            return self.here if several else Said(f"({self.here.text},)", TENSORS)
        if node.field != "channels" or several:
            raise Untranslatable
        if mode == RUN and self.here.text == "in_channels":
            return Said("self.in_channels", INT)
        return self.here if mode == MADE else Said(f"{self.here_run}.shape[1]", INT)

    def field(self, node: tree.Field, mode: str) -> Said:
        found = self.value(node.object, mode)
        if found.kind == TENSOR and mode == RUN and node.name in SIZES:
            return Said(f"{found.at(ATOM)}.shape[{SIZES[node.name]}]", INT)
        if node.name != "channels" or found.kind != TENSOR:
            raise Untranslatable
        return Said(found.text if mode == MADE else f"{found.at(ATOM)}.shape[1]", INT)

    def index(self, node: tree.Index, mode: str) -> Said:
        found, place = self.value(node.object, mode), self.value(node.index, mode)
        inner = {INTS: INT, TENSORS: TENSOR}.get(found.kind)
        if inner is None or place.kind != INT:
            raise Untranslatable
        last = place.text == f"len({found.text})"
        at = "-1" if last else less_one(place)
        items = found.text.strip("()").split(", ")
        if found.text.startswith("(") and at.isdigit() and all(i.isdigit() for i in items):
            if int(at) >= len(items):
                raise Untranslatable
            return constant(int(items[int(at)]))
        return Said(f"{found.at(ATOM)}[{at}]", inner)

    def unary(self, node: tree.Unary, mode: str) -> Said:
        found = self.value(node.operand, mode)
        if node.operator == "-" and found.kind in NUMBERS:
            return Said(f"-{found.at(POWER)}", found.kind, SUM)
        if node.operator == "not" and found.text in TRUTHS:
            return constant(found.text == "False")
        if node.operator == "not" and found.kind == BOOL:
            return Said(f"not {found.at(COMPARISON)}", BOOL, BOTH)
        raise Untranslatable

    def binary(self, node: tree.Binary, mode: str) -> Said:
        symbol = node.operator
        left, right = self.value(node.left, mode), self.value(node.right, mode)
        if symbol in LOGIC and left.kind == right.kind == BOOL:
            level = LOGIC[symbol]
            return Said(f"{left.at(level)} {symbol} {right.at(level + 1)}", BOOL, level)
        lists = (INTS, TENSORS)
        if symbol == "+" and left.kind in lists and right.kind == left.kind:
            return _joined(left, right)
        if left.kind not in NUMBERS or right.kind not in NUMBERS:
            raise Untranslatable
        kind = INT if left.kind == right.kind == INT else EXACT
        if (known := folded(left.text, symbol, right.text)) is not None:
            return constant(known)
        if symbol == "/":
            return Said(left.at(PRODUCT), EXACT, PRODUCT, right.at(PRODUCT + 1))
        if symbol == "^":
            if right.kind != INT:
                raise Untranslatable
            a, b = left.at(ATOM), right.at(POWER)
            least = self.least(node.right)
            if kind == INT and self.rounds and (least is None or least < 0):
                # Of a whole number to a negative power, Python makes a float.
                a, kind = f"Fraction({left.at(CHOICE)})", EXACT
            plain = all(part.replace(".", "").isalnum() for part in (a, b))
            return Said(f"{a}**{b}" if plain else f"{a} ** {b}", kind, POWER)
        if symbol not in LEVELS:
            raise Untranslatable
        level = LEVELS[symbol]
        kind = INT if symbol == "//" else kind
        after = level if symbol == "+" or (symbol == "*" and right.level == ATOM) else level + 1
        return Said(f"{left.at(level)} {symbol} {right.at(after)}", kind, level)

    def least(self, node: tree.Node) -> int | None:
        """A number that a whole number is never below, where one is known."""
        if isinstance(node, tree.Literal):
            return node.value if type(node.value) is int else None
        if isinstance(node, tree.Name):
            bound = self.names.get(node.text)
            knob = self.functions.knobs.get(node.text)
            return bound.least if bound is not None else knob if type(knob) is int else None
        if isinstance(node, tree.Call) and node.callee.text == "len":
            return 0
        if not isinstance(node, tree.Binary):
            return None
        low, other = self.least(node.left), self.least(node.right)
        if low is None or other is None:
            return None
        if node.operator == "-" and isinstance(node.right, tree.Literal):
            return low - other
        if node.operator == "+":
            return low + other
        return low * other if node.operator == "*" and low >= 0 and other >= 0 else None

    def compare(self, node: tree.Compare, mode: str) -> Said:
        values = [self.value(n, mode) for n in node.operands]
        kinds = {INT if v.kind in NUMBERS else v.kind for v in values}
        if len(kinds) != 1 or not kinds <= {INT, STR, BOOL}:
            raise Untranslatable
        if not all(symbol in COMPARISONS for symbol in node.operators):
            raise Untranslatable
        if all(v.text.isdigit() for v in values) and len(values) == 2:
            pair = (int(values[0].text), int(values[1].text))
            return constant(COMPARISONS[node.operators[0]](*pair))
        plain = all(v.level == ATOM and v.text.startswith(('"', "'")) for v in values)
        if plain and node.operators in (("==",), ("!=",)):
            return constant((values[0].text == values[1].text) == (node.operators == ("==",)))
        text = values[0].at(SUM)
        for symbol, value in zip(node.operators, values[1:], strict=True):
            text += f" {symbol} {value.at(SUM)}"
        return Said(text, BOOL, COMPARISON)

    def ternary(self, node: tree.Ternary, mode: str) -> Said:
        then, otherwise = self.value(node.then, mode), self.value(node.otherwise, mode)
        condition = self.truth(node.condition, mode)
        if then.kind != otherwise.kind:
            raise Untranslatable
        if condition.text in TRUTHS:
            return then if condition.text == "True" else otherwise
        text = f"{then.at(EITHER)} if {condition.at(EITHER)} else {otherwise.at(CHOICE)}"
        return Said(text, then.kind, CHOICE)

    def truth(self, node: tree.Node, mode: str) -> Said:
        found = self.value(node, mode)
        if found.kind != BOOL:
            raise Untranslatable
        return found

    def range(self, node: tree.Range, mode: str) -> Said:
        low, high = self.value(node.low, mode), self.value(node.high, mode)
        if low.kind != INT or high.kind != INT:
            raise Untranslatable
        items = [low.at(CHOICE), more_one(high)]
        if node.step is not None:
            step = self.value(node.step, mode)
            if not step.text.isdigit():
                raise Untranslatable
            items.append(step.text)
        elif low.text == "0":
            items = items[1:]
        return Said(f"range({', '.join(items)})", INTS)

    def listed(self, node: tree.ListOf, mode: str) -> Said:
        values = [self.value(n, mode) for n in node.items]
        kinds = {v.kind for v in values}
        if len(kinds) != 1 or not kinds <= {INT, TENSOR}:
            raise Untranslatable
        tensors = kinds == {TENSOR}
        text = ", ".join(v.at(CHOICE) for v in values)
        if tensors and mode == RUN:
            return Said(f"[{text}]", TENSORS)
        comma = "," if len(values) == 1 else ""
        return Said(f"({text}{comma})", TENSORS if tensors else INTS)

    def comprehension(self, node: tree.Comprehension, mode: str) -> Said:
        words: dict[str, Bound] = {}
        loops = ""
        for clause in node.clauses:
            with self.within(**words):
                items = self.value(clause.items, mode)
            inner = {INTS: INT, TENSORS: TENSOR}.get(items.kind)
            if inner is None or len(clause.targets) != 1:
                raise Untranslatable
            word = clause.targets[0].text
            others = [b for w, b in {**self.names, **words}.items() if w != word]
            taken = {t for b in others for t in (b.made, b.run)}
            name = identifier(word, {*RESERVED, *self.functions.all, *taken})
            words[word] = Bound(inner, name, name, lowest(clause.items))
            loops += f" for {name} in {items.at(EITHER)}"
            if clause.condition is not None:
                with self.within(**words):
                    loops += f" if {self.truth(clause.condition, mode).at(EITHER)}"
        with self.within(**words):
            item = self.value(node.item, mode)
        kind = {INT: INTS, TENSOR: TENSORS}.get(item.kind)
        if kind is None:
            raise Untranslatable
        return Said(f"[{item.at(CHOICE)}{loops}]", kind)

    def call(self, node: tree.Call, mode: str) -> Said:
        word = node.callee.text
        if node.body is not None or any(a.name is not None for a in node.arguments):
            raise Untranslatable
        fn = self.functions.find(word, node)
        rounds = fn is None and word in ("floor", "ceil")
        self.rounds += rounds
        values = [self.value(a.value, mode) for a in node.arguments]
        self.rounds -= rounds
        if fn is not None:
            whole = [v.quotient() if v.bottom else v for v in values]
            kind = self.functions.result(fn, [v.kind for v in whole])
            return Said(f"{word}({', '.join(v.at(CHOICE) for v in whole)})", kind)
        kinds = {v.kind for v in values}
        if word in ("floor", "ceil") and len(values) == 1 and kinds <= set(NUMBERS):
            return rounded(word, values[0])
        if word == "len" and kinds <= {INTS, TENSORS} and len(values) == 1:
            return Said(f"len({values[0].at(CHOICE)})", INT)
        if word == "sum" and kinds == {INTS} and len(values) == 1:
            return Said(f"sum({values[0].at(CHOICE)})", INT)
        if word in ("min", "max") and kinds == {INT} and len(values) > 1:
            return Said(f"{word}({', '.join(v.at(CHOICE) for v in values)})", INT)
        raise Untranslatable


def _joined(left: Said, right: Said) -> Said:
    """Two lists as one."""
    inner = []
    for said in (left, right):
        text = said.text
        shown = text[0] in "([" and text[-1] in ")]" and " for " not in text
        inner.append(text[1:-1].rstrip(",") if shown else f"*{said.at(ATOM)}")
    text = ", ".join(part for part in inner if part)
    if left.kind == TENSORS and "(" not in (left.text[0], right.text[0]):
        return Said(f"[{text}]", TENSORS)
    return Said(f"({text})" if ", " in text else f"({text},)", left.kind)


WAYS: dict[type[tree.Node], Any] = {
    tree.Literal: Expressions.literal,
    tree.Name: Expressions.name,
    tree.Here: Expressions.place,
    tree.Field: Expressions.field,
    tree.Index: Expressions.index,
    tree.Unary: Expressions.unary,
    tree.Binary: Expressions.binary,
    tree.Compare: Expressions.compare,
    tree.Ternary: Expressions.ternary,
    tree.Range: Expressions.range,
    tree.ListOf: Expressions.listed,
    tree.Comprehension: Expressions.comprehension,
    tree.Call: Expressions.call,
}
