"""From lark's reductions to the syntax tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lark import Token, Tree

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Diagnostic, diagnose
from archdsl.diagnostics.source import Source, Span
from archdsl.syntax import tree

UNITS = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MAX_DIGITS = 300

Made = tuple[Span, Any]


def read_number(text: str) -> int | Fraction:
    """The exact value of a number as it is written: ``64``, ``0.5``, ``15%``, ``4.1G``.

    Raises ``OverflowError`` for a number of more than 300 digits.
    """
    if text.isdecimal() and len(text) <= MAX_DIGITS:
        return int(text)
    scale = Fraction(1)
    if text[-1] == "%":
        text, scale = text[:-1], Fraction(1, 100)
    elif text[-1] in UNITS:
        text, scale = text[:-1], Fraction(UNITS[text[-1]])
    exponent = text.lower().partition("e")[2]
    if len(text) > MAX_DIGITS or (exponent and abs(int(exponent)) > MAX_DIGITS):
        raise OverflowError(text)
    value = Fraction(text) * scale
    return value.numerator if value.denominator == 1 else value


class TreeBuilder:
    """One method per alternative of the grammar, called bottom up.

    A method gets the place and the children of its alternative, and returns a node or,
    for a part that is none, a tuple. Mistakes are collected in ``faults``.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.faults: list[Diagnostic] = []
        self.grouped: set[int] = set()  # conditionals in parentheses, by their starts

    def build(self, parsed: Tree[Token]) -> tuple[tree.Node, ...]:
        """The statements of a parsed file."""
        made: dict[int, Any] = {}
        for part in parsed.iter_subtrees():  # what is within another comes first
            meta = part.meta
            span = Span(self.source, *((0, 0) if meta.empty else (meta.start_pos, meta.end_pos)))
            children = [made[id(c)] if c.__class__ is Tree else c for c in part.children]
            made[id(part)] = getattr(self, part.data)(span, children)
        statements: tuple[tree.Node, ...] = made[id(parsed)]
        return statements

    def word(self, token: Token) -> tree.Word:
        start = token.start_pos or 0
        return tree.Word(Span(self.source, start, start + len(token)), str(token))

    def maybe(self, token: Token | None) -> tree.Word | None:
        return None if token is None else self.word(token)

    # -------------------------------------------------------------- expressions

    def number(self, span: Span, c: Sequence[Any]) -> tree.Literal:
        try:
            return tree.Literal(span, read_number(str(c[0])))
        except OverflowError:
            return self.too_long(span)

    def shape(self, span: Span, c: Sequence[Any]) -> tree.Literal:
        if len(c[0]) > MAX_DIGITS:
            return self.too_long(span)
        return tree.Literal(span, tuple(int(n) for n in c[0].split("x")))

    def too_long(self, span: Span) -> tree.Literal:
        self.faults.append(diagnose(codes.NUMBER_TOO_LONG, span, limit=MAX_DIGITS))
        return tree.Literal(span, 0)

    def string(self, span: Span, c: Sequence[Any]) -> tree.Literal:
        return tree.Literal(span, unquote(str(c[0])))

    def true(self, span: Span, c: Sequence[Any]) -> tree.Literal:
        return tree.Literal(span, True)

    def false(self, span: Span, c: Sequence[Any]) -> tree.Literal:
        return tree.Literal(span, False)

    def name(self, span: Span, c: Sequence[Any]) -> tree.Name:
        return tree.Name(span, str(c[0]))

    def here(self, span: Span, c: Sequence[Any]) -> tree.Here:
        return tree.Here(span, str(c[1]))

    def field(self, span: Span, c: Sequence[Any]) -> tree.Field:
        return tree.Field(span, c[0], str(c[1]))

    def index(self, span: Span, c: Sequence[Any]) -> tree.Index:
        return tree.Index(span, c[0], c[1])

    def group(self, span: Span, c: Sequence[Any]) -> tree.Node:
        node: tree.Node = c[0]
        if isinstance(node, tree.Ternary):
            self.grouped.add(node.span.start)
        return node

    def unary(self, span: Span, c: Sequence[Any]) -> tree.Unary:
        return tree.Unary(span, str(c[0]), c[1])

    def binary(self, span: Span, c: Sequence[Any]) -> tree.Binary:
        return tree.Binary(span, str(c[1]), c[0], c[2])

    def compare_op(self, span: Span, c: Sequence[Any]) -> Token:
        token: Token = c[0]
        return token

    def compare(self, span: Span, c: Sequence[Any]) -> tree.Compare:
        return tree.Compare(span, tuple(c[0::2]), tuple(str(t) for t in c[1::2]))

    def ternary(self, span: Span, c: Sequence[Any]) -> tree.Ternary:
        return tree.Ternary(span, c[0], c[1], c[2])

    def range(self, span: Span, c: Sequence[Any]) -> tree.Range:
        return tree.Range(span, c[0], c[1], c[2] if len(c) > 2 else None)

    def list(self, span: Span, c: Sequence[Any]) -> tree.ListOf:
        return tree.ListOf(span, tuple(x for x in c if x is not None))

    def target(self, span: Span, c: Sequence[Any]) -> Made:
        return span, tuple(self.word(t) for t in c if t is not None)

    def clause(self, span: Span, c: Sequence[Any]) -> tree.Clause:
        where, words = c[0]
        condition = c[3] if len(c) > 3 else None
        return tree.Clause(span, words, where.text.startswith("("), c[2], condition)

    def comprehension(self, span: Span, c: Sequence[Any]) -> tree.Comprehension:
        return tree.Comprehension(span, c[0], tuple(c[1:]))

    def pattern(self, span: Span, c: Sequence[Any]) -> Made:
        return span, tuple(c)

    def arm(self, span: Span, c: Sequence[Any]) -> tree.Arm:
        return tree.Arm(span, c[0][1], c[1])

    def match(self, span: Span, c: Sequence[Any]) -> tree.Match:
        return tree.Match(span, c[0], tuple(x for x in c[1:] if x is not None))

    def keyword(self, span: Span, c: Sequence[Any]) -> tree.Argument:
        return tree.Argument(span, self.word(c[0]), c[1])

    def positional(self, span: Span, c: Sequence[Any]) -> tree.Argument:
        return tree.Argument(span, None, c[0])

    def arguments(self, span: Span, c: Sequence[Any]) -> Made:
        return span, tuple(x for x in c if x is not None)

    # -------------------------------------------------------- layer expressions

    def call(self, span: Span, c: Sequence[Any]) -> tree.Call:
        return tree.Call(span, self.word(c[0]), c[1][1])

    def bodied(self, span: Span, c: Sequence[Any]) -> tree.Call:
        arguments = next((x[1] for x in c if type(x) is tuple), ())
        words = [self.word(x) for x in c if isinstance(x, Token)]
        qualifier = words[1] if len(words) > 1 else None
        return tree.Call(span, words[0], arguments, qualifier, c[-1])

    def counted(self, span: Span, c: Sequence[Any]) -> tree.Call:
        call = self.bodied(span, [*c[:-2], c[-1]])
        return tree.Call(
            span, call.callee, call.arguments, call.qualifier, call.body, self.word(c[-2])
        )

    def sequence(self, span: Span, c: Sequence[Any]) -> tree.Body:
        body: tree.Body = c[0]
        return body

    def chain(self, span: Span, c: Sequence[Any]) -> tree.Chain:
        for link in c[:-1]:
            if isinstance(link, tree.Ternary) and link.span.start not in self.grouped:
                self.faults.append(diagnose(codes.CONDITIONAL_IN_CHAIN, link.span))
        return tree.Chain(span, tuple(c))

    def body(self, span: Span, c: Sequence[Any]) -> tree.Body:
        return tree.Body(span, tuple(x for x in c if x is not None))

    # --------------------------------------------------------------- statements

    def choices(self, span: Span, c: Sequence[Any]) -> tree.Choices:
        return tree.Choices(span, tuple(x for x in c if x is not None))

    def interval(self, span: Span, c: Sequence[Any]) -> tree.Interval:
        bounds = [x for x in c if isinstance(x, tree.Node)]
        step = bounds[2] if len(bounds) > 2 else None
        return tree.Interval(span, bounds[0], bounds[1], step, isinstance(c[-1], Token))

    def knob(self, span: Span, c: Sequence[Any]) -> tree.Knob:
        return tree.Knob(span, self.word(c[0]), c[1], c[3])

    def parameter(self, span: Span, c: Sequence[Any]) -> tree.Parameter:
        return tree.Parameter(span, self.word(c[0]), c[1])

    def arch(self, span: Span, c: Sequence[Any]) -> tree.Arch:
        return tree.Arch(span, self.word(c[0]), tuple(x for x in c[1:] if x is not None))

    def input(self, span: Span, c: Sequence[Any]) -> tree.Input:
        if isinstance(c[0], tree.Incoming):
            return tree.Input(span, tuple(c))
        return tree.Input(span, (tree.Incoming(c[0].span, None, (), c[0]),))

    def incoming(self, span: Span, c: Sequence[Any]) -> tree.Incoming:
        return tree.Incoming(span, self.word(c[0]), () if c[1] is None else c[1][1], c[2])

    def default(self, span: Span, c: Sequence[Any]) -> tree.Default:
        return tree.Default(span, self.word(c[0]), c[1][1])

    def let(self, span: Span, c: Sequence[Any]) -> tree.Let:
        where, words = c[0]
        return tree.Let(span, words, where.text.startswith("("), c[1])

    def fn(self, span: Span, c: Sequence[Any]) -> tree.Fn:
        parameters = tuple(x for x in c[1:-1] if x is not None)
        return tree.Fn(span, self.word(c[0]), parameters, c[-1])

    def require(self, span: Span, c: Sequence[Any]) -> tree.Require | tree.Poison:
        if isinstance(c[0], tree.Name) and not c[0].text:  # a blank: see archdsl.syntax.reader
            return tree.Poison(span)
        return tree.Require(span, c[0], None if c[1] is None else unquote(str(c[1])))

    def import_name(self, span: Span, c: Sequence[Any]) -> tree.Import:
        return tree.Import(span, self.word(c[0]), self.maybe(c[1]))

    def use(self, span: Span, c: Sequence[Any]) -> tree.Use:
        word = self.word(c[0])
        path = tree.Literal(word.span, unquote(word.text))
        return tree.Use(span, path, tuple(x for x in c[1:] if x is not None))

    def block(self, span: Span, c: Sequence[Any]) -> tree.Block:
        parameters = tuple(x for x in c[1:-1] if x is not None)
        return tree.Block(span, self.word(c[0]), parameters, c[-1])

    def output(self, span: Span, c: Sequence[Any]) -> tree.Output:
        arguments = () if c[1] is None else c[1][1]
        return tree.Output(span, self.word(c[0]), arguments, c[2])

    def paper(self, span: Span, c: Sequence[Any]) -> tree.Paper:
        names, values = c[1::2], c[2::2]
        facts = tuple(
            tree.Argument(
                Span(self.source, name.start_pos or 0, value.span.end), self.word(name), value
            )
            for name, value in zip(names, values, strict=True)
        )
        return tree.Paper(span, unquote(str(c[0])), facts)

    def published(self, span: Span, c: Sequence[Any]) -> tree.Published:
        return tree.Published(span, self.word(c[0]), c[1][1])

    def variant(self, span: Span, c: Sequence[Any]) -> tree.Variant:
        arguments = () if c[1] is None else c[1][1]
        facts = tuple(x for x in c[2:] if x is not None)
        return tree.Variant(span, self.word(c[0]), arguments, facts)

    def fix(self, span: Span, c: Sequence[Any]) -> tree.Fix:
        return tree.Fix(span, ".".join(str(t) for t in c[:-1]), c[-1])

    def labelled(self, span: Span, c: Sequence[Any]) -> tree.Labelled:
        return tree.Labelled(span, self.word(c[0]), c[1])

    def kept(self, span: Span, c: Sequence[Any]) -> tree.Kept:
        return tree.Kept(span, c[0], self.word(c[1]))

    def apply(self, span: Span, c: Sequence[Any]) -> tree.Apply:
        return tree.Apply(span, c[0])

    def if_(self, span: Span, c: Sequence[Any]) -> tree.If:
        parts: list[Any] = [x for x in c if isinstance(x, tree.Node)]
        odd = len(parts) % 2 == 1
        pairs = parts[:-1] if odd else parts
        otherwise = parts[-1] if odd else None
        return tree.If(span, tuple(pairs[0::2]), tuple(pairs[1::2]), otherwise)

    def for_(self, span: Span, c: Sequence[Any]) -> tree.For:
        where, words = c[0]
        unpack = where.text.startswith("(")
        return tree.For(span, words, unpack, c[2], self.maybe(c[3]), c[4])

    def repeat(self, span: Span, c: Sequence[Any]) -> tree.Repeat:
        return tree.Repeat(span, c[0], self.maybe(c[1]), c[2])

    def start(self, span: Span, c: Sequence[Any]) -> tuple[tree.Node, ...]:
        return tuple(x for x in c if x is not None)


def unquote(text: str) -> str:
    """What a text in quotes says."""
    return re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], text[1:-1])
