"""The syntax tree: what a file says, with the place of every part of it.

Nodes compare by what they say, not by where they stand, so that a formatted file
can be compared with its original.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, fields
from fractions import Fraction
from typing import Any

from archdsl.diagnostics.source import Span
from archdsl.records import Record


class Node(Record, lean=True):
    """A part of a text, and its place."""

    span: Span = field(compare=False)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.said() == other.said()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self.said()!r}"

    def said(self) -> tuple[Any, ...]:
        """All that it says: its fields, without its place."""
        return tuple([getattr(self, slot.name) for slot in fields(self) if slot.compare])

    def children(self) -> Iterator[Node]:
        """The nodes directly below this one, in the order of the text."""
        for value in vars(self).values():
            yield from _nodes(value)

    def walk(self) -> Iterator[Node]:
        """This node and all below it, without recursion."""
        stack: list[Node] = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(list(node.children())))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes(item)


class Word(Node):
    """A name where one is given or defined."""

    text: str


# ------------------------------------------------------------------ expressions


class Literal(Node):
    """A number (exact), a string, a boolean, or a shape such as ``3x224x224``."""

    value: int | Fraction | str | bool | tuple[int, ...]


class Name(Node):
    text: str


class Here(Node):
    """``in.channels``: a property of the tensor where this stands."""

    field: str


class Field(Node):
    object: Node
    name: str


class Index(Node):
    object: Node
    index: Node


class Unary(Node):
    operator: str
    operand: Node


class Binary(Node):
    operator: str
    left: Node
    right: Node


class Compare(Node):
    """``a < b <= c``: operands, and the operators between them."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]


class Ternary(Node):
    then: Node
    condition: Node
    otherwise: Node


class Range(Node):
    low: Node
    high: Node
    step: Node | None


class ListOf(Node):
    items: tuple[Node, ...]


class Clause(Node):
    targets: tuple[Word, ...]
    unpack: bool
    items: Node
    condition: Node | None


class Comprehension(Node):
    item: Node
    clauses: tuple[Clause, ...]


class Arm(Node):
    patterns: tuple[Node, ...]
    value: Node


class Match(Node):
    subject: Node
    arms: tuple[Arm, ...]


class Argument(Node):
    name: Word | None
    value: Node


class Poison(Node):
    """What stands in for something that is missing, once that has been reported."""


# ------------------------------------------------------------ layer expressions


class Call(Node):
    """``callee(arguments) qualifier as turn { body }``: all but the callee may be missing."""

    callee: Word
    arguments: tuple[Argument, ...]
    qualifier: Word | None = None
    body: Body | None = None
    turn: Word | None = None


class Chain(Node):
    """``a -> b -> c``."""

    links: tuple[Node, ...]


class Body(Node):
    """``{ ... }``."""

    statements: tuple[Node, ...]


# ------------------------------------------------------------------- statements


class Choices(Node):
    items: tuple[Node, ...]


class Interval(Node):
    low: Node
    high: Node
    step: Node | None
    log: bool


class Knob(Node):
    name: Word
    default: Node
    domain: Choices | Interval | None


class Parameter(Node):
    name: Word
    default: Node | None


class Arch(Node):
    name: Word
    knobs: tuple[Knob, ...]


class Incoming(Node):
    """``ids(of = 50257): 512``: a tensor that comes in. One that stands alone may have no name."""

    name: Word | None
    arguments: tuple[Argument, ...]
    shape: Node


class Input(Node):
    tensors: tuple[Incoming, ...]


class Default(Node):
    callee: Word
    arguments: tuple[Argument, ...]


class Let(Node):
    targets: tuple[Word, ...]
    unpack: bool
    value: Node


class Fn(Node):
    name: Word
    parameters: tuple[Parameter, ...]
    value: Node


class Require(Node):
    condition: Node
    message: str | None


class Import(Node):
    name: Word
    alias: Word | None


class Use(Node):
    path: Literal
    names: tuple[Import, ...]


class Block(Node):
    name: Word
    parameters: tuple[Parameter, ...]
    body: Body


class Output(Node):
    name: Word
    arguments: tuple[Argument, ...]
    body: Body


class Paper(Node):
    title: str
    facts: tuple[Argument, ...]


class Published(Node):
    """``imagenet(top1 = 23.85%)``: an error that was published."""

    dataset: Word
    facts: tuple[Argument, ...]


class Variant(Node):
    name: Word
    arguments: tuple[Argument, ...]
    facts: tuple[Paper | Published, ...]


class Fix(Node):
    """``fix stage2.unit1.mix = small``: what is chosen at one place."""

    path: str
    value: Node


class Labelled(Node):
    label: Word
    statement: Node


class Kept(Node):
    """``layer as name``."""

    statement: Node
    name: Word


class Apply(Node):
    """A chain as a statement: it is applied to the current tensor."""

    chain: Node


class If(Node):
    conditions: tuple[Node, ...]
    bodies: tuple[Body, ...]
    otherwise: Body | None


class For(Node):
    targets: tuple[Word, ...]
    unpack: bool
    items: Node
    turn: Word | None
    body: Body


class Repeat(Node):
    count: Node
    turn: Word | None
    body: Body


class File(Node):
    """A whole file, with its doc comments by the line that they stand above."""

    statements: tuple[Node, ...]
    docs: dict[int, str] = field(compare=False)

    def doc(self, node: Node) -> str:
        """The ``##`` comment above a statement, or an empty text."""
        return self.docs.get(node.span.line, "")
