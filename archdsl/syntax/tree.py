"""The syntax tree: what a file says, with the place of every part of it.

Nodes compare by what they say, not by where they stand, so that a formatted file
can be compared with its original.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from fractions import Fraction

from archdsl.diagnostics.source import Span


@dataclass(slots=True)
class Node:
    span: Span = field(compare=False, repr=False)

    def children(self) -> Iterator[Node]:
        """The nodes directly below this one, in the order of the text."""
        for slot in fields(self):
            value = getattr(self, slot.name)
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


@dataclass(slots=True)
class Word(Node):
    """A name where one is given or defined."""

    text: str


# ------------------------------------------------------------------ expressions


@dataclass(slots=True)
class Literal(Node):
    """A number (exact), a string, a boolean, or a shape such as ``3x224x224``."""

    value: int | Fraction | str | bool | tuple[int, ...]


@dataclass(slots=True)
class Name(Node):
    text: str


@dataclass(slots=True)
class Here(Node):
    """``in.channels``: a property of the tensor where this stands."""

    field: str


@dataclass(slots=True)
class Field(Node):
    object: Node
    name: str


@dataclass(slots=True)
class Index(Node):
    object: Node
    index: Node


@dataclass(slots=True)
class Unary(Node):
    operator: str
    operand: Node


@dataclass(slots=True)
class Binary(Node):
    operator: str
    left: Node
    right: Node


@dataclass(slots=True)
class Compare(Node):
    """``a < b <= c``: operands, and the operators between them."""

    operands: tuple[Node, ...]
    operators: tuple[str, ...]


@dataclass(slots=True)
class Ternary(Node):
    then: Node
    condition: Node
    otherwise: Node


@dataclass(slots=True)
class Range(Node):
    low: Node
    high: Node
    step: Node | None


@dataclass(slots=True)
class ListOf(Node):
    items: tuple[Node, ...]


@dataclass(slots=True)
class Clause(Node):
    targets: tuple[Word, ...]
    unpack: bool
    items: Node
    condition: Node | None


@dataclass(slots=True)
class Comprehension(Node):
    item: Node
    clauses: tuple[Clause, ...]


@dataclass(slots=True)
class Arm(Node):
    patterns: tuple[Node, ...]
    value: Node


@dataclass(slots=True)
class Match(Node):
    subject: Node
    arms: tuple[Arm, ...]


@dataclass(slots=True)
class Argument(Node):
    name: Word | None
    value: Node


@dataclass(slots=True)
class Poison(Node):
    """What stands in for something that is missing, once that has been reported."""


# ------------------------------------------------------------ layer expressions


@dataclass(slots=True)
class Call(Node):
    """``callee(arguments) qualifier { body }``: all but the callee may be missing."""

    callee: Word
    arguments: tuple[Argument, ...]
    qualifier: Word | None = None
    body: Body | None = None


@dataclass(slots=True)
class Chain(Node):
    """``a -> b -> c``."""

    links: tuple[Node, ...]


@dataclass(slots=True)
class Body(Node):
    """``{ ... }``."""

    statements: tuple[Node, ...]


# ------------------------------------------------------------------- statements


@dataclass(slots=True)
class Choices(Node):
    items: tuple[Node, ...]


@dataclass(slots=True)
class Interval(Node):
    low: Node
    high: Node
    step: Node | None
    log: bool


@dataclass(slots=True)
class Knob(Node):
    name: Word
    default: Node
    domain: Choices | Interval | None


@dataclass(slots=True)
class Parameter(Node):
    name: Word
    default: Node | None


@dataclass(slots=True)
class Arch(Node):
    name: Word
    knobs: tuple[Knob, ...]


@dataclass(slots=True)
class Input(Node):
    shape: Node


@dataclass(slots=True)
class Default(Node):
    callee: Word
    arguments: tuple[Argument, ...]


@dataclass(slots=True)
class Let(Node):
    targets: tuple[Word, ...]
    unpack: bool
    value: Node


@dataclass(slots=True)
class Fn(Node):
    name: Word
    parameters: tuple[Parameter, ...]
    value: Node


@dataclass(slots=True)
class Require(Node):
    condition: Node
    message: str | None


@dataclass(slots=True)
class Import(Node):
    name: Word
    alias: Word | None


@dataclass(slots=True)
class Use(Node):
    path: Literal
    names: tuple[Import, ...]


@dataclass(slots=True)
class Block(Node):
    name: Word
    parameters: tuple[Parameter, ...]
    body: Body


@dataclass(slots=True)
class Output(Node):
    name: Word
    arguments: tuple[Argument, ...]
    body: Body


@dataclass(slots=True)
class Paper(Node):
    title: str
    facts: tuple[Argument, ...]


@dataclass(slots=True)
class Published(Node):
    """``imagenet(top1 = 23.85%)``: an error that was published."""

    dataset: Word
    facts: tuple[Argument, ...]


@dataclass(slots=True)
class Variant(Node):
    name: Word
    arguments: tuple[Argument, ...]
    facts: tuple[Paper | Published, ...]


@dataclass(slots=True)
class Fix(Node):
    """``fix stage2.unit1.mix = small``: what is chosen at one place."""

    path: str
    value: Node


@dataclass(slots=True)
class Labelled(Node):
    label: Word
    statement: Node


@dataclass(slots=True)
class Kept(Node):
    """``layer as name``."""

    statement: Node
    name: Word


@dataclass(slots=True)
class Apply(Node):
    """A chain as a statement: it is applied to the current tensor."""

    chain: Node


@dataclass(slots=True)
class If(Node):
    conditions: tuple[Node, ...]
    bodies: tuple[Body, ...]
    otherwise: Body | None


@dataclass(slots=True)
class For(Node):
    targets: tuple[Word, ...]
    unpack: bool
    items: Node
    turn: Word | None
    body: Body


@dataclass(slots=True)
class Repeat(Node):
    count: Node
    turn: Word | None
    body: Body


@dataclass(slots=True)
class File(Node):
    """A whole file, with its doc comments by the line that they stand above."""

    statements: tuple[Node, ...]
    docs: dict[int, str] = field(compare=False, repr=False)

    def doc(self, node: Node) -> str:
        """The ``##`` comment above a statement, or an empty text."""
        return self.docs.get(node.span.line, "")
